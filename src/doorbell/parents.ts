import type { KernelRow, ParentKnowledge, ParentRow } from '../model/generated/parent-knowledge.ts';
import { contains } from './kernel-range.ts';
import type { KernelVersion } from './kernel-version.ts';
import table from './parents.json' with { type: 'json' };

export type { ParentRow } from '../model/generated/parent-knowledge.ts';

const shipped = table as ParentKnowledge;

/**
 * What is known of the kernel's vDPA parent drivers: what each says of its doorbells in `get_vq_notification`, and
 * what is wrong with it. The running kernel's answer always wins over this table; the table only adds what the kernel
 * does not check. The rows of a driver follow each other without a gap in kernel versions.
 */
export const parents: readonly ParentRow[] = shipped.parents;

/** Defects of the kernel itself, by code. */
export const kernels: Readonly<Record<KernelRow['code'], KernelRow>> = Object.fromEntries(
  (shipped.kernels ?? []).map((row) => [row.code, row]),
) as Record<KernelRow['code'], KernelRow>;

/**
 * The row of a parent driver; undefined where we know nothing of it.
 * @param version of the kernel; where it is not known, or a distribution hides it, the newest row is taken, since what
 * such a kernel has of newer ones cannot be told
 */
export function knowledgeOf(driver: string | null, version?: KernelVersion): ParentRow | undefined {
  const rows = parents.filter((row) => row.driver === driver);
  if (version?.patch === undefined) return rows.at(-1);
  return rows.find(({ kernels: range }) => range === undefined || contains(range, version));
}

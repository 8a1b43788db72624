import type { Host } from '../model/generated/host-report.ts';
import type { KernelRange, ParentRow } from '../model/generated/parent-knowledge.ts';
import { contains } from './kernel-range.ts';
import { kernelVersionOf } from './kernel-version.ts';
import { kernels, parents } from './parents.ts';

/** A bound for what hosts may differ in. */
const mostKernels = 4096;

/**
 * Kernels that no row tells apart: all that a judge asks of a kernel is whether it can be read as a version, whether its
 * patch level is hidden, and in which ranges it is.
 */
export class KernelClasses {
  readonly #ranges: readonly KernelRange[];
  /** by version */
  readonly #classes = new Map<string, string>();

  /** @param rows the operator's own on parent drivers */
  constructor(rows: readonly ParentRow[] = []) {
    this.#ranges = [
      ...Object.values(kernels).flatMap(({ sound, affected }) => [...sound, ...affected]),
      ...[...parents, ...rows].flatMap((row) => row.kernels ?? []),
    ];
  }

  /** The same for kernels of one class. */
  of(host: Host): string {
    const version = kernelVersionOf(host);
    if (!version) return '';
    const { major, minor, patch, vendor } = version;
    const number = `${major}.${minor}.${patch} ${vendor}`;
    const known = this.#classes.get(number);
    if (known !== undefined) return known;
    const inRanges = this.#ranges.map((range) => Number(contains(range, version))).join('');
    const found = `${patch === undefined ? 'hidden' : 'told'} ${inRanges}`;
    if (this.#classes.size < mostKernels) this.#classes.set(number, found);
    return found;
  }
}

import { isKnown } from '../model/fact.ts';
import type { Host, VdpaDevice, Virtqueue } from '../model/generated/host-report.ts';
import type { ParentRow } from '../model/generated/parent-knowledge.ts';
import { contains } from './kernel-range.ts';
import { kernelVersionOf, type KernelVersion } from './kernel-version.ts';
import { parentDriverOf } from './parent-driver.ts';
import { knowledgeOf } from './parents.ts';

/** What is known of the parent of one device, and whose word it is. */
export interface KnownParent {
  readonly driver: string | null;
  /** our table's row, unless the kernel disproves it */
  readonly table: ParentRow | undefined;
  /** the operator's own row, unless the kernel disproves it */
  readonly operator: ParentRow | undefined;
  /** the row that tells the area: the operator's where it says so, else the table's */
  readonly area: ParentRow | undefined;
  /** rows that say there is no notification area, where the kernel's answers show one */
  readonly disproved: readonly Word[];
}

/** A row, and whose it is. */
export interface Word {
  readonly row: ParentRow;
  readonly by: 'table' | 'operator';
}

/**
 * Looks up the parent of a device in the table and in the operator's rows.
 * @param rows the operator's own; of several that match, one that says no counts, else the one that names the device,
 * else the last
 */
export function knownParentOf(host: Host, device: VdpaDevice, rows: readonly ParentRow[] = []): KnownParent {
  const driver = parentDriverOf(device);
  const version = kernelVersionOf(host);
  const table = knowledgeOf(driver, version);
  const operator = operatorRow(rows, driver, device.name, version);
  const words: Word[] = [
    ...(operator === undefined ? [] : [{ row: operator, by: 'operator' as const }]),
    ...(table === undefined ? [] : [{ row: table, by: 'table' as const }]),
  ];
  const disproved = hasArea(device) ? words.filter(({ row }) => row.area === 'none') : [];
  const standing = (row: ParentRow | undefined): ParentRow | undefined =>
    disproved.some((word) => word.row === row) ? undefined : row;
  const own = standing(operator);
  const ours = standing(table);
  const tellsArea = own?.area !== undefined && own.area !== 'unknown';
  return { driver, table: ours, operator: own, area: tellsArea ? own : ours, disproved };
}

/** False where the driver's row says that its area is not the one of the virtio notify capability. */
export function pciMayTell({ table }: Pick<KnownParent, 'table'>): boolean {
  return table === undefined || table.area === 'virtio-notify-capability';
}

/** Whose word the area is. */
export function areaWitness({ area, operator }: KnownParent): 'table' | 'operator' {
  return area !== undefined && area === operator ? 'operator' : 'table';
}

function operatorRow(
  rows: readonly ParentRow[],
  driver: string | null,
  device: string,
  version: KernelVersion | undefined,
): ParentRow | undefined {
  const matching = rows.filter(
    (row) =>
      row.driver === driver &&
      (row.device === undefined || row.device === device) &&
      // a row for some kernels says nothing of one whose version is not known
      (row.kernels === undefined || (version !== undefined && contains(row.kernels, version))),
  );
  // whoever says no may know more than who says yes: the order of files must not decide
  return matching.findLast(isBad) ?? matching.findLast((row) => row.device !== undefined) ?? matching.at(-1);
}

/** The row says that the page holds something else. */
export function isBad({ exclusive, hazard }: ParentRow): boolean {
  return exclusive === 'no' || hazard !== undefined;
}

/** Both answers need an address: 524 is what comes where there is none (drivers/vhost/vdpa.c: vhost_vdpa_mmap()). */
function hasArea(device: VdpaDevice): boolean {
  if (!isKnown(device.virtqueues)) return false;
  return device.virtqueues.some(({ doorbell }) => doorbell === 'mapped' || refusalOf(doorbell) === 'EINVAL');
}

/** The errno of the kernel's no; undefined: it mapped, or was not asked. */
export function refusalOf(doorbell: Virtqueue['doorbell']): string | undefined {
  return typeof doorbell === 'object' && 'refused' in doorbell ? doorbell.refused : undefined;
}

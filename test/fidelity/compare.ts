/** Two guest configurations, property by property. */
import { isUnknown } from '../../src/model/fact.ts';
import type { GuestConfiguration } from '../../src/model/generated/guest-configuration.ts';

export interface Comparison {
  /** `/interfaces/0/vectors: 4 / 6`: both know it, and do not agree */
  readonly differences: string[];
  /** the first does not know it, and says so */
  readonly unknown: string[];
  /** properties that were compared and agree */
  readonly same: number;
}

/** @param ours what is promised; where it says unknown, nothing is */
export function compareGuests(ours: GuestConfiguration, theirs: GuestConfiguration): Comparison {
  const result = { differences: [] as string[], unknown: [] as string[], same: 0 };
  compare('', ours.guest, theirs.guest, result);
  return result;
}

type Result = { differences: string[]; unknown: string[]; same: number };

/** Labels of QEMU and libvirt, and what the vDPA device decides: the guest ABI does not cover them. */
const notCovered = /^\/\w+\/[^/]+\/(?:id|queuePairs)$/;

function compare(path: string, ours: unknown, theirs: unknown, result: Result): void {
  if (notCovered.test(path)) return;
  if (isUnknown(ours)) {
    result.unknown.push(path);
  } else if (Array.isArray(ours) && Array.isArray(theirs)) {
    const [a, b] = [matched(ours), matched(theirs)];
    for (const key of new Set([...a.keys(), ...b.keys()])) compare(`${path}/${key}`, a.get(key), b.get(key), result);
  } else if (isRecord(ours) && isRecord(theirs)) {
    for (const key of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
      // of a device whose settings are not read no more is promised than what is told of it
      const promised = Object.hasOwn(ours, key) || !isUnknown(ours['settings']) ? ours[key] : ours['settings'];
      compare(`${path}/${key}`, promised, theirs[key], result);
    }
  } else if (Object.is(ours, theirs)) {
    result.same++;
  } else {
    result.differences.push(`${path}: ${shown(ours)} / ${shown(theirs)}`);
  }
}

/** Devices by what they are and their number among those: ids and addresses may be left to libvirt. */
function matched(list: readonly unknown[]): Map<string, unknown> {
  const seen = new Map<string, number>();
  return new Map(
    list.map((item) => {
      const driver = isRecord(item) && typeof item['driver'] === 'string' ? item['driver'] : '';
      const number = seen.get(driver) ?? 0;
      seen.set(driver, number + 1);
      return [`${driver}${number}`, item] as const;
    }),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value).slice(0, 120);
}

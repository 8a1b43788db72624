import type { KernelRange } from '../model/generated/parent-knowledge.ts';
import { isBefore, type KernelVersion } from './kernel-version.ts';

/** True where the whole version is in the range; of a version whose patch level is hidden, each that it may be. */
export function contains({ from, before, upstream }: KernelRange, version: KernelVersion): boolean {
  if (upstream && version.vendor) return false;
  if (from !== undefined && isBefore(version, ...partsOf(from))) return false;
  if (before === undefined) return true;
  const [major, minor, patch] = partsOf(before);
  // of 6.12.? it may be every one, so only the start of a later line is surely behind it
  const latest = version.patch === undefined ? { ...version, patch: Infinity } : version;
  return isBefore(latest, major, minor, patch);
}

/** No version is in it. */
export function isEmpty({ from, before }: KernelRange): boolean {
  if (before === undefined) return false;
  const [major, minor, patch] = partsOf(from ?? '0.0');
  return !isBefore({ major, minor, patch }, ...partsOf(before));
}

function partsOf(version: string): [major: number, minor: number, patch: number] {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  return [major, minor, patch];
}

import { createHash } from 'node:crypto';
import { compare } from '../model/finding.ts';
import type { Guest, GuestConfiguration, Unknown } from '../model/generated/guest-configuration.ts';
import { pointerOf } from '../model/pointer.ts';
import { isCovered } from './coverage.ts';

type Segments = readonly (string | number)[];

/** Changes when the canonical form does: digests of different versions cannot be compared. */
const formVersion = 1;

/**
 * The digest of a guest: sha256, 64 hex digits, over its canonical form: JSON with sorted keys, without white space,
 * and without what the digest does not cover (coverage.ts). Lists are in the order of assemble().
 * @returns null where a leaf that it covers is unknown
 */
export function digestOf(guest: Guest): string | null {
  if (undeterminedIn(guest).some(({ inDigest }) => inDigest)) return null;
  return createHash('sha256')
    .update(JSON.stringify([formVersion, canonical(guest, [])]))
    .digest('hex');
}

/** The unknown leaves of a guest, sorted by path. */
export function undeterminedIn(guest: Guest): GuestConfiguration['undetermined'] {
  const found: GuestConfiguration['undetermined'] = [];
  const walk = (node: unknown, segments: Segments): void => {
    if (typeof node !== 'object' || node === null) return;
    if (isUnknownFact(node)) {
      found.push({ path: pointerOf(segments), reason: node.detail, inDigest: isCovered(segments) });
      return;
    }
    if (Array.isArray(node)) node.forEach((item, index) => walk(item, [...segments, index]));
    else for (const [key, value] of Object.entries(node)) walk(value, [...segments, key]);
  };
  walk(guest, []);
  return found.sort((a, b) => compare(a.path, b.path));
}

/** Not isUnknown(): names in machineOptions and otherOptions are free, and `unknown` may be among them. */
function isUnknownFact(node: object): node is Unknown {
  return 'unknown' in node && typeof node.unknown === 'string' && 'detail' in node && typeof node.detail === 'string';
}

function canonical(node: unknown, segments: Segments): unknown {
  if (Array.isArray(node)) return node.map((item, index) => canonical(item, [...segments, index]));
  if (typeof node !== 'object' || node === null) return node;
  const entries = Object.entries(node).filter(([key]) => isCovered([...segments, key]));
  return entries.sort(([a], [b]) => compare(a, b)).map(([key, value]) => [key, canonical(value, [...segments, key])]);
}

import { createHash } from 'node:crypto';
import { compare } from '../model/finding.ts';
import type { Guest, GuestConfiguration, Unknown } from '../model/generated/guest-configuration.ts';
import { pointerOf } from '../model/pointer.ts';
import { isCovered } from './coverage.ts';

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
  const at: (string | number)[] = [];
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    if (isUnknownFact(node)) {
      found.push({ path: pointerOf(at), reason: node.detail, inDigest: isCovered(at) });
      return;
    }
    for (const [key, value] of Array.isArray(node) ? node.entries() : Object.entries(node)) {
      at.push(key);
      walk(value);
      at.pop();
    }
  };
  walk(guest);
  return found.sort((a, b) => compare(a.path, b.path));
}

/** Not isUnknown(): names in machineOptions and otherOptions are free, and `unknown` may be among them. */
function isUnknownFact(node: object): node is Unknown {
  return 'unknown' in node && typeof node.unknown === 'string' && 'detail' in node && typeof node.detail === 'string';
}

/** @param at where the node is; the same again afterwards */
function canonical(node: unknown, at: (string | number)[]): unknown {
  if (typeof node !== 'object' || node === null) return node;
  const isList = Array.isArray(node);
  const form: unknown[] = [];
  for (const [key, value] of isList ? node.entries() : Object.entries(node).sort(([a], [b]) => compare(a, b))) {
    at.push(key);
    if (isList) form.push(canonical(value, at));
    else if (isCovered(at)) form.push([key, canonical(value, at)]);
    at.pop();
  }
  return form;
}

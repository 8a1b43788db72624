import { unknown } from '../model/fact.ts';
import type { Unknown } from '../model/generated/guest-configuration.ts';

/** An upstream machine type with a version; its defaults are known. */
export interface MachineVersion {
  readonly family: 'pc-q35' | 'pc-i440fx' | 'virt';
  /** 7.2 is 702 */
  readonly version: number;
}

/** Defaults of machine types up to this one were read (query-machines with compat-props, QEMU 10.0; sources of 10.2). */
const newest = 1002;

/**
 * Family and version of an upstream machine type. Distributions have their own (pc-q35-rhel9.4.0, pc-q35-noble), whose
 * defaults are not known here.
 */
export function machineVersionOf(name: string): MachineVersion | undefined {
  const match = /^(pc-q35|pc-i440fx|virt)-([0-9]{1,2})\.([0-9]{1,2})$/.exec(name);
  if (!match) return undefined;
  const version = Number(match[2]) * 100 + Number(match[3]);
  return version > newest ? undefined : { family: match[1] as MachineVersion['family'], version };
}

/**
 * A machine type that means the same in every QEMU that has it: it ends with a version, or with the name of a release of
 * Ubuntu (pc-q35-noble, pc-i440fx-jammy-hpb).
 */
export function isVersioned(name: string): boolean {
  if (/^(?:pc-q35|pc-i440fx|virt)-[a-z]{4,}(?:-[a-z0-9]+)*$/.test(name)) return true;
  return /[0-9]+\.[0-9]+(?:\.[0-9]+)?(?:-[a-z0-9]+)?$/.test(name);
}

/** Why a default cannot be said. */
export function defaultUnknown(what: string): Unknown {
  return unknown(
    'not-present',
    `${what} is not given, and its default depends on the machine type, which is not one that is known here`,
  );
}

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { isUnknown, unknown } from '../model/fact.ts';
import type { Host, Unknown } from '../model/generated/host-report.ts';
import { cpuOf } from './cpuinfo.ts';
import { errnoOf } from './errno.ts';
import { listDirectory, readText, unreadable, type Roots } from './files.ts';
import { pageSizeByProgram } from './page-size.ts';
import { runProgram, type RunProgram } from './program.ts';
import { reportText } from './report-text.ts';
import type { Syscalls } from './syscalls.ts';

/**
 * The facts of the machine itself. Needs no privilege.
 * @param syscalls gives the page size; unknown where ffi-rs cannot be loaded, then `getconf` is asked
 */
export async function readMachine(
  roots: Roots,
  syscalls: Syscalls | Unknown,
  run: RunProgram = runProgram,
): Promise<Host> {
  const cpuinfo = readText(path.join(roots.procRoot, 'cpuinfo'));
  return {
    name: thisHost(),
    architecture:
      os
        .machine()
        .replace(/[^A-Za-z0-9_]/g, '_')
        .slice(0, 32) || 'unknown',
    kernelRelease: reportText(os.release()),
    kernelVersion: reportText(os.version()),
    pageSize: isUnknown(syscalls) ? await pageSizeByProgram(run) : syscalls.pageSize(),
    cpu: isUnknown(cpuinfo) ? cpuinfo : cpuOf(cpuinfo),
    kvm: kvm(path.join(roots.devRoot, 'kvm')),
    iommuGroups: iommuGroups(path.join(roots.sysfsRoot, 'kernel/iommu_groups')),
    lockedMemoryLimit: lockedMemoryLimit(path.join(roots.procRoot, 'self/limits')),
  };
}

/** The name of this host, as a report of it has it. */
export function thisHost(): string {
  return hostName(os.hostname());
}

/** The host name in the characters that a report takes. */
export function hostName(name: string): string {
  return (
    name
      .replace(/[^A-Za-z0-9_.-]/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, 254) || 'localhost'
  );
}

/** Only opened: an ioctl may hang where KVM is a façade of an outer hypervisor. */
function kvm(file: string): Host['kvm'] {
  try {
    fs.closeSync(fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_NONBLOCK));
    return true;
  } catch (error) {
    return ['ENOENT', 'ENODEV', 'ENXIO'].includes(errnoOf(error) ?? '') ? false : unreadable(file, error);
  }
}

/** Documentation/ABI/testing/sysfs-kernel-iommu_groups; the directory is absent in a kernel without IOMMU support. */
function iommuGroups(directory: string): Host['iommuGroups'] {
  const groups = listDirectory(directory);
  if (!isUnknown(groups)) return groups.length;
  return groups.unknown === 'ENOENT' ? 0 : groups;
}

/** The hard limit of fs/proc/base.c: proc_pid_limits(): `Max locked memory  SOFT  HARD  bytes`. */
function lockedMemoryLimit(file: string): Host['lockedMemoryLimit'] {
  const limits = readText(file);
  if (isUnknown(limits)) return limits;
  const hard = /^Max locked memory +\S+ +(unlimited|\d+)/m.exec(limits)?.[1];
  if (hard === 'unlimited') return hard;
  const bytes = hard === undefined ? NaN : Number(hard);
  return Number.isSafeInteger(bytes) ? bytes : unknown('malformed', `${file}: no limit of locked memory in it`);
}

/** Nanoseconds since some moment; for measuring. */
export function clock(): bigint {
  return process.hrtime.bigint();
}

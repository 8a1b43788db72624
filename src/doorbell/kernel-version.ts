import type { Host } from '../model/generated/host-report.ts';

/** Upstream version of a kernel. `patch` is undefined where a distribution's own numbering hides it. */
export interface KernelVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number | undefined;
  /** set: neither upstream's own release nor Debian's, so it may have changes of newer kernels */
  readonly vendor?: true;
}

/**
 * Reads `uname -r`, and `uname -v` where Debian and Ubuntu keep the upstream version: 6.12.107; 6.1.0-40-amd64 with
 * `#1 SMP Debian 6.1.176-1` is 6.1.176; 5.14.0-427.el9 is 5.14.? since its backports cannot be told from the number.
 */
export function kernelVersionOf(host: Pick<Host, 'kernelRelease' | 'kernelVersion'>): KernelVersion | undefined {
  const release = /^(\d{1,4})\.(\d{1,4})(?:\.(\d{1,5}))?(.?)/.exec(host.kernelRelease);
  if (!release) return undefined;
  const [, major, minor, patch, rest] = release;
  const packaged = host.kernelVersion?.includes('Debian')
    ? new RegExp(`\\bDebian ${String(major)}\\.${String(minor)}\\.(\\d{1,5})`).exec(host.kernelVersion)
    : undefined;
  const version = { major: Number(major), minor: Number(minor) };
  if (packaged) return { ...version, patch: Number(packaged[1]) };
  const vendor = rest === '' ? {} : { vendor: true as const };
  return { ...version, patch: rest === '-' && patch === '0' ? undefined : Number(patch ?? 0), ...vendor };
}

/** True where `version` is older than major.minor.patch; an unknown patch level counts as the oldest. */
export function isBefore(version: KernelVersion, major: number, minor: number, patch = 0): boolean {
  if (version.major !== major) return version.major < major;
  if (version.minor !== minor) return version.minor < minor;
  return (version.patch ?? 0) < patch;
}

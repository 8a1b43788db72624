import type { Host } from '../model/generated/host-report.ts';
import { isBefore, kernelVersionOf } from './kernel-version.ts';

/** What a kernel does wrong with every doorbell mapping. */
export interface KernelHazard {
  readonly code: string;
  readonly verdict: 'unsafe' | 'unknown';
  readonly message: string;
}

/**
 * arm64 only. "vhost-vdpa: switch to use vmf_insert_pfn() in the fault handler" (6.11, 6.10.5, and some stables) lost
 * pgprot_noncached; "vhost: fix caching attributes of MMIO regions by setting them explicitly" (7.0, 6.12.75) gives it
 * back in drivers/vhost/vdpa.c: vhost_vdpa_mmap(). In between, the doorbell is mapped cacheable. On x86 the PAT code
 * keeps it uncached.
 */
export function cachingHazard(host: Host): KernelHazard | undefined {
  if (host.architecture !== 'aarch64') return undefined;
  const version = kernelVersionOf(host);
  const code = 'doorbell.kernel-caching';
  if (!version) {
    return { code, verdict: 'unknown', message: `kernel release ${host.kernelRelease} cannot be read as a version` };
  }
  if (!isBefore(version, 7, 0)) return undefined;
  // what an old distribution kernel has of newer ones cannot be told from its number
  if (isBefore(version, 6, 0) && version.patch !== undefined) return undefined;
  if (version.minor === 12 && !isBefore(version, 6, 12, 75)) return undefined;
  if (isBefore(version, 6, 10, 5)) {
    return {
      code,
      verdict: 'unknown',
      message: `kernel ${host.kernelRelease} may map doorbells cacheable: some stable and distribution kernels before 6.10.5 have the change that lost pgprot_noncached without its fix`,
    };
  }
  return {
    code,
    verdict: 'unsafe',
    message: `kernel ${host.kernelRelease} maps doorbells cacheable on arm64 (fixed in 7.0 and 6.12.75)`,
  };
}

/** First patch level of each stable line that checks the virtqueue index in vhost_vdpa_mmap(); 7.2 and later have it. */
const indexCheckedFrom: readonly (readonly [number, number, number])[] = [
  [5, 10, 261],
  [5, 15, 212],
  [6, 1, 178],
  [6, 6, 145],
  [6, 12, 97],
  [6, 18, 40],
  [7, 1, 5],
];

/**
 * CVE-2026-74312: whether mmap of /dev/vhost-vdpa-N with an index beyond the device's virtqueues reads out of bounds
 * on this kernel. undefined: cannot be told from the version.
 */
export function isOpenToIndexOverrun(host: Host): boolean | undefined {
  const version = kernelVersionOf(host);
  if (!version) return undefined;
  if (isBefore(version, 5, 8) || !isBefore(version, 7, 2)) return false;
  const line = indexCheckedFrom.find(([major, minor]) => major === version.major && minor === version.minor);
  if (version.patch === undefined) return undefined;
  return line === undefined || isBefore(version, ...line);
}

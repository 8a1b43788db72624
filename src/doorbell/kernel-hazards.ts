import type { Host } from '../model/generated/host-report.ts';
import type { KernelRow } from '../model/generated/parent-knowledge.ts';
import { contains } from './kernel-range.ts';
import { kernelVersionOf } from './kernel-version.ts';
import { kernels } from './parents.ts';

/** What a kernel does wrong with every doorbell mapping. */
export interface KernelHazard {
  readonly code: string;
  readonly verdict: 'unsafe' | 'unknown';
  readonly message: string;
}

/**
 * arm64 only: whether this kernel maps doorbells cacheable. The versions and their sources are in parents.json. On x86
 * the PAT code keeps such a mapping uncached; of others nobody has looked.
 */
export function cachingHazard(host: Host): KernelHazard | undefined {
  const row = rowOf('doorbell.kernel-caching');
  const state = stateOf(row, host);
  const { code } = row;
  switch (state) {
    case 'sound':
      return undefined;
    case 'unreadable':
      return { code, verdict: 'unknown', message: `kernel release ${host.kernelRelease} cannot be read as a version` };
    case 'unheard-of':
      return {
        code,
        verdict: 'unknown',
        message: `whether kernels of ${host.architecture} map doorbells cacheable is not known: only ${[...(row.architectures ?? []), ...(row.spared ?? [])].join(', ')} were looked at`,
      };
    case 'unknown':
      return {
        code,
        verdict: 'unknown',
        message: `kernel ${host.kernelRelease} may map doorbells cacheable: some stable and distribution kernels have the change that lost pgprot_noncached without its fix`,
      };
    case 'affected':
      return {
        code,
        verdict: 'unsafe',
        message: `kernel ${host.kernelRelease} ${row.defect} (fixed in ${row.fixedIn.join(', ')})`,
      };
  }
}

/** What to do about such a kernel; undefined: it is sound, or no version of it is known to be. */
export function adviceOnCaching(host: Host): string | undefined {
  const row = rowOf('doorbell.kernel-caching');
  const state = stateOf(row, host);
  if (state === 'sound' || state === 'unheard-of') return undefined;
  return `update the kernel to one that is known to be sound: ${row.fixedIn.join(', ')} or newer of the same line`;
}

/**
 * CVE-2026-74312: whether mmap of /dev/vhost-vdpa-N with an index beyond the device's virtqueues reads out of bounds
 * on this kernel. undefined: cannot be told from the version.
 */
export function isOpenToIndexOverrun(host: Host): boolean | undefined {
  const state = stateOf(rowOf('host.kernel-index-overrun'), host);
  return state === 'affected' ? true : state === 'sound' ? false : undefined;
}

function rowOf(code: KernelRow['code']): KernelRow {
  return kernels[code];
}

type State = 'sound' | 'affected' | 'unknown' | 'unreadable' | 'unheard-of';

function stateOf(row: KernelRow, host: Host): State {
  const { architecture } = host;
  if (row.spared?.includes(architecture)) return 'sound';
  if (row.architectures !== undefined && !row.architectures.includes(architecture)) return 'unheard-of';
  const version = kernelVersionOf(host);
  if (!version) return 'unreadable';
  if (row.sound.some((range) => contains(range, version))) return 'sound';
  // what an old distribution kernel has of newer ones cannot be told from its number
  if (version.patch === undefined) return 'unknown';
  return row.affected.some((range) => contains(range, version)) ? 'affected' : 'unknown';
}

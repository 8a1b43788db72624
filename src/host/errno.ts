import os from 'node:os';

/**
 * Names that node's own table has not or has twice. 95 is one number with two names; the kernel means EOPNOTSUPP.
 * 524 is the kernel's internal ENOTSUPP (include/linux/errno.h), which libc does not name and which vhost_vdpa_open()
 * and vhost_vdpa_mmap() let out to user space.
 */
const names = new Map<number, string>();
for (const [name, number] of Object.entries(os.constants.errno)) if (!names.has(number)) names.set(number, name);
names.set(95, 'EOPNOTSUPP').set(524, 'ENOTSUPP');

/** `EBUSY` for 16, `ENOTSUPP` for 524; `ERRNO1234` where there is no name. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `ERRNO${Math.abs(Math.trunc(errno))}`;
}

/**
 * The errno name of what node:fs threw: by number where there is one, because node has no name for 524.
 * @returns undefined where it was no system error
 */
export function errnoOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const { errno, code } = thrown as NodeJS.ErrnoException;
  if (typeof errno === 'number' && errno < 0) return errnoName(-errno);
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

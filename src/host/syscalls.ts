/** What a system call gave: its value, or the errno number. errno is only there where the call failed. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly errno: number };

/**
 * The few system calls that node does not offer. libc.ts makes the real ones; a test may give its own.
 * All are synchronous. Arguments that no call of ours can mean throw VdpaQemuError `internal`.
 */
export interface Syscalls {
  /** @param argument the buffer that the request encodes (the kernel reads and writes it in place), or a value */
  ioctl(fd: number, request: number, argument: Uint8Array | bigint): Outcome<number>;
  /** @returns the address; at a place of the kernel's choice */
  mmap(length: number, protection: number, flags: number, fd: number, offset: number): Outcome<bigint>;
  munmap(address: bigint, length: number): Outcome<number>;
  /** Bytes, sysconf(_SC_PAGESIZE). */
  pageSize(): number;
}

/** <sys/mman.h>; the same on every Linux architecture that ffi-rs is built for */
export const PROT_NONE = 0;
export const MAP_SHARED = 1;

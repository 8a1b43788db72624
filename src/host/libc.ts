import { createRequire } from 'node:module';
import { messageOf, VdpaQemuError } from '../model/error.ts';
import { errnoName } from './errno.ts';
import type { Outcome, Syscalls } from './syscalls.ts';

/**
 * The only importer of ffi-rs. Wrong use of it ends the process (SIGABRT) or writes over the heap, so every argument
 * is looked at before a call, the type numbers are our own (a mistyped enum member would be `undefined`, which
 * aborts), and it is loaded only when it is needed: its binary is an optional dependency. Main thread only.
 */
const I32 = 1;
const I64 = 8;
const U8_ARRAY = 10;
const BIG_INT = 16;
const U32 = 20;
/** The numbers above, for the test that compares them with those of the installed ffi-rs. */
export const dataTypes = { I32, I64, U8Array: U8_ARRAY, BigInt: BIG_INT, U32 } as const;

const EBADF = 9;
/** _SC_PAGESIZE, the same number in glibc and musl */
const SC_PAGESIZE = 30;
const FIONREAD = 0x541b;

/** As much of ffi-rs as is used here; its own types do not know `errno` results. */
interface FfiRs {
  open(params: { library: string; path: string }): void;
  load(params: {
    library: string;
    funcName: string;
    retType: number;
    paramsType: readonly number[];
    paramsValue: readonly unknown[];
    errno: true;
  }): { value: number | bigint; errnoCode: number };
}

type Argument = readonly [type: number, value: number | bigint | Uint8Array];

/**
 * libc through ffi-rs.
 * @param libraryPath shared library to look in; '' is dlopen(NULL): the libc of this process, also under LD_PRELOAD
 * @throws VdpaQemuError `native-unavailable` where ffi-rs cannot be loaded, lacks a symbol, or gets errno wrong
 */
export function nativeSyscalls(libraryPath = ''): Syscalls {
  const ffi = load();
  // ffi-rs keeps one process-wide table and ignores a second open() of a key, so the path is in the key.
  const library = `vdpa-qemu:libc:${libraryPath}`;

  function call(funcName: string, retType: number, args: readonly Argument[]) {
    return ffi.load({
      library,
      funcName,
      retType,
      paramsType: args.map(([type]) => type),
      paramsValue: args.map(([, value]) => value),
      errno: true,
    });
  }

  /** errnoCode is stale unless the call gave -1. */
  function outcome<T extends number | bigint>(funcName: string, retType: number, ...args: Argument[]): Outcome<T> {
    const { value, errnoCode } = call(funcName, retType, args);
    return Number(value) === -1 ? { ok: false, errno: errnoCode } : { ok: true, value: value as T };
  }

  const raw = {
    ioctl: (fd: number, request: number, argument: Uint8Array | bigint) =>
      outcome<number>(
        'ioctl',
        I32,
        [I32, fd],
        [U32, request],
        [typeof argument === 'bigint' ? BIG_INT : U8_ARRAY, argument],
      ),
    mmap: (length: number, protection: number, flags: number, fd: number, offset: number) =>
      outcome<bigint>(
        'mmap',
        BIG_INT,
        [BIG_INT, 0n],
        [BIG_INT, BigInt(length)],
        [I32, protection],
        [I32, flags],
        [I32, fd],
        [BIG_INT, BigInt(offset)],
      ),
    munmap: (address: bigint, length: number) =>
      outcome<number>('munmap', I32, [BIG_INT, address], [BIG_INT, BigInt(length)]),
  };

  try {
    ffi.open({ library, path: libraryPath });
    // Tells a missing symbol or a build whose errno cannot be relied on before anything is at stake. It also resolves
    // the symbols, so that the first real call is not the slow one while a device is held open.
    expectBadFile(raw.ioctl(-1, FIONREAD, new Uint8Array(4)));
    expectBadFile(raw.mmap(4096, 0, 1, -1, 0));
    raw.munmap(0n, 0);
  } catch (cause) {
    throw unavailable(cause);
  }

  return {
    ioctl(fd, request, argument) {
      integer(fd, 0, 0x7fffffff, 'fd');
      integer(request, 0, 0xffffffff, 'request');
      if (typeof argument !== 'bigint') atLeast(argument, encodedSize(request), 'ioctl argument');
      return raw.ioctl(fd, request, argument);
    },
    mmap(length, protection, flags, fd, offset) {
      integer(length, 1, Number.MAX_SAFE_INTEGER, 'length');
      integer(protection, 0, 0x7fffffff, 'protection');
      integer(flags, 0, 0x7fffffff, 'flags');
      integer(fd, -1, 0x7fffffff, 'fd');
      integer(offset, 0, Number.MAX_SAFE_INTEGER, 'offset');
      return raw.mmap(length, protection, flags, fd, offset);
    },
    munmap(address, length) {
      if (typeof address !== 'bigint' || address <= 0n) throw wrong('address', address);
      integer(length, 1, Number.MAX_SAFE_INTEGER, 'length');
      return raw.munmap(address, length);
    },
    pageSize() {
      const size = Number(call('sysconf', I64, [[I32, SC_PAGESIZE]]).value);
      const isPowerOfTwo = Number.isSafeInteger(size) && size >= 4096 && Number.isInteger(Math.log2(size));
      if (!isPowerOfTwo) throw new VdpaQemuError('system', `sysconf(_SC_PAGESIZE) gave ${size}`);
      return size;
    },
  };
}

/** The size field of an ioctl request (asm-generic/ioctl.h): bytes that the kernel may read or write. */
export function encodedSize(request: number): number {
  return (request >>> 16) & 0x3fff;
}

function load(): FfiRs {
  try {
    return createRequire(import.meta.url)('ffi-rs') as FfiRs;
  } catch (cause) {
    throw unavailable(cause);
  }
}

function unavailable(cause: unknown): VdpaQemuError {
  const where = `${process.platform}-${process.arch}`;
  return new VdpaQemuError(
    'native-unavailable',
    `system calls through ffi-rs do not work on ${where}: ${messageOf(cause)}`,
    { cause },
  );
}

function expectBadFile(result: Outcome<number | bigint>): void {
  if (!result.ok && result.errno === EBADF) return;
  throw new Error(`a call on file -1 gave ${result.ok ? 'no error' : errnoName(result.errno)} instead of EBADF`);
}

function integer(value: number, from: number, to: number, what: string): void {
  if (!Number.isInteger(value) || value < from || value > to) throw wrong(what, value);
}

/** ffi-rs hands the raw address to the kernel: a short buffer would be written past its end. */
function atLeast(buffer: Uint8Array, size: number, what: string): void {
  if (!(buffer instanceof Uint8Array) || buffer.byteLength === 0 || buffer.byteLength < size) {
    throw new VdpaQemuError('internal', `${what}: need a Uint8Array of at least ${Math.max(size, 1)} bytes`);
  }
}

function wrong(what: string, value: unknown): VdpaQemuError {
  return new VdpaQemuError('internal', `${what} out of range: ${String(value)}`);
}

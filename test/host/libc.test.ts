/** ffi-rs against real kernel objects: pipes, files, page mappings. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, onTestFinished, test } from 'vitest';
import { errnoName } from '../../src/host/errno.ts';
import { dataTypes, nativeSyscalls } from '../../src/host/libc.ts';
import { MAP_SHARED, PROT_NONE, type Outcome } from '../../src/host/syscalls.ts';
import { compile, noCompiler } from './compiler.ts';
import { temporaryDirectory } from './fixtures.ts';

const FIONREAD = 0x541b; // encodes no size: asm-generic/ioctls.h
const FS_IOC_GETFLAGS = 0x80086601;
const libc = nativeSyscalls();
const page = libc.pageSize();

function open(file: string, flags: number): number {
  const fd = openSync(file, flags);
  onTestFinished(() => closeSync(fd));
  return fd;
}

function pipeWith(text: string): number {
  const fifo = path.join(temporaryDirectory(), 'fifo');
  execFileSync('mkfifo', [fifo]);
  const fd = open(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  writeSync(fd, text);
  return fd;
}

function fileOf(pages: number): number {
  const file = path.join(temporaryDirectory(), 'file');
  writeFileSync(file, Buffer.alloc(pages * page));
  return open(file, constants.O_RDWR);
}

function errnoIn(outcome: Outcome<unknown>): string {
  return outcome.ok ? 'ok' : errnoName(outcome.errno);
}

test('our type numbers are those of the installed ffi-rs', () => {
  const { DataType } = createRequire(import.meta.url)('ffi-rs') as { DataType: Record<string, number> };
  for (const [name, number] of Object.entries(dataTypes)) expect(DataType[name], name).toBe(number);
});

test('the page size is that of getconf', () => {
  expect(page).toBe(Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' })));
});

describe('ioctl', () => {
  test('lets the kernel write into the buffer', () => {
    const bytes = new Uint8Array(4);
    expect(libc.ioctl(pipeWith('hello'), FIONREAD, bytes)).toEqual({ ok: true, value: 0 });
    expect(new Uint32Array(bytes.buffer)[0]).toBe(5);
  });

  test('writes into a part of a larger buffer and nowhere else', () => {
    const whole = new Uint8Array(12).fill(0xee);
    expect(libc.ioctl(pipeWith('hello'), FIONREAD, whole.subarray(4, 8)).ok).toBe(true);
    expect([...whole]).toEqual([...Array<number>(4).fill(0xee), 5, 0, 0, 0, ...Array<number>(4).fill(0xee)]);
  });

  test('takes request numbers above 2^31', () => {
    expect(['ok', 'ENOTTY', 'EOPNOTSUPP']).toContain(
      errnoIn(libc.ioctl(fileOf(1), FS_IOC_GETFLAGS, new Uint8Array(8))),
    );
  });

  test('names the errno of each failure, also right after a success', () => {
    const pipe = pipeWith('x');
    expect(errnoIn(libc.ioctl(pipe, 0xdead, new Uint8Array(8)))).toBe('ENOTTY');
    expect(errnoIn(libc.ioctl(pipe, FIONREAD, new Uint8Array(4)))).toBe('ok');
    expect(errnoIn(libc.ioctl(987654, FIONREAD, new Uint8Array(4)))).toBe('EBADF');
    expect(errnoIn(libc.ioctl(pipe, FIONREAD, 0n))).toBe('EFAULT');
  });
});

describe('mmap', () => {
  test('maps a shared page at an offset, as /proc/self/maps shows, and munmap takes it away', () => {
    const outcome = libc.mmap(page, PROT_NONE, MAP_SHARED, fileOf(2), page);
    if (!outcome.ok) throw new Error(errnoName(outcome.errno));
    const start = outcome.value.toString(16);
    const line = (text: string) => text.split('\n').find((entry) => entry.startsWith(`${start}-`));
    expect(line(readFileSync('/proc/self/maps', 'utf8'))).toMatch(
      new RegExp(`^${start}-${(outcome.value + BigInt(page)).toString(16)} ---s 0*${page.toString(16)} `),
    );
    expect(libc.munmap(outcome.value, page)).toEqual({ ok: true, value: 0 });
    expect(line(readFileSync('/proc/self/maps', 'utf8'))).toBeUndefined();
  });

  test.each([
    ['an offset inside of a page', () => libc.mmap(page, PROT_NONE, MAP_SHARED, fileOf(2), 512), 'EINVAL'],
    ['a file that is not open', () => libc.mmap(page, PROT_NONE, MAP_SHARED, 987654, 0), 'EBADF'],
    ['a pipe', () => libc.mmap(page, PROT_NONE, MAP_SHARED, pipeWith(''), 0), 'ENODEV'],
    ['an address inside of a page', () => libc.munmap(4097n, page), 'EINVAL'],
  ])('refuses %s', (_what, call, errno) => {
    expect(errnoIn(call())).toBe(errno);
  });
});

describe('arguments that would end the process or write over the heap never reach ffi-rs', () => {
  const bytes = new Uint8Array(8);
  const anything = (value: unknown) => value as never;
  test.each([
    ['fd -1', () => libc.ioctl(-1, FIONREAD, bytes)],
    ['fd 1.5', () => libc.ioctl(1.5, FIONREAD, bytes)],
    ['a request of 33 bits', () => libc.ioctl(0, 2 ** 32, bytes)],
    ['a buffer shorter than the request says', () => libc.ioctl(0, FS_IOC_GETFLAGS, new Uint8Array(7))],
    ['an empty buffer', () => libc.ioctl(0, FIONREAD, new Uint8Array(0))],
    ['a DataView', () => libc.ioctl(0, FIONREAD, anything(new DataView(new ArrayBuffer(8))))],
    ['an ArrayBuffer', () => libc.ioctl(0, FIONREAD, anything(new ArrayBuffer(8)))],
    ['null', () => libc.ioctl(0, FIONREAD, anything(null))],
    ['a number', () => libc.ioctl(0, FIONREAD, anything(1))],
    ['length 0', () => libc.mmap(0, 0, 1, 0, 0)],
    ['length NaN', () => libc.mmap(NaN, 0, 1, 0, 0)],
    ['a negative protection', () => libc.mmap(page, -1, 1, 0, 0)],
    ['negative flags', () => libc.mmap(page, 0, -1, 0, 0)],
    ['fd undefined', () => libc.mmap(page, 0, 1, anything(undefined), 0)],
    ['a negative offset', () => libc.mmap(page, 0, 1, 0, -page)],
    ['a number as address', () => libc.munmap(anything(4096), page)],
    ['address 0', () => libc.munmap(0n, page)],
    ['munmap of nothing', () => libc.munmap(4096n, 0)],
  ])('%s', (_what, call) => {
    expect(call).toThrow(expect.objectContaining({ code: 'internal' }) as Error);
  });
});

describe('native-unavailable', () => {
  const unavailable = expect.objectContaining({ name: 'VdpaQemuError', code: 'native-unavailable' }) as Error;

  test('a library that does not exist', () => {
    expect(() => nativeSyscalls('/nowhere/libc.so')).toThrow(unavailable);
  });

  test('ffi-rs is not installed', async () => {
    // The module alone, in a directory above which there is no node_modules.
    const outfile = path.join(temporaryDirectory(), 'libc.mjs');
    await build({
      entryPoints: ['src/host/libc.ts'],
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['ffi-rs'],
      outfile,
    });
    const alone = (await import(pathToFileURL(outfile).href)) as { nativeSyscalls: typeof nativeSyscalls };
    expect(() => alone.nativeSyscalls()).toThrow(unavailable);
  });

  test('a library without the symbols, or with an ioctl that never fails', ({ skip }) => {
    const why = noCompiler();
    if (why !== undefined) return skip(why);
    const directory = temporaryDirectory();
    const [bare, wrong] = [path.join(directory, 'bare.so'), path.join(directory, 'wrong.so')];
    compile('int nothing(void) { return 0; }', bare, ['-shared', '-fPIC', '-nostdlib']);
    expect(() => nativeSyscalls(bare)).toThrow(unavailable);
    compile('int ioctl(int fd, unsigned long request, ...) { return 0; }', wrong, ['-shared', '-fPIC']);
    expect(() => nativeSyscalls(wrong)).toThrow(unavailable);
  });
});

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { libvirtVersion } from '../../src/host/libvirt.ts';
import { runProgram, searchPath, type RunProgram } from '../../src/host/program.ts';
import { nothingInstalled, temporaryDirectory } from './fixtures.ts';

afterEach(() => vi.unstubAllEnvs());

describe('runProgram', () => {
  test('gives stdout, in the C locale, with no stdin', async () => {
    const output = await runProgram('sh', ['-c', 'printf %s "$LC_ALL"; cat']);
    expect(output).toEqual({ stdout: 'C' });
  });

  test('passes arguments as they are', async () => {
    expect(await runProgram('printf', ['%s', '$(id) `id` * "'])).toEqual({ stdout: '$(id) `id` * "' });
  });

  test('all of a large output', async () => {
    const output = await runProgram('sh', ['-c', 'yes | head -c 15000000']);
    expect(output).toMatchObject({ stdout: expect.any(String) as string });
    expect('stdout' in output && output.stdout.length).toBe(14_999_999);
  });

  test('a flood is cut off at once', async () => {
    const begin = performance.now();
    expect(await runProgram('yes', [])).toEqual({
      unknown: 'malformed',
      detail: 'yes: more than 16777216 bytes of output',
    });
    expect(performance.now() - begin).toBeLessThan(4000);
  });

  test('not installed', async () => {
    expect(await runProgram('no-such-program', ['x'])).toEqual({
      unknown: 'no-tool',
      detail: 'no-such-program is not installed',
    });
  });

  test('not installed, and a folder of PATH that may not be searched', async ({ skip }) => {
    const closed = path.join(temporaryDirectory(), 'closed');
    mkdirSync(closed, { mode: 0 });
    if (process.getuid?.() === 0) return skip('root may search every folder');
    vi.stubEnv('PATH', `${closed}:${process.env['PATH'] ?? ''}`);
    expect(await runProgram('no-such-program', [])).toMatchObject({ unknown: 'no-tool' });
  });

  test('fails: exit code and the last line of stderr', async () => {
    expect(await runProgram('sh', ['-c', 'echo out; echo one >&2; echo two >&2; exit 3'])).toMatchObject({
      unknown: 'program-failed',
      detail: expect.stringMatching(/: exit code 3: two$/) as string,
    });
    expect(await runProgram('sh', ['-c', 'exit 4'])).toMatchObject({
      detail: expect.stringMatching(/: exit code 4$/) as string,
    });
  });

  test('an exit code of 127 is no missing program', async () => {
    expect(await runProgram('sh', ['-c', 'exit 127'])).toMatchObject({ unknown: 'program-failed' });
  });

  test('killed by a signal', async () => {
    expect(await runProgram('sh', ['-c', 'kill -9 $$'])).toMatchObject({ unknown: 'program-failed' });
  });

  test('a file that is no program', async () => {
    const directory = temporaryDirectory();
    const file = path.join(directory, 'tool');
    writeFileSync(file, '\u0000\u0001');
    chmodSync(file, 0o644);
    expect(await runProgram(file, [])).toMatchObject({ unknown: 'EACCES' });
  });

  test('more output than it takes', async () => {
    const output = await runProgram('sh', ['-c', 'echo 0123456789'], { timeoutMs: 10_000, maxBytes: 5 });
    expect(output).toMatchObject({ unknown: 'malformed', detail: expect.stringContaining('5 bytes') as string });
  });

  test('no end within the time', async () => {
    const output = await runProgram('sleep', ['60'], { timeoutMs: 50, maxBytes: 100 });
    expect(output).toEqual({ unknown: 'ETIMEDOUT', detail: 'sleep 60: no end within 50 ms' });
  });
});

describe('searchPath', () => {
  beforeEach(() => vi.stubEnv('PATH', '/opt/bin:.::bin:/usr/bin'));

  test('has the administration tools, and no relative entries', () => {
    expect(searchPath()).toBe('/opt/bin:/usr/bin:/usr/sbin:/sbin');
  });

  test('without PATH', () => {
    vi.stubEnv('PATH', undefined);
    expect(searchPath()).toBe('/usr/bin:/bin:/usr/sbin:/sbin');
  });
});

describe('libvirtVersion', () => {
  const printing =
    (stdout: string): RunProgram =>
    () =>
      Promise.resolve({ stdout });

  test('a version', async () => {
    expect(await libvirtVersion(printing('11.3.0\n'))).toEqual({ version: '11.3.0' });
  });

  test.each(['', 'virsh', '11.3', 'version 11.3.0'])('%j is malformed', async (text) => {
    expect(await libvirtVersion(printing(text))).toMatchObject({ unknown: 'malformed' });
  });

  test('not installed', async () => {
    expect(await libvirtVersion(nothingInstalled)).toMatchObject({ unknown: 'no-tool' });
  });

  test('on this machine: a version, or no tool', async () => {
    const found = await libvirtVersion();
    expect('version' in found || found.unknown === 'no-tool').toBe(true);
  });
});

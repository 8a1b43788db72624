/** --output: the result whole, or not at all, and nothing left over. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs, { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { main } from '../../src/cli.ts';
import { capturedFile } from '../report-builder.ts';

const vm = 'examples/quickstart/vm.yaml';
const commands: [name: string, argv: string[]][] = [
  ['gen', ['gen', vm, '--host', capturedFile, '--quiet']],
  ['assess', ['assess', capturedFile]],
  ['assess --json', ['assess', capturedFile, '--json']],
];

let directory = '';
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'output-'))));
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(directory, { recursive: true, force: true });
});

async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const code = await main(argv, { out: (text) => (out += text), err: (text) => (err += text), color: false });
  return { code, out, err };
}

function failing(code: string, errno: number): () => never {
  return () => {
    throw Object.assign(new Error(`${code}: it failed\n    at somewhere`), { code, errno: -errno, syscall: 'write' });
  };
}

describe.each(commands)('%s', (_, argv) => {
  test('writes to a file what goes to standard output without', async () => {
    const file = join(directory, "a,b 'c'\".txt");
    expect(await run(...argv, '--output', file)).toEqual({ code: 0, out: '', err: '' });
    expect(readFileSync(file, 'utf8')).toBe((await run(...argv)).out);
    expect(readdirSync(directory)).toEqual([basename(file)]);
  });

  test('takes the place of an older result', async () => {
    const file = join(directory, 'result');
    writeFileSync(file, 'x'.repeat(1_000_000));
    expect((await run(...argv, '--output', file)).code).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe((await run(...argv)).out);
    expect(readdirSync(directory)).toEqual(['result']);
  });

  test('a directory that is not there', async () => {
    const file = join(directory, 'no', 'result');
    expect(await run(...argv, '--output', file)).toEqual({
      code: 2,
      out: '',
      err: `vdpa-qemu: ${file}: no such file or directory\n`,
    });
    expect(readdirSync(directory)).toEqual([]);
  });

  test('a file where the directory should be', async () => {
    writeFileSync(join(directory, 'plain'), 'kept');
    const { code, out, err } = await run(...argv, '--output', join(directory, 'plain', 'result'));
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/^vdpa-qemu: [^\n]+\n$/);
    expect(readFileSync(join(directory, 'plain'), 'utf8')).toBe('kept');
  });

  test('a directory in its place', async () => {
    const file = join(directory, 'folder');
    mkdirSync(file);
    expect(await run(...argv, '--output', file)).toEqual({
      code: 2,
      out: '',
      err: `vdpa-qemu: ${file}: is a directory\n`,
    });
    expect(readdirSync(directory)).toEqual(['folder']);
    expect(readdirSync(file)).toEqual([]);
  });

  test.each<[code: string, errno: number, message: string]>([
    ['EACCES', 13, 'permission denied (EACCES)'],
    ['EPERM', 1, 'permission denied (EPERM)'],
    ['EROFS', 30, 'permission denied (EROFS)'],
    ['ENOSPC', 28, 'ENOSPC'],
    ['EDQUOT', 122, 'EDQUOT'],
  ])('writing gives %s: what was there stays', async (code, errno, message) => {
    const file = join(directory, 'result');
    writeFileSync(file, 'kept');
    vi.spyOn(fs, 'writeFileSync').mockImplementation(failing(code, errno));
    expect(await run(...argv, '--output', file)).toEqual({ code: 2, out: '', err: `vdpa-qemu: ${file}: ${message}\n` });
    expect(readFileSync(file, 'utf8')).toBe('kept');
    expect(readdirSync(directory)).toEqual(['result']);
  });

  test('the disk fills up midway: the half is taken away', async () => {
    const file = join(directory, 'result');
    writeFileSync(file, 'kept');
    vi.spyOn(fs, 'writeFileSync').mockImplementation((fd) => {
      fs.writeSync(fd as number, 'half');
      return failing('ENOSPC', 28)();
    });
    expect(await run(...argv, '--output', file)).toEqual({ code: 2, out: '', err: `vdpa-qemu: ${file}: ENOSPC\n` });
    expect(readFileSync(file, 'utf8')).toBe('kept');
    expect(readdirSync(directory)).toEqual(['result']);
  });

  test('renaming fails: what was there stays', async () => {
    const file = join(directory, 'result');
    writeFileSync(file, 'kept');
    vi.spyOn(fs, 'renameSync').mockImplementation(failing('EACCES', 13));
    expect((await run(...argv, '--output', file)).code).toBe(2);
    expect(readFileSync(file, 'utf8')).toBe('kept');
    expect(readdirSync(directory)).toEqual(['result']);
  });
});

test('an older result keeps its mode', async () => {
  const file = join(directory, 'result');
  writeFileSync(file, 'old');
  for (const mode of [0o600, 0o640, 0o666]) {
    fs.chmodSync(file, mode);
    expect((await run('assess', capturedFile, '--output', file)).code).toBe(0);
    expect(fs.statSync(file).mode & 0o777).toBe(mode);
  }
});

test('what another run left over is neither in the way nor taken away', async () => {
  const left = join(directory, `.vdpa-qemu.${process.pid}.tmp`);
  writeFileSync(left, 'kept');
  expect((await run('assess', capturedFile, '--output', join(directory, 'result'))).code).toBe(0);
  expect(readFileSync(left, 'utf8')).toBe('kept');
});

test('a FIFO without a reader is told, not waited for', async () => {
  const fifo = join(directory, 'fifo');
  execFileSync('mkfifo', [fifo]);
  expect(await run('assess', capturedFile, '--output', fifo)).toEqual({
    code: 2,
    out: '',
    err: `vdpa-qemu: ${fifo}: nobody is at the other end (ENXIO)\n`,
  });
});

test('a FIFO with a slow reader gets all', async () => {
  const fifo = join(directory, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const read = spawn('sh', ['-c', '(sleep 0.3; cat) <"$0" | wc -c', fifo], { stdio: ['ignore', 'pipe', 'inherit'] });
  const counted = new Promise<string>((resolve) => read.stdout.once('data', (data) => resolve(String(data))));
  const plain = await run('assess', capturedFile, '--json');
  while ((await run('assess', capturedFile, '--json', '--output', fifo)).code !== 0) await delay(20);
  expect(Number(await counted)).toBe(Buffer.byteLength(plain.out));
});

describe('streams that cannot be written to', () => {
  const full = failing('ENOSPC', 28);

  test('a result that is lost is an error', async () => {
    let err = '';
    const code = await main(['assess', capturedFile], { out: full, err: (text) => (err += text), color: false });
    expect([code, err]).toEqual([2, 'vdpa-qemu: standard output: ENOSPC\n']);
  });

  test('talk that is lost is none, and the exit code stays', async () => {
    let out = '';
    const io = { out: (text: string) => void (out += text), err: full, color: false };
    expect(await main(['validate', '/nonexistent', '--nosuch'], io)).toBe(2);
    expect(await main(['gen', vm, '--host', capturedFile], io)).toBe(0);
    expect(out).toContain('qemu-system-x86_64');
  });

  test.each([
    ['stdout', `gen ${vm} --host ${capturedFile} >/dev/full`, 'vdpa-qemu: standard output: ENOSPC\n'],
    ['stderr', 'validate /nonexistent --nosuch 2>/dev/full', ''],
  ])('%s, in truth', (_, line, wanted) => {
    const { status, stderr } = spawnSync('sh', ['-c', `"$0" dist/bin.js ${line}`, process.execPath], {
      encoding: 'utf8',
    });
    expect([status, stderr.split('\n').at(-2) ?? '']).toEqual([2, wanted.trimEnd()]);
  });
});

test('a slow pipe is read to its end', () => {
  const line = `"$0" dist/bin.js assess <(sleep 0.3; head -c 1000 ${capturedFile}; sleep 0.3; tail -c +1001 ${capturedFile}) --quiet`;
  const { status, stderr } = spawnSync('bash', ['-c', line, process.execPath], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
});

test('a directory that may not be written to, in truth', async ({ skip }) => {
  if (process.getuid?.() === 0) return skip('root may write to every directory');
  const folder = join(directory, 'locked');
  mkdirSync(folder, { mode: 0o500 });
  const file = join(folder, 'result');
  expect(await run('assess', capturedFile, '--output', file)).toEqual({
    code: 2,
    out: '',
    err: `vdpa-qemu: ${file}: permission denied (EACCES)\n`,
  });
  expect(readdirSync(folder)).toEqual([]);
});

test('--verbose says what was written, --quiet nothing', async () => {
  const file = join(directory, 'result');
  expect((await run('assess', capturedFile, '--output', file, '--verbose')).err).toBe(`wrote ${file}\n`);
  expect((await run('assess', capturedFile, '--output', file, '--quiet')).err).toBe('');
});

test('the name of what was written cannot steer a terminal', async () => {
  const file = join(directory, 'a\u001b[31m\u202eb');
  const told = `wrote ${directory}/a\\x1b[31m\\u{202e}b\n`;
  expect((await run('assess', capturedFile, '--output', file, '--verbose')).err).toBe(told);
  expect((await run('assess', capturedFile, '--svg', file, '--verbose')).err).toContain(told);
});

test('nothing is written where there is no result', async () => {
  const file = join(directory, 'result');
  writeFileSync(file, 'kept');
  for (const [code, setting] of [
    [2, 'memory=9'],
    [1, 'interfaces.0.vdpa=vp9'],
    [2, 'nope'],
  ] as const) {
    expect((await run('gen', vm, '--host', capturedFile, '--set', setting, '--output', file)).code).toBe(code);
    expect(readFileSync(file, 'utf8')).toBe('kept');
  }
  expect((await run('assess', vm, '--output', file)).code).toBe(2);
  expect(readFileSync(file, 'utf8')).toBe('kept');
  expect(readdirSync(directory)).toEqual(['result']);
});

test('a spec and a report may be what is written over', async () => {
  const file = join(directory, 'vm.yaml');
  writeFileSync(file, readFileSync(vm));
  expect((await run('gen', file, '--host', capturedFile, '--format', 'plan', '--output', file)).code).toBe(0);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ kind: 'VmPlan' });
});

test('a symbolic link that leads nowhere is no reason to fail', async () => {
  const file = join(directory, 'link');
  symlinkSync('nowhere', file);
  expect((await run('assess', capturedFile, '--output', file)).code).toBe(0);
  expect(readFileSync(file, 'utf8')).toContain('l1: x86_64');
});

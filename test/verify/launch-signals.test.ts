/** Real processes that launch a (scripted) QEMU: what a signal leaves behind, and how long they live. */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';

const launcher = 'node_modules/.cache/launch-signals-test.mjs';

/** As an application would: without AbortSignal, and with execa at work beside, or with a handler that aborts. */
const source = (manner: 'plain' | 'aborts') => `
import { launchProcess, makePrivateDirectory, onInterrupt } from './src/host/launch-process.ts';
import { runProgram } from './src/host/program.ts';
const directory = makePrivateDirectory();
void runProgram('sleep', ['60'], { timeoutMs: 60000, maxBytes: 1000 });
const qemu = await launchProcess([process.argv[2]], directory.path + '/log');
${manner === 'aborts' ? 'onInterrupt(async () => { await qemu.stop(); directory.remove(); process.exit(7); });' : ''}
process.stdout.write('launched');
setInterval(() => {}, 1000);
`;

/** QEMU ends at once, and there would be a minute of time. */
const failing = `
import { launchVm } from './src/verify/launch-vm.ts';
const guestAbi = { machine: 'pc-q35-7.2', architecture: 'x86_64', uuid: '5c1a7d3e-1f7b-5f1a-9d3c-000000000001',
  cpu: { model: 'qemu64', count: 1 }, memoryBytes: 2 ** 26, rootPorts: [], interfaces: [], disks: [], vdpaDevices: [] };
const binding = { host: 'h', emulator: process.argv[2], accelerator: 'tcg', memoryShared: false, lockedMemoryBytes: 0,
  qmpSocket: null, interfaces: [], disks: [], vdpaDevices: [] };
launchVm({ name: 'x', guestAbi, binding }, { timeoutMs: 60_000 }).catch((error) => console.log(error.message));
`;

beforeAll(() => {
  mkdirSync('node_modules/.cache', { recursive: true });
  for (const [name, contents] of Object.entries({ plain: source('plain'), aborts: source('aborts'), failing })) {
    buildSync({
      stdin: { contents, resolveDir: '.', loader: 'ts' },
      outfile: launcher.replace('.mjs', `-${name}.mjs`),
      ...{ bundle: true, platform: 'node', format: 'esm', packages: 'external' },
    });
  }
});

test('a process whose QEMU has ended waits for nothing any longer', async () => {
  const child = spawn(process.execPath, [launcher.replace('.mjs', '-failing.mjs'), '/bin/false'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const began = performance.now();
  const said: string[] = [];
  child.stdout.on('data', (text: Buffer) => said.push(text.toString()));
  expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0);
  expect(said.join('')).toBe('QEMU ended with code 1 before it could be verified\n');
  expect(performance.now() - began).toBeLessThan(20_000);
});

/** A process that has ended and that nobody waits for has an empty command line. */
function isRunning(pid: string): boolean {
  return existsSync(`/proc/${pid}`) && readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== '';
}

/** What a shell wrote: it makes the file before it writes the line. */
function written(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
}

describe.each(['plain', 'aborts'])('%s', (manner) => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const)('%s', async (signal) => {
    const folder = mkdtempSync(join(tmpdir(), 'signals-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const qemu = join(folder, 'qemu');
    writeFileSync(qemu, `#!/bin/sh\necho $$ > ${folder}/pid\nexec sleep 60\n`);
    chmodSync(qemu, 0o755);
    const child = spawn(process.execPath, [launcher.replace('.mjs', `-${manner}.mjs`), qemu], {
      env: { ...process.env, XDG_RUNTIME_DIR: folder },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const ended = new Promise((resolve) => child.once('exit', (code, by) => resolve(by ?? code)));
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const pid = await vi.waitUntil(() => written(join(folder, 'pid')), { timeout: 20_000 });
    child.kill(signal);
    expect(await ended).toBe(manner === 'plain' ? signal : 7);
    await expect.poll(() => isRunning(pid)).toBe(false);
    expect(readdirSync(folder).filter((name) => name.startsWith('vdpa-qemu-'))).toEqual([]);
  });
});

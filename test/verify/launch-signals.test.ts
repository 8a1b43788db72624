/** Signals to a real process that has launched a (scripted) QEMU: nothing may stay behind. */
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

beforeAll(() => {
  mkdirSync('node_modules/.cache', { recursive: true });
  for (const manner of ['plain', 'aborts'] as const) {
    buildSync({
      stdin: { contents: source(manner), resolveDir: '.', loader: 'ts' },
      outfile: launcher.replace('.mjs', `-${manner}.mjs`),
      ...{ bundle: true, platform: 'node', format: 'esm', packages: 'external' },
    });
  }
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

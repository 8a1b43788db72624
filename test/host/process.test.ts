import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startProgram, type Program, type ProgramOptions } from '../../src/host/process.ts';
import { descendantsOf, isAlive } from '../../src/host/process-tree.ts';
import { VdpaQemuError } from '../../src/model/error.ts';
import { folder } from './qmp-peer.ts';

async function sh(script: string, options: ProgramOptions = {}): Promise<Program> {
  const program = await startProgram('/bin/sh', ['-c', script], options);
  onTestFinished(() => void program.stop());
  return program;
}

async function until(true_: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await true_()); tries++) {
    if (tries > 500) throw new Error('it never came');
    await sleep(10);
  }
}

const isRunning = (pid: number): Promise<boolean> =>
  readFile(`/proc/${pid}/stat`, 'latin1').then(
    (text) => !text.includes(') Z '),
    () => false,
  );

describe('startProgram', () => {
  it('passes the arguments as they are, without a shell', async () => {
    const program = await startProgram('/bin/echo', ['$HOME; `id` "*"', '', 'a b'], { pipe: true });
    let said = '';
    for await (const chunk of program.stdio!) said += String(chunk);
    expect(said).toBe('$HOME; `id` "*"  a b\n');
    expect(await program.exited).toEqual({ code: 0, signal: undefined });
    await program.stop();
  });

  it('without a pipe, stdin and stdout lead nowhere', async () => {
    const program = await sh('read line; echo "read: $?" >&2; echo "$LC_ALL" >&2');
    expect(program.stdio).toBeUndefined();
    expect(await program.exited).toEqual({ code: 0, signal: undefined });
    expect(program.stderrTail()).toEqual(['read: 1', 'C']);
  });

  it('tells exit codes and signals', async () => {
    expect(await (await sh('exit 3')).exited).toEqual({ code: 3, signal: undefined });
    expect(await (await sh('kill -9 $$')).exited).toEqual({ code: undefined, signal: 'SIGKILL' });
  });

  it.each([
    ['/no/such/program', 'not-found', '/no/such/program was not started: there is no such program'],
    ['/tmp', 'program', '/tmp was not started: spawn /tmp EACCES'],
    ['/etc/passwd', 'program', '/etc/passwd was not started: spawn /etc/passwd EACCES'],
    ['/no\x1b[2J', 'not-found', '/no\\x1b[2J was not started: there is no such program'],
  ])('%j cannot be started', async (path, code, message) => {
    const error = await startProgram(path, []).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(VdpaQemuError);
    expect(error).toMatchObject({ code, message });
  });

  it('keeps only the end of a flood on stderr, made harmless', async () => {
    const program = await sh('yes line | head -n 200000 >&2; printf "end \\033[2J\\n" >&2');
    await program.exited;
    expect(program.stderrTail()).toHaveLength(20);
    expect(program.stderrTail().at(-1)).toBe('end \\x1b[2J');
  });
});

describe('stop', () => {
  it('ends it with SIGTERM, and may be called again and after its end', async () => {
    const program = await sh('exec sleep 1000');
    expect(await program.stop()).toEqual({ code: undefined, signal: 'SIGTERM' });
    expect(await program.stop()).toEqual({ code: undefined, signal: 'SIGTERM' });
    const short = await sh('exit 4');
    await short.exited;
    expect(await short.stop()).toEqual({ code: 4, signal: undefined });
  });

  it('SIGKILL for what ignores SIGTERM', async () => {
    const program = await sh('trap "" TERM; echo ready >&2; while :; do sleep 0.05; done', { killAfterMs: 200 });
    await until(() => program.stderrTail().length > 0);
    const started = performance.now();
    expect(await program.stop()).toEqual({ code: undefined, signal: 'SIGKILL' });
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it('also ends what it has started, even when that ignores SIGTERM and holds its stderr', async () => {
    const program = await sh('(trap "" TERM; while :; do sleep 0.05; done) & sleep 1000', { killAfterMs: 200 });
    await until(() => descendantsOf(program.pid).length >= 3);
    const children = descendantsOf(program.pid);
    await program.stop();
    await until(() => !children.some(isAlive));
    expect(await isRunning(program.pid)).toBe(false);
  });

  it('happens when the signal fires, and at once nothing is started', async () => {
    const controller = new AbortController();
    const program = await sh('exec sleep 1000', { signal: controller.signal });
    controller.abort();
    expect(await program.exited).toEqual({ code: undefined, signal: 'SIGTERM' });
    expect(await sh('true', { signal: controller.signal }).catch((thrown: unknown) => thrown)).toMatchObject({
      code: 'program',
      message: '/bin/sh was not started: aborted',
    });
  });
});

it('descendantsOf and isAlive read names that look like the line they stand in', async () => {
  const path = join(await folder(), 'a) Z 1 (b');
  await writeFile(path, '#!/bin/sh\nsleep 1000\n');
  await chmod(path, 0o755);
  const program = await startProgram(path, []);
  await until(() => descendantsOf(program.pid).length === 1);
  expect(descendantsOf(process.pid).find((one) => one.pid === program.pid)).toMatchObject({ parent: process.pid });
  const all = [...descendantsOf(process.pid)];
  await program.stop();
  await until(() => !all.some((one) => one.pid === program.pid && isAlive(one)));
});

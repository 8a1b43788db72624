/**
 * Migrations between two QEMUs of this machine, of guests without vDPA: what the rest of a configuration does to a
 * migration. The guest does not run (-S), so that what it would have negotiated plays no part.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { QmpClient } from '../../src/host/qmp-client.ts';
import { connectQmp } from '../../src/host/qmp-connect.ts';

export type PlainOutcome = 'completed' | 'lost' | 'refused' | 'destination did not start' | 'source did not start';

export interface PlainResult {
  readonly outcome: PlainOutcome;
  /** last line that QEMU printed, or its answer */
  readonly said: string;
}

interface Side {
  readonly qemu: ChildProcess;
  readonly monitor: QmpClient | undefined;
  readonly said: () => string;
}

/** @param argv without -S, monitor and -incoming */
export async function migratePlain(source: readonly string[], destination: readonly string[]): Promise<PlainResult> {
  const folder = mkdtempSync(join(tmpdir(), 'plain-migration-'));
  const channel = join(folder, 'channel');
  const sides: Side[] = [];
  const start = async (name: string, argv: readonly string[], more: readonly string[]): Promise<Side> => {
    const side = await startQemu(join(folder, name), argv, more);
    sides.push(side);
    return side;
  };
  try {
    const from = await start('source', source, []);
    if (!from.monitor) return { outcome: 'source did not start', said: from.said() };
    const to = await start('destination', destination, ['-incoming', `unix:${channel}`]);
    if (!to.monitor) return { outcome: 'destination did not start', said: to.said() };
    await from.monitor.execute('migrate-set-parameters', { 'max-bandwidth': 2 ** 33 });
    try {
      await from.monitor.execute('migrate', { uri: `unix:${channel}` });
    } catch (refused) {
      return { outcome: 'refused', said: (refused as Error).message };
    }
    for (let tries = 0; tries < 200; tries++) {
      const { status } = (await from.monitor.execute('query-migrate')) as { status?: string };
      if (status === 'completed' || status === 'failed') break;
      await sleep(50);
    }
    const end = await endOfLoading(to);
    return end === 'loaded' ? { outcome: 'completed', said: '' } : { outcome: 'lost', said: to.said() };
  } finally {
    for (const { monitor, qemu } of sides) {
      monitor?.close();
      qemu.kill('SIGKILL');
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The destination leaves `inmigrate` when all is loaded, and ends when something is not. */
async function endOfLoading({ qemu, monitor }: Side): Promise<'loaded' | 'ended'> {
  for (let tries = 0; tries < 200; tries++) {
    if (qemu.exitCode !== null || qemu.signalCode !== null) return 'ended';
    try {
      const { status } = (await monitor!.execute('query-status')) as { status: string };
      if (status !== 'inmigrate') return 'loaded';
    } catch {
      // it is ending
    }
    await sleep(50);
  }
  throw new Error('the destination neither loads nor ends');
}

async function startQemu(socket: string, argv: readonly string[], more: readonly string[]): Promise<Side> {
  const [program = '', ...rest] = argv;
  const qemu = spawn(
    program,
    [...rest, '-S', '-display', 'none', '-qmp', `unix:${socket},server=on,wait=off`, ...more],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let text = '';
  qemu.stderr.setEncoding('utf8').on('data', (part: string) => (text += part));
  const said = (): string => text.trim().split('\n').at(-1) ?? '';
  for (let tries = 0; tries < 600 && qemu.exitCode === null; tries++) {
    if (existsSync(socket)) {
      const monitor = await connectQmp({ path: socket }, { timeoutMs: 30_000 }).catch(() => undefined);
      if (monitor) return { qemu, monitor, said };
    }
    await sleep(50);
  }
  return { qemu, monitor: undefined, said };
}

/**
 * What it costs to observe a VM with many virtqueues, against asking one command at a time. A peer on a real socket
 * answers as QEMU did (test/fixtures/qmp), each burst of commands a millisecond after it came. Prints JSON.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { QmpCommand, QmpOutcome } from '../../src/host/qmp-batch.ts';
import type { QmpExecutor } from '../../src/host/qmp-client.ts';
import { connectQmp } from '../../src/host/qmp-connect.ts';
import { observeVm } from '../../src/verify/observe.ts';

interface Recorded {
  readonly execute: string;
  readonly arguments?: unknown;
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
}

const greeting =
  '{"QMP": {"version": {"qemu": {"micro": 13, "minor": 0, "major": 10}, "package": ""}, "capabilities": []}}\r\n';
const records = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Recorded[];
const keyOf = ({ execute, arguments: args }: Recorded): string => `${execute} ${JSON.stringify(args ?? null)}`;
const answers = new Map(records.map((record) => [keyOf(record), record]));
const directory = mkdtempSync(path.join(os.tmpdir(), 'vdpa-qemu-bench-'));
const socketPath = path.join(directory, 'qmp');
let bursts = 0;

const server = createServer((socket) => {
  socket.write(greeting);
  let held = '';
  let waiting: string[] = [];
  socket.setEncoding('utf8').on('data', (text: string) => {
    const lines = (held + text).split('\n');
    held = lines.pop() ?? '';
    const idle = waiting.length === 0;
    waiting.push(...lines);
    if (idle && waiting.length > 0) void answerAll();
  });
  async function answerAll(): Promise<void> {
    await sleep(1);
    bursts++;
    const now = waiting;
    waiting = [];
    socket.write(now.map(answer).join(''));
  }
});

function answer(line: string): string {
  const asked = JSON.parse(line) as Recorded & { id: number };
  const { id, execute } = asked;
  if (execute === 'qmp_capabilities') return `${JSON.stringify({ return: {}, id })}\r\n`;
  const record = answers.get(keyOf(asked));
  if (!record) throw new Error(`not in the transcript: ${keyOf(asked)}`);
  const { error } = record;
  return `${JSON.stringify(error ? { error, id } : { return: record.return, id })}\r\n`;
}

await new Promise<void>((resolve) => server.listen(socketPath, resolve));
const client = await connectQmp({ path: socketPath });

/** The same questions, each asked when the one before is answered. */
const oneByOne: QmpExecutor = {
  execute: (name, args, options) => client.execute(name, args, options),
  async executeAll(commands: readonly QmpCommand[], options): Promise<QmpOutcome[]> {
    const outcomes: QmpOutcome[] = [];
    for (const command of commands) outcomes.push(...(await client.executeAll([command], options)));
    return outcomes;
  },
};

async function measure(executor: QmpExecutor): Promise<{ virtqueues: number; bursts: number; milliseconds: number }> {
  const before = bursts;
  const start = performance.now();
  const { devices } = await observeVm(executor);
  const milliseconds = performance.now() - start;
  const seen = devices.map(({ virtqueues }) => (Array.isArray(virtqueues) ? virtqueues.length : 0));
  return { virtqueues: seen.reduce((sum, count) => sum + count, 0), bursts: bursts - before, milliseconds };
}

await measure(client);
const pipelined = await measure(client);
const sequential = await measure(oneByOne);
client.close();
server.close();
rmSync(directory, { recursive: true });
console.log(JSON.stringify({ pipelined, sequential }));

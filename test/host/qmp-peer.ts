import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { connectQmp, type QmpAddress, type QmpConnectOptions } from '../../src/host/qmp-connect.ts';
import { QmpError } from '../../src/host/qmp-error.ts';
import type { QmpClient } from '../../src/host/qmp-client.ts';

export const greeting =
  '{"QMP": {"version": {"qemu": {"micro": 2, "minor": 0, "major": 10}, "package": "Debian"}, "capabilities": ["oob"]}}\r\n';

export interface Asked {
  readonly execute: string;
  readonly arguments?: Record<string, unknown>;
  readonly id: number;
}

/** What a peer does with a command, after the greeting and qmp_capabilities went well. */
export type Answer = (asked: Asked, socket: Socket) => void;

export function reply(socket: Socket, id: unknown, value: unknown = {}): void {
  socket.write(`${JSON.stringify({ return: value, id })}\r\n`);
}

/** A folder that is removed with its sockets after the test. */
export async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'qmp-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** A real server that lives as long as the test. `over`: what kind of socket. */
export async function serve(behave: (socket: Socket) => void, over: 'unix' | 'tcp' = 'unix'): Promise<QmpAddress> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    // The client hangs up on purpose: EPIPE and ECONNRESET are what we came for.
    socket.on('error', () => undefined);
    behave(socket);
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const path = over === 'unix' ? join(await folder(), 's') : undefined;
  await new Promise<void>((resolve) => {
    if (path === undefined) server.listen(0, '127.0.0.1', resolve);
    else server.listen(path, resolve);
  });
  const address = server.address();
  if (typeof address === 'object' && address !== null) return { host: '127.0.0.1', port: address.port };
  return { path: address! };
}

/** A peer that greets, and answers qmp_capabilities; the rest is up to `answer`. */
export function polite(answer: Answer): (socket: Socket) => void {
  return (socket) => {
    socket.write(greeting);
    let held = '';
    socket.on('data', (chunk) => {
      const lines = (held + chunk.toString()).split('\n');
      held = lines.pop() ?? '';
      for (const line of lines) {
        const asked = JSON.parse(line) as Asked;
        if (asked.execute === 'qmp_capabilities') reply(socket, asked.id);
        else answer(asked, socket);
      }
    });
  };
}

/** A client of such a peer; closed after the test. */
export async function client(answer: Answer, options: QmpConnectOptions = {}): Promise<QmpClient> {
  const made = await connectQmp(await serve(polite(answer)), options);
  onTestFinished(() => made.close());
  return made;
}

/** The QmpError that a promise is rejected with. */
export async function failure(promise: Promise<unknown>): Promise<QmpError> {
  const thrown = await promise.then(
    () => new Error('it did not fail'),
    (error: unknown) => error,
  );
  if (thrown instanceof QmpError) return thrown;
  throw thrown;
}

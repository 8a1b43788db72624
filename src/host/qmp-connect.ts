import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { messageOf } from '../model/error.ts';
import { timerDelay } from './qmp-batch.ts';
import { QmpClient, type QmpOptions } from './qmp-client.ts';
import { QmpError } from './qmp-error.ts';

/** A Unix socket (a leading NUL: Linux abstract namespace), a TCP port, or a stream that is open already. */
export type QmpAddress = QmpSocket | { readonly stream: Duplex };
export type QmpSocket = { readonly path: string } | { readonly host: string; readonly port: number };

export interface QmpConnectOptions extends QmpOptions {
  /** milliseconds for connecting, greeting and qmp_capabilities together; default 5,000 */
  readonly timeoutMs?: number | undefined;
  /** ends the connecting; what comes after takes its own signal */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Connects to a monitor and enters command mode (qmp_capabilities, with nothing enabled).
 * On failure nothing stays open; a stream that was handed in is destroyed too.
 * @throws QmpError `connect`, `greeting`, `aborted`, `too-large`; what execute() throws for qmp_capabilities
 */
export async function connectQmp(address: QmpAddress, options: QmpConnectOptions = {}): Promise<QmpClient> {
  const { signal, timeoutMs = 5000 } = options;
  const deadline = performance.now() + timeoutMs;
  const left = (): number => Math.max(1, Math.ceil(deadline - performance.now()));
  const silence = `the peer sent no QMP greeting within ${timeoutMs} ms: ${silenceHint}`;
  const stream = 'stream' in address ? address.stream : await openSocket(address, timeoutMs, signal);
  const client = new QmpClient(stream, options);
  try {
    await within(client.greeted.catch(ungreeted), left(), signal, () => new QmpError('greeting', silence));
    await client.execute('qmp_capabilities', undefined, { timeoutMs: left(), signal });
  } catch (error) {
    client.close();
    throw error;
  }
  return client;
}

async function openSocket(address: QmpSocket, timeoutMs: number, signal: AbortSignal | undefined): Promise<Socket> {
  const name = 'path' in address ? address.path : `${address.host} port ${address.port}`;
  if ('path' in address) checkPath(name);
  const refused = (error: unknown): QmpError =>
    new QmpError('connect', `cannot connect to ${name}: ${messageOf(error)}${hintFor(error)}`, { cause: error });
  let socket: Socket;
  try {
    // Throws at once for a port that is none.
    socket = connect({ ...address });
  } catch (error) {
    throw refused(error);
  }
  const connected = new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    // Not once(): an error without a listener would end the process.
    socket.on('error', (error) => reject(refused(error)));
  });
  const late = (): QmpError => refused(`no answer within ${timeoutMs} ms`);
  try {
    await within(connected, timeoutMs, signal, late);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return socket;
}

/** sockaddr_un.sun_path holds 108 bytes with its NUL; Node cuts a longer name, and might so reach another socket. */
const MAX_SOCKET_PATH = 107;

function checkPath(path: string): void {
  const length = Buffer.byteLength(path);
  if (length >= 1 && length <= MAX_SOCKET_PATH && path.lastIndexOf('\0') <= 0) return;
  throw new QmpError(
    'connect',
    `cannot connect to "${path}": the name of a Unix socket has 1 to ${MAX_SOCKET_PATH} bytes and no NUL; got ${length} bytes`,
  );
}

/** What `work` gives, unless time is over or the signal fires before. `work` itself is not ended. */
async function within<T>(
  work: Promise<T>,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  late: () => QmpError,
): Promise<T> {
  let release = (): void => undefined;
  const limit = new Promise<never>((_, reject) => {
    const stop = (): void => reject(new QmpError('aborted', 'connecting was aborted', { cause: signal?.reason }));
    if (signal?.aborted === true) stop();
    signal?.addEventListener('abort', stop);
    const timer = setTimeout(() => reject(late()), timerDelay(timeoutMs));
    release = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    };
  });
  try {
    return await Promise.race([limit, work]);
  } finally {
    release();
  }
}

/** A QEMU monitor socket serves one client at a time (chardev/char-socket.c); the next one waits in the backlog. */
const silenceHint = 'another client may hold this monitor, or it is no QMP monitor';

const hints: Readonly<Record<string, string>> = {
  ENOENT: ': there is no such socket',
  ECONNREFUSED: ': nobody listens there; has QEMU ended?',
  EACCES: ': no permission to use this socket',
  EAGAIN: ': other clients are waiting for this monitor already',
};

function hintFor(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? (hints[code] ?? '') : '';
}

/** What ends the connection before the greeting is the greeting's failure. */
function ungreeted(error: unknown): never {
  if (!(error instanceof QmpError) || (error.kind !== 'protocol' && error.kind !== 'closed')) throw error;
  throw new QmpError('greeting', `this is no QMP monitor: ${error.message}`, { cause: error });
}

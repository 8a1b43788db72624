import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startProgram, type Program } from '../../src/host/process.ts';
import type { QmpClient } from '../../src/host/qmp-client.ts';
import { connectQmp, type QmpAddress } from '../../src/host/qmp-connect.ts';
import { QmpError } from '../../src/host/qmp-error.ts';
import { needsQemu, qemu } from './qemu.ts';
import { failure, folder, greeting, polite, reply, serve } from './qmp-peer.ts';

describe('connect', () => {
  it('no such socket', async () => {
    const path = join(await folder(), 'none');
    expect(await failure(connectQmp({ path }))).toMatchObject({
      kind: 'connect',
      code: 'qmp',
      message: `cannot connect to ${path}: connect ENOENT ${path}: there is no such socket`,
      cause: { code: 'ENOENT' },
    });
  });

  it('a socket where nobody listens, and a file that is none', async () => {
    const path = join(await folder(), 's');
    // A server that is killed leaves its socket behind.
    const leave = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', leave]);
    expect((await failure(connectQmp({ path }))).message).toContain('ECONNREFUSED');
    const error = await failure(connectQmp({ path: '/etc/passwd' }));
    expect(error).toMatchObject({
      kind: 'connect',
      message: expect.stringContaining('nobody listens there') as string,
    });
  });

  it('a port where nobody listens, and no port', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    expect(await failure(connectQmp({ host: '127.0.0.1', port }))).toMatchObject({
      kind: 'connect',
      message: expect.stringContaining(`cannot connect to 127.0.0.1 port ${port}: `) as string,
    });
    expect(await failure(connectQmp({ host: '127.0.0.1', port: 70000 }))).toMatchObject({ kind: 'connect' });
  });

  it.each([
    ['', 0],
    [`/tmp/${'x'.repeat(103)}`, 108],
    ['/tmp/a\0b', 8],
    [`/tmp/${'é'.repeat(60)}`, 125],
  ])('a name that the kernel would cut: %j', async (path, bytes) => {
    const error = await failure(connectQmp({ path }));
    expect(error).toMatchObject({ kind: 'connect', message: expect.stringContaining(`got ${bytes} bytes`) as string });
    expect(error.message).not.toContain('\0');
  });

  it('aborted before, while the peer is silent, and while it does not answer qmp_capabilities', async () => {
    const gone = AbortSignal.abort(new Error('enough'));
    const silent = await serve(() => undefined);
    expect(await failure(connectQmp(silent, { signal: gone }))).toMatchObject({
      kind: 'aborted',
      cause: new Error('enough'),
    });
    for (const address of [silent, await serve((socket) => socket.write(greeting))]) {
      const soon = AbortSignal.timeout(50);
      expect(await failure(connectQmp(address, { signal: soon }))).toMatchObject({ kind: 'aborted' });
    }
  });
});

describe('greeting', () => {
  it('silence: another client may hold the monitor', async () => {
    const started = performance.now();
    expect(await failure(connectQmp(await serve(() => undefined), { timeoutMs: 100 }))).toMatchObject({
      kind: 'greeting',
      message:
        'the peer sent no QMP greeting within 100 ms: another client may hold this monitor, or it is no QMP monitor',
    });
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it.each([
    ['closes at once', '', 'the peer closed the connection'],
    ['half a greeting', greeting.slice(0, 40), 'the peer closed the connection, 40 bytes into a message'],
    [
      'the human monitor',
      'QEMU 7.2.22 monitor\r\n(qemu) ',
      'the peer sent "QEMU 7.2.22 monitor", which is not JSON on one line',
    ],
    ['a pretty printing monitor', '{\r\n    "QMP": {', 'the peer sent "{", which is not JSON on one line'],
    ['a reply first', '{"return": {}}\r\n', 'the peer sent return before a greeting'],
    ['an event first', '{"event": "A", "timestamp": {}}\r\n', 'the peer sent event before a greeting'],
    ['a greeting without a version', '{"QMP": {}}\r\n', 'greeting: version: expected an object, got nothing'],
    [
      'HTTP',
      'HTTP/1.1 400 Bad Request\r\n\r\n',
      'the peer sent "HTTP/1.1 400 Bad Request", which is not JSON on one line',
    ],
  ])('%s', async (_, said, message) => {
    const address = await serve((socket) => socket.end(said));
    expect(await failure(connectQmp(address))).toMatchObject({
      kind: 'greeting',
      message: `this is no QMP monitor: ${message}`,
    });
  });

  it('too-large', async () => {
    const address = await serve((socket) => socket.write('x'.repeat(2000)));
    expect(await failure(connectQmp(address, { maxMessageBytes: 1000 }))).toMatchObject({ kind: 'too-large' });
  });
});

describe('qmp_capabilities', () => {
  it('timeout, closed, command and protocol keep their kind', async () => {
    const after = (said: string | undefined): Promise<QmpAddress> =>
      serve((socket) => {
        socket.write(greeting);
        socket.on('data', () => (said === undefined ? undefined : socket.end(said)));
      });
    const refused = '{"error": {"class": "CommandNotFound", "desc": "no"}, "id": 1}\r\n';
    expect((await failure(connectQmp(await after(undefined), { timeoutMs: 100 }))).kind).toBe('timeout');
    expect((await failure(connectQmp(await after('')))).kind).toBe('closed');
    expect((await failure(connectQmp(await after(refused)))).kind).toBe('command');
    expect((await failure(connectQmp(await after('no\r\n')))).kind).toBe('protocol');
  });

  it('nothing stays open after a failure', async () => {
    let ended = 0;
    const address = await serve((socket) => {
      socket.on('close', () => ended++);
      socket.resume();
      socket.write('garbage\r\n');
    });
    await failure(connectQmp(address));
    for (let tries = 0; ended === 0 && tries < 100; tries++) await sleep(5);
    expect(ended).toBe(1);
  });
});

it('TCP and Unix sockets', async () => {
  for (const over of ['tcp', 'unix'] as const) {
    const qmp = await connectQmp(
      await serve(
        polite((asked, socket) => reply(socket, asked.id, over)),
        over,
      ),
    );
    expect(await qmp.execute('x')).toBe(over);
    qmp.close();
  }
});

describe.skipIf(qemu === undefined)(`a real QEMU${needsQemu}`, () => {
  const bare = ['-nodefaults', '-no-user-config', '-display', 'none', '-machine', 'none,accel=tcg'];

  async function start(monitor: string): Promise<Program> {
    const program = await startProgram(qemu!, [...bare, '-qmp', monitor]);
    onTestFinished(() => void program.stop());
    return program;
  }

  /** QEMU makes its socket some time after its start. */
  async function connected(address: QmpAddress): Promise<QmpClient> {
    for (let tries = 0; ; tries++) {
      try {
        return await connectQmp(address);
      } catch (error) {
        if (!(error instanceof QmpError) || error.kind !== 'connect' || tries > 200) throw error;
        await sleep(20);
      }
    }
  }

  it('over a Unix socket: answers, refuses, tells its end', async () => {
    const path = join(await folder(), 's');
    const program = await start(`unix:${path},server=on,wait=off`);
    const qmp = await connected({ path });
    expect(qmp.greeting.version.major).toBeGreaterThanOrEqual(5);
    expect(await qmp.execute('query-status')).toMatchObject({ running: true });
    expect(await failure(qmp.execute('device-list-properties', { typename: 'no-such' }))).toMatchObject({
      kind: 'command',
      errorClass: 'DeviceNotFound',
    });
    expect(await failure(qmp.execute('no-such'))).toMatchObject({ kind: 'command', errorClass: 'CommandNotFound' });
    const events = qmp.events();
    await qmp.execute('quit');
    expect((await events.next()).value).toMatchObject({ name: 'SHUTDOWN', data: { reason: 'host-qmp-quit' } });
    expect((await qmp.ended).kind).toBe('closed');
    expect(await program.exited).toEqual({ code: 0, signal: undefined });
  });

  it('protocol: QEMU answers without an id what it cannot parse', async () => {
    // The one thing that JSON.stringify writes and QEMU does not take.
    const loneSurrogate = '\ud800';
    const path = join(await folder(), 's');
    await start(`unix:${path},server=on,wait=off`);
    const qmp = await connected({ path });
    const error = await failure(qmp.execute('qom-get', { path: loneSurrogate, property: 'x' }));
    expect(error).toMatchObject({ kind: 'protocol' });
    expect(error.message).toContain('the peer replied without an id: GenericError: JSON parse error');
  });

  it('over TCP', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    await start(`tcp:127.0.0.1:${port},server=on,wait=off`);
    const qmp = await connected({ host: '127.0.0.1', port });
    expect(await qmp.execute('query-name')).toEqual({});
    qmp.close();
  });

  it('a monitor that another client holds', async () => {
    const path = join(await folder(), 's');
    await start(`unix:${path},server=on,wait=off`);
    const first = await connected({ path });
    expect(await failure(connectQmp({ path }, { timeoutMs: 200 }))).toMatchObject({
      kind: 'greeting',
      message: expect.stringContaining('another client may hold this monitor') as string,
    });
    first.close();
    const second = await connected({ path });
    expect(await second.execute('query-status')).toMatchObject({ running: true });
    second.close();
  });

  it('is killed while a command waits', async () => {
    const path = join(await folder(), 's');
    const program = await start(`unix:${path},server=on,wait=off`);
    const qmp = await connected({ path });
    process.kill(program.pid, 'SIGSTOP');
    const waiting = failure(qmp.execute('query-status'));
    process.kill(program.pid, 'SIGKILL');
    expect(await waiting).toMatchObject({ kind: 'closed', command: 'query-status' });
  });

  it('answers 500 pipelined commands, each its own', async () => {
    const path = join(await folder(), 's');
    await start(`unix:${path},server=on,wait=off`);
    const qmp = await connected({ path });
    const outcomes = await qmp.executeAll(
      Array.from({ length: 500 }, (_, index) => ({
        execute: 'device-list-properties',
        arguments: { typename: `no-${index}` },
      })),
    );
    outcomes.forEach((outcome, index) => {
      expect(outcome).toMatchObject({ ok: false, error: { description: `Device 'no-${index}' not found` } });
    });
    qmp.close();
  });
});

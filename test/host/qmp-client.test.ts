import { connect } from 'node:net';
import { PassThrough, Duplex } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connectQmp } from '../../src/host/qmp-connect.ts';
import type { QmpEvent } from '../../src/host/qmp-message.ts';
import { client, failure, greeting, polite, reply, serve, type Asked } from './qmp-peer.ts';

const next = (numbers: fc.Stream<number>): number => Number(numbers.next().value);

const event = (name: string, data = {}): string =>
  `${JSON.stringify({ timestamp: { seconds: 1, microseconds: 0 }, event: name, data })}\r\n`;

describe('execute', () => {
  it('sends name and arguments with an id, and gives the return value', async () => {
    const seen: Asked[] = [];
    const qmp = await client((asked, socket) => {
      seen.push(asked);
      reply(socket, asked.id, { status: 'running' });
    });
    expect(await qmp.execute('query-status')).toEqual({ status: 'running' });
    expect(await qmp.execute('qom-get', { path: '/machine', property: 'x' })).toEqual({ status: 'running' });
    expect(seen).toEqual([
      { execute: 'query-status', id: 2 },
      { execute: 'qom-get', arguments: { path: '/machine', property: 'x' }, id: 3 },
    ]);
    expect(qmp.greeting).toEqual({
      version: { major: 10, minor: 0, micro: 2 },
      package: 'Debian',
      capabilities: ['oob'],
    });
  });

  it('takes replies in any order', async () => {
    const asked: Asked[] = [];
    const qmp = await client((one, socket) => {
      asked.push(one);
      if (asked.length === 3) for (const each of [2, 0, 1]) reply(socket, asked[each]!.id, asked[each]!.execute);
    });
    expect(await Promise.all([qmp.execute('a'), qmp.execute('b'), qmp.execute('c')])).toEqual(['a', 'b', 'c']);
  });

  it('command: what QEMU refuses, with class and text; the client stays usable', async () => {
    const qmp = await client((asked, socket) => {
      if (asked.execute === 'good') reply(socket, asked.id, 1);
      else
        socket.write(
          `{"id": ${asked.id}, "error": {"class": "Generic\\u001bError", "desc": "no \\u001b[2J such"}}\r\n`,
        );
    });
    expect(await failure(qmp.execute('bad'))).toMatchObject({
      kind: 'command',
      code: 'qmp',
      command: 'bad',
      errorClass: 'Generic\\x1bError',
      description: 'no \\x1b[2J such',
      message: 'bad: no \\x1b[2J such',
    });
    expect(await qmp.execute('good')).toBe(1);
  });

  it('timeout: no answer in time; the late answer is dropped and the client stays usable', async () => {
    let late: (() => void) | undefined;
    const qmp = await client((asked, socket) => {
      if (asked.execute === 'slow') late = () => reply(socket, asked.id, 'late');
      else {
        late?.();
        reply(socket, asked.id, 'now');
      }
    });
    const started = performance.now();
    expect(await failure(qmp.execute('slow', {}, { timeoutMs: 50 }))).toMatchObject({
      kind: 'timeout',
      command: 'slow',
      message: 'slow was not answered within 50 ms',
    });
    expect(performance.now() - started).toBeLessThan(1000);
    expect(await qmp.execute('quick')).toBe('now');
  });

  it('timeout: as connectQmp was told, where execute() is not', async () => {
    const qmp = await client(() => undefined, { commandTimeoutMs: 30 });
    expect(await failure(qmp.execute('slow'))).toMatchObject({
      kind: 'timeout',
      message: 'slow was not answered within 30 ms',
    });
  });

  it('a time that no timer takes is not over at once', async () => {
    const qmp = await client((asked, socket) => void setTimeout(() => reply(socket, asked.id, 'ok'), 20));
    expect(await qmp.execute('a', {}, { timeoutMs: Infinity })).toBe('ok');
  });

  it('aborted: while waiting, and before anything was sent', async () => {
    const seen: string[] = [];
    const qmp = await client((asked, socket) => {
      seen.push(asked.execute);
      if (asked.execute === 'quick') reply(socket, asked.id);
    });
    const controller = new AbortController();
    const waiting = failure(qmp.execute('slow', {}, { signal: controller.signal }));
    setTimeout(() => controller.abort(new Error('enough')), 20);
    expect(await waiting).toMatchObject({ kind: 'aborted', command: 'slow', cause: new Error('enough') });
    expect(await failure(qmp.execute('never', {}, { signal: controller.signal }))).toMatchObject({ kind: 'aborted' });
    await qmp.execute('quick');
    expect(seen).toEqual(['slow', 'quick']);
  });

  it('closed: the peer goes in the middle of a reply', async () => {
    const qmp = await client((_, socket) => socket.end('{"return": {"a"'));
    expect(await failure(qmp.execute('query-status'))).toMatchObject({
      kind: 'closed',
      command: 'query-status',
      message: 'the peer closed the connection, 15 bytes into a message; query-status was not answered',
    });
    expect(await failure(qmp.execute('more'))).toMatchObject({ kind: 'closed' });
    expect((await qmp.ended).kind).toBe('closed');
  });

  it('closed: by close(), for what waits and for what comes', async () => {
    const qmp = await client(() => undefined);
    const waiting = failure(qmp.execute('slow'));
    qmp.close();
    qmp.close();
    expect(await waiting).toMatchObject({
      kind: 'closed',
      message: expect.stringContaining('slow was not answered') as string,
    });
    expect(await failure(qmp.execute('more'))).toMatchObject({ kind: 'closed' });
  });

  it('closed: the connection is reset', async () => {
    const qmp = await connectQmp(
      await serve(
        polite((_, socket) => socket.resetAndDestroy()),
        'tcp',
      ),
    );
    expect(await failure(qmp.execute('a'))).toMatchObject({
      kind: 'closed',
      message: expect.stringMatching(/ECONNRESET|closed/) as string,
    });
  });
});

describe('executeAll', () => {
  it('sends everything before it waits, and keeps the order; refusals are outcomes', async () => {
    const asked: Asked[] = [];
    const qmp = await client((one, socket) => {
      asked.push(one);
      if (asked.length < 500) return;
      for (const each of [...asked].reverse()) {
        if (each.execute === 'c7')
          socket.write(`{"id": ${each.id}, "error": {"class": "DeviceNotFound", "desc": "d"}}\r\n`);
        else reply(socket, each.id, each.execute);
      }
    });
    const outcomes = await qmp.executeAll(Array.from({ length: 500 }, (_, index) => ({ execute: `c${index}` })));
    expect(outcomes).toHaveLength(500);
    expect(outcomes[7]).toMatchObject({
      ok: false,
      error: { kind: 'command', command: 'c7', errorClass: 'DeviceNotFound' },
    });
    expect(outcomes[499]).toEqual({ ok: true, value: 'c499' });
    expect(await qmp.executeAll([])).toEqual([]);
  });

  it('timeout: names the first that was not answered, and drops the rest when it comes', async () => {
    const missing: (() => void)[] = [];
    const qmp = await client((asked, socket) => {
      if (asked.execute === 'a') reply(socket, asked.id);
      else if (asked.execute === 'd') {
        for (const answer of missing) answer();
        reply(socket, asked.id, 'd');
      } else missing.push(() => reply(socket, asked.id));
    });
    const batch = qmp.executeAll([{ execute: 'a' }, { execute: 'b' }, { execute: 'c' }], { timeoutMs: 50 });
    expect(await failure(batch)).toMatchObject({ kind: 'timeout', command: 'b' });
    expect(await qmp.execute('d')).toBe('d');
  });
});

describe('a peer that breaks the protocol', () => {
  it.each([
    ['reply without id', '{"return": {}}\r\n', 'protocol', 'the peer replied without an id'],
    [
      'error without id, as QEMU answers what it cannot parse',
      '{"error": {"class": "GenericError", "desc": "JSON parse error"}}\r\n',
      'protocol',
      'the peer replied without an id: GenericError: JSON parse error',
    ],
    ['unknown id', '{"return": {}, "id": 77}\r\n', 'protocol', 'the peer replied to an id that is not waited for'],
    [
      'id of another type',
      '{"return": {}, "id": "2"}\r\n',
      'protocol',
      'the peer replied to an id that is not waited for',
    ],
    ['id of a command that was answered', '{"return": {}, "id": 1}\r\n', 'protocol', 'the peer replied to an id'],
    ['second greeting', greeting, 'protocol', 'the peer greeted twice'],
    ['garbage', 'no\r\n', 'protocol', 'the peer sent "no", which is not JSON'],
    ['nesting', `{"return": ${'['.repeat(100_000)}\r\n`, 'too-large', 'the peer sent JSON nested deeper than 1024'],
  ])('%s', async (_, said, kind, message) => {
    const qmp = await client((__, socket) => socket.write(said));
    const error = await failure(qmp.execute('query-status'));
    expect(error).toMatchObject({ kind, command: 'query-status' });
    expect(error.message).toBe(`${error.message.slice(0, error.message.indexOf(';'))}; query-status was not answered`);
    expect(error.message.startsWith(message)).toBe(true);
    expect(await failure(qmp.execute('more'))).toMatchObject({ kind });
  });

  it('what follows a violation is not looked at', async () => {
    const qmp = await client((asked, socket) => socket.write(`no\r\n{"return": 1, "id": ${asked.id}}\r\n`));
    expect((await failure(qmp.execute('a'))).kind).toBe('protocol');
  });

  it('too-large: 100 MB without a line end, in little memory and time', { timeout: 20_000 }, async () => {
    const block = Buffer.alloc(64 * 1024, 0x61);
    let sent = 0;
    const qmp = await client((asked, socket) => {
      socket.write(`{"id": ${asked.id}, "return": "`);
      const more = (): void => {
        while (sent < 100 * 1024 * 1024 && !socket.destroyed) {
          sent += block.length;
          if (!socket.write(block)) return void socket.once('drain', more);
        }
      };
      more();
    });
    const before = process.resourceUsage().maxRSS;
    const started = performance.now();
    expect(await failure(qmp.execute('query-status'))).toMatchObject({
      kind: 'too-large',
      message: 'the peer sent a message of more than 16777216 bytes; query-status was not answered',
    });
    expect(performance.now() - started).toBeLessThan(5000);
    expect(sent).toBeLessThan(32 * 1024 * 1024);
    expect((process.resourceUsage().maxRSS - before) / 1024).toBeLessThan(64);
  });

  it('too-large: the limit can be set', async () => {
    const qmp = await client((asked, socket) => reply(socket, asked.id, 'x'.repeat(2000)), { maxMessageBytes: 1000 });
    expect(await failure(qmp.execute('a'))).toMatchObject({ kind: 'too-large' });
  });
});

describe('events', () => {
  it('come to listeners until they leave, and to iterators', async () => {
    const qmp = await client((asked, socket) => {
      socket.write(event('STOP', { n: asked.id }));
      reply(socket, asked.id);
    });
    const heard: QmpEvent[] = [];
    const leave = qmp.on((one) => heard.push(one));
    const events = qmp.events();
    await qmp.execute('a');
    leave();
    await qmp.execute('b');
    expect(heard).toEqual([{ name: 'STOP', data: { n: 2 }, time: 1000 }]);
    expect((await events.next()).value).toEqual({ name: 'STOP', data: { n: 2 }, time: 1000 });
    expect((await events.next()).value).toMatchObject({ data: { n: 3 } });
    const waiting = events.next();
    qmp.close();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  it('a loop that stops early leaves nothing behind', async () => {
    const qmp = await client((asked, socket) => {
      socket.write(event('ONE') + event('TWO'));
      reply(socket, asked.id);
    });
    const events = qmp.events();
    await qmp.execute('a');
    for await (const one of events) {
      expect(one.name).toBe('ONE');
      break;
    }
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  it('an iterator gives what came before the connection was lost, then why', async () => {
    const qmp = await client((_, socket) => socket.end(event('SHUTDOWN')));
    const events = qmp.events();
    const more = qmp.events();
    const seen: string[] = [];
    const loop = (async () => {
      for await (const one of more) seen.push(one.name);
    })();
    await failure(qmp.execute('quit'));
    expect(await failure(loop)).toMatchObject({ kind: 'closed' });
    expect(seen).toEqual(['SHUTDOWN']);
    expect((await events.next()).value).toMatchObject({ name: 'SHUTDOWN' });
    expect(await failure(events.next())).toMatchObject({ kind: 'closed' });
    expect(await failure(qmp.events().next())).toMatchObject({ kind: 'closed' });
  });

  it('a flood takes bounded memory, and a command still gets its answer', { timeout: 20_000 }, async () => {
    const flood = event('NIC_RX_FILTER_CHANGED', { name: 'n'.repeat(900) }).repeat(1000);
    const qmp = await client((asked, socket) => {
      let rounds = 0;
      const more = (): void => {
        while (rounds++ < 100) if (!socket.write(flood)) return void socket.once('drain', more);
        reply(socket, asked.id, 'at last');
      };
      more();
    });
    const unread = qmp.events();
    const few = qmp.events(3);
    const before = process.resourceUsage().maxRSS;
    expect(await qmp.execute('a')).toBe('at last');
    expect(few.dropped).toBe(100_000 - 3);
    expect(unread.dropped).toBeGreaterThan(98_900);
    expect((process.resourceUsage().maxRSS - before) / 1024).toBeLessThan(64);
  });

  it('big events are held by their bytes, not only by their number', async () => {
    const qmp = await client((asked, socket) => {
      for (let count = 0; count < 10; count++) socket.write(event('BIG', { text: 'x'.repeat(400_000), count }));
      reply(socket, asked.id);
    });
    const events = qmp.events();
    await qmp.execute('a');
    expect(events.dropped).toBe(8);
    expect((await events.next()).value).toMatchObject({ data: { count: 8 } });
  });

  it('timeout: a flood without an answer does not outlast it', async () => {
    const qmp = await client((_, socket) => {
      const flood = event('X').repeat(1000);
      const more = (): void => {
        while (!socket.destroyed) if (!socket.write(flood)) return void socket.once('drain', more);
      };
      more();
    });
    const started = performance.now();
    expect((await failure(qmp.execute('a', {}, { timeoutMs: 200 }))).kind).toBe('timeout');
    expect(performance.now() - started).toBeLessThan(2000);
    qmp.close();
  });
});

it('whatever the chunks and the order of the replies, each command gets its own', async () => {
  const numbers = fc.infiniteStream(fc.nat({ max: 40 }));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.jsonValue(), { minLength: 1, maxLength: 8 }), numbers, async (values, random) => {
      const [toClient, fromClient] = [new PassThrough(), new PassThrough()];
      const dribble = (text: string): void => {
        for (let at = 0; at < text.length;) {
          const size = 1 + next(random);
          toClient.write(text.slice(at, at + size));
          at += size;
        }
      };
      const order = values.map((_, index) => index).sort(() => (next(random) % 3) - 1);
      const replies = order.map((index) => JSON.stringify({ id: index + 2, return: values[index] }));
      fromClient.once('data', () => {
        dribble('{"return": {}, "id": 1}\r\n');
        fromClient.once('data', () => dribble(replies.map((one) => `${event('E')}${one}\r\n`).join('')));
      });
      dribble(greeting);
      const qmp = await connectQmp({ stream: Duplex.from({ readable: toClient, writable: fromClient }) });
      const outcomes = await qmp.executeAll(values.map((_, index) => ({ execute: `c${index}` })));
      // As JSON: -0 does not survive it.
      expect(JSON.stringify(outcomes)).toBe(JSON.stringify(values.map((value) => ({ ok: true, value }))));
      qmp.close();
    }),
    { numRuns: 100 },
  );
});

it('a stream that was handed in is used, and destroyed by close()', async () => {
  const [address] = [
    await serve(
      polite((asked, socket) => reply(socket, asked.id, 'ok')),
      'tcp',
    ),
  ];
  const stream = connect({ ...(address as { host: string; port: number }) });
  const qmp = await connectQmp({ stream });
  expect(await qmp.execute('a')).toBe('ok');
  qmp.close();
  expect(stream.destroyed).toBe(true);
});

it('answers of one batch are bounded together, in values and in bytes', async () => {
  for (const [part, times] of [
    [`[${'0,'.repeat(400_000)}0]`, 3],
    [JSON.stringify('x'.repeat(12 * 1024 * 1024)), 3],
  ] as const) {
    const peer = await client(({ id }, socket) => void socket.write(`{"return": ${part}, "id": ${id}}\n`));
    const asking = peer.executeAll(Array.from({ length: times }, () => ({ execute: 'x' })));
    expect(await failure(asking)).toMatchObject({ kind: 'too-large' });
    expect((await failure(peer.execute('x'))).kind).toBe('too-large');
  }
});

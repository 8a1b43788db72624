import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QmpError } from '../../src/host/qmp-error.ts';
import { parseQmpMessage, type QmpMessage } from '../../src/host/qmp-message.ts';
import { asCount, asFlag, asList, asObject, asText, member, optional } from '../../src/host/qmp-value.ts';
import { greeting } from './qmp-peer.ts';

const parse = (text: string): QmpMessage | undefined => parseQmpMessage(Buffer.from(text));

function refusal(line: string | Buffer): QmpError {
  try {
    parseQmpMessage(Buffer.from(line));
  } catch (error) {
    if (error instanceof QmpError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

describe('the four messages', () => {
  it('greeting', () => {
    expect(parse(greeting.trimEnd())).toEqual({
      kind: 'greeting',
      greeting: { version: { major: 10, minor: 0, micro: 2 }, package: 'Debian', capabilities: ['oob'] },
    });
  });

  it('return, with whatever value and id', () => {
    expect(parse('{"return": [1], "id": "x"}\r')).toEqual({ kind: 'return', id: 'x', value: [1] });
    expect(parse('{"return": {}}')).toEqual({ kind: 'return', id: undefined, value: {} });
  });

  it('error', () => {
    expect(parse('{"id": 5, "error": {"class": "DeviceNotFound", "desc": "no"}}')).toEqual({
      kind: 'error',
      id: 5,
      errorClass: 'DeviceNotFound',
      description: 'no',
    });
  });

  it('event, with and without data and time', () => {
    const head = '"event": "STOP"';
    expect(parse(`{"timestamp": {"seconds": 2, "microseconds": 500000}, ${head}, "data": {"a": 1}}`)).toEqual({
      kind: 'event',
      event: { name: 'STOP', data: { a: 1 }, time: 2500 },
    });
    expect(parse(`{"timestamp": {"seconds": -1, "microseconds": -1}, ${head}}`)).toEqual({
      kind: 'event',
      event: { name: 'STOP', data: {}, time: undefined },
    });
  });

  it('an empty line is none', () => {
    expect([parse(''), parse('\r'), parse(' \t')]).toEqual([undefined, undefined, undefined]);
  });
});

describe('what is no message', () => {
  it.each([
    ['garbage', 'the peer sent "garbage", which is not JSON on one line'],
    ['(qemu) \x1b[2J', 'the peer sent "(qemu) \\x1b[2J", which is not JSON on one line'],
    ['{"return": {}', 'the peer sent "{"return": {}", which is not JSON on one line'],
    ['\ufeff{"return": {}}', 'the peer sent "ï»¿{"return": {}}", which is not JSON on one line'],
    ['{', 'the peer sent "{", which is not JSON on one line'],
    ['[]', 'the message: expected an object, got a list'],
    ['null', 'the message: expected an object, got null'],
    ['3', 'the message: expected an object, got 3'],
    ['{"id": 1}', 'the peer sent "{"id": 1}", which is none of greeting, return, error and event'],
    ['{"__proto__": {"return": 1}}', expect.stringContaining('which is none of') as string],
    ['{"return": 1, "error": {}}', expect.stringContaining('which is none of') as string],
    ['{"error": "no"}', 'error: expected an object, got "no"'],
    ['{"error": {"class": 1}}', 'error.class: expected a string, got 1'],
    ['{"error": {"class": "x"}}', 'error.desc: expected a string, got nothing'],
    ['{"event": "STOP"}', 'event: timestamp: expected an object, got nothing'],
    ['{"event": 1, "timestamp": {}}', 'event: expected a string, got 1'],
    ['{"QMP": {}}', 'greeting: version: expected an object, got nothing'],
    [
      '{"QMP": {"version": {"qemu": {"major": -1}}}}',
      expect.stringContaining('version.qemu.major: expected a whole') as string,
    ],
  ])('%j', (line, message) => {
    expect(refusal(line)).toMatchObject({ kind: 'protocol', code: 'qmp', message });
  });

  it('invalid UTF-8', () => {
    const line = Buffer.concat([Buffer.from('{"return": "'), Buffer.from([0xff, 0x9b]), Buffer.from('"}')]);
    expect(refusal(line)).toMatchObject({
      kind: 'protocol',
      message: 'the peer sent "{"return": "ÿ\\x9b"}", which is not UTF-8',
    });
  });

  it('a long one is cut', () => {
    expect(refusal('x'.repeat(1_000_000)).message.length).toBeLessThan(250);
  });
});

describe('bounds', () => {
  const nested = (depth: number): string => `{"return": ${'['.repeat(depth)}${']'.repeat(depth)}}`;

  it('takes what QEMU itself takes, and nothing deeper', () => {
    expect(parse(nested(1023))).toMatchObject({ kind: 'return' });
    expect(refusal(nested(1024))).toMatchObject({
      kind: 'too-large',
      message: 'the peer sent JSON nested deeper than 1024',
    });
    expect(refusal(nested(100_000)).kind).toBe('too-large');
    expect(refusal('['.repeat(5_000_000)).kind).toBe('too-large');
  });

  it('does not count what stands in strings', () => {
    expect(parse(`{"return": "${'[{,'.repeat(500_000)}\\"[["}`)).toMatchObject({ kind: 'return' });
  });

  it('refuses more values than it could hold in little memory, before it builds them', () => {
    const before = process.resourceUsage().maxRSS;
    const line = Buffer.from(`{"return": [${'{},'.repeat(5_000_000)}0]}`);
    expect(refusal(line)).toMatchObject({
      kind: 'too-large',
      message: 'the peer sent JSON with more than 1000000 values',
    });
    expect((process.resourceUsage().maxRSS - before) / 1024).toBeLessThan(64);
  });
});

it('any line is taken or refused by a QmpError, and a refusal is fit for a terminal', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '"',
    ':',
    ',',
    '\\',
    '"return"',
    '"event"',
    '"QMP"',
    '"id"',
    '1',
    '\x1b',
    '\u009b',
    'é',
  );
  const lines = fc.oneof(
    fc.array(pieces, { maxLength: 30 }).map((parts) => Buffer.from(parts.join(''))),
    fc.uint8Array({ maxLength: 60 }).map((values) => Buffer.from(values)),
    fc.json().map((text) => Buffer.from(text)),
    fc
      .record(
        {
          QMP: fc.jsonValue(),
          return: fc.jsonValue(),
          error: fc.jsonValue(),
          event: fc.jsonValue(),
          id: fc.jsonValue(),
        },
        { requiredKeys: [] },
      )
      .map((value) => Buffer.from(JSON.stringify(value))),
  );
  fc.assert(
    fc.property(lines, (line) => {
      try {
        parseQmpMessage(line);
      } catch (error) {
        expect(error).toBeInstanceOf(QmpError);
        expect((error as QmpError).message).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      }
    }),
    { numRuns: 2000 },
  );
});

describe('checked access', () => {
  it('gives what is right', () => {
    expect(asObject({ a: 1 }, 'x')).toEqual({ a: 1 });
    expect(asList([1], 'x')).toEqual([1]);
    expect(asText('a', 'x')).toBe('a');
    expect(asFlag(false, 'x')).toBe(false);
    expect(asCount(0, 'x')).toBe(0);
    expect(optional(undefined, asText, 'x')).toBeUndefined();
    expect(optional('a', asText, 'x')).toBe('a');
  });

  it.each([
    [() => asObject([], 'query-x: y'), 'query-x: y: expected an object, got a list'],
    [() => asList({}, 'l'), 'l: expected a list, got an object'],
    [() => asText(undefined, 't'), 't: expected a string, got nothing'],
    [() => asFlag('\x1b', 'f'), 'f: expected true or false, got "\\u001b"'],
    [() => asCount(1.5, 'n'), 'n: expected a whole number of at most 2^53-1, got 1.5'],
    [() => asCount(2 ** 53, 'n'), 'n: expected a whole number of at most 2^53-1, got 9007199254740992'],
    [() => asCount(-1, 'n'), 'n: expected a whole number of at most 2^53-1, got -1'],
    [() => optional(null, asText, 'o'), 'o: expected a string, got null'],
  ])('%#: refuses what is not', (act, message) => {
    expect(act).toThrow(expect.objectContaining({ kind: 'protocol', message }));
  });

  it('never finds what is inherited', () => {
    expect(member({}, 'constructor')).toBeUndefined();
    expect(member(asObject(JSON.parse('{"__proto__": 1}'), 'x'), '__proto__')).toBe(1);
    expect(member(asObject(JSON.parse('{"a": 1}'), 'x'), '__proto__')).toBeUndefined();
  });
});

import { harmless, QmpError } from './qmp-error.ts';
import { asCount, asList, asObject, asText, member } from './qmp-value.ts';

/** QEMU's first message. */
export interface QmpGreeting {
  readonly version: { readonly major: number; readonly minor: number; readonly micro: number };
  /** the distribution's package version; may be empty */
  readonly package: string;
  /** what can be enabled by qmp_capabilities: `oob` */
  readonly capabilities: readonly string[];
}

export interface QmpEvent {
  /** SHUTDOWN, STOP, NIC_RX_FILTER_CHANGED .. */
  readonly name: string;
  /** the members of `data`; empty where the event has none */
  readonly data: Readonly<Record<string, unknown>>;
  /** milliseconds since 1970 by the clock of QEMU's host; undefined where QEMU could not tell */
  readonly time: number | undefined;
}

/** docs/interop/qmp-spec: greeting, success, error, asynchronous event. */
export type QmpMessage =
  | { readonly kind: 'greeting'; readonly greeting: QmpGreeting }
  | { readonly kind: 'return'; readonly id: unknown; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: unknown; readonly errorClass: string; readonly description: string }
  | { readonly kind: 'event'; readonly event: QmpEvent };

/** As QEMU's own reader: MAX_NESTING in qobject/json-streamer.c. */
const MAX_DEPTH = 1024;

/**
 * How many `{`, `[` and `,` one message may have. `[{},{},..]` takes some 20 bytes of memory per byte on the wire, so
 * the limit on bytes alone would not bound it. The biggest known reply, query-qmp-schema, has about 10,000.
 */
const MAX_VALUES = 1_000_000;

// A byte order mark is not JSON: it is kept, so that JSON.parse refuses it.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * One line of the server, or undefined for an empty one.
 * @throws QmpError `protocol`: not UTF-8, not JSON, not one of the four messages; `too-large`: too deep or too many values
 * @param tally is told how many values the message has, before it is built
 */
export function parseQmpMessage(line: Buffer, tally?: (values: number) => void): QmpMessage | undefined {
  if (isBlank(line)) return undefined;
  const values = measure(line);
  tally?.(values);
  const message = asObject(parse(line), 'the message');
  const found = (['QMP', 'return', 'error', 'event'] as const).filter((name) => Object.hasOwn(message, name));
  if (found.length !== 1) throw broken('which is none of greeting, return, error and event', line);
  const id = member(message, 'id');
  switch (found[0]) {
    case 'QMP':
      return { kind: 'greeting', greeting: greetingOf(asObject(message['QMP'], 'greeting: QMP')) };
    case 'return':
      return { kind: 'return', id, value: message['return'] };
    case 'error': {
      const error = asObject(message['error'], 'error');
      return {
        kind: 'error',
        id,
        errorClass: asText(member(error, 'class'), 'error.class'),
        description: asText(member(error, 'desc'), 'error.desc'),
      };
    }
    default:
      return { kind: 'event', event: eventOf(message) };
  }
}

function parse(line: Buffer): unknown {
  let text: string;
  try {
    text = utf8.decode(line);
  } catch {
    throw broken('which is not UTF-8', line);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw broken('which is not JSON on one line', line);
  }
}

function greetingOf(body: Readonly<Record<string, unknown>>): QmpGreeting {
  const version = asObject(member(body, 'version'), 'greeting: version');
  const qemu = asObject(member(version, 'qemu'), 'greeting: version.qemu');
  const part = (name: string): number => asCount(member(qemu, name), `greeting: version.qemu.${name}`);
  return {
    version: { major: part('major'), minor: part('minor'), micro: part('micro') },
    package: asText(member(version, 'package'), 'greeting: version.package'),
    capabilities: asList(member(body, 'capabilities'), 'greeting: capabilities').map((one) =>
      asText(one, 'greeting: capabilities'),
    ),
  };
}

function eventOf(message: Readonly<Record<string, unknown>>): QmpEvent {
  const timestamp = asObject(member(message, 'timestamp'), 'event: timestamp');
  const [seconds, micros] = [member(timestamp, 'seconds'), member(timestamp, 'microseconds')];
  const data = member(message, 'data');
  return {
    name: asText(message['event'], 'event'),
    data: data === undefined ? {} : asObject(data, 'event: data'),
    // Both are -1 where the host's clock could not be read.
    time:
      typeof seconds === 'number' && typeof micros === 'number' && seconds >= 0
        ? seconds * 1000 + micros / 1000
        : undefined,
  };
}

function isBlank(line: Buffer): boolean {
  for (const byte of line) if (byte !== 0x0d && byte !== 0x20 && byte !== 0x09) return false;
  return true;
}

/**
 * Bounds what JSON.parse would build, and what recursion over it would need, before it is built.
 * @returns how many values it has
 * @throws QmpError `too-large`
 */
export function measure(line: Buffer): number {
  let depth = 0;
  let values = 0;
  let inString = false;
  for (let at = 0; at < line.length; at++) {
    const byte = line[at];
    if (inString) {
      if (byte === 0x5c) at++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x2c) values++;
    else if (byte === 0x7b || byte === 0x5b) {
      values++;
      if (++depth > MAX_DEPTH) throw new QmpError('too-large', `the peer sent JSON nested deeper than ${MAX_DEPTH}`);
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  if (values > MAX_VALUES) throw new QmpError('too-large', `the peer sent JSON with more than ${MAX_VALUES} values`);
  return values;
}

function broken(what: string, line: Buffer): QmpError {
  // latin1 shows every byte, also those that are not UTF-8.
  return new QmpError(
    'protocol',
    `the peer sent "${harmless(line.toString('latin1', 0, 200).trimEnd(), 120)}", ${what}`,
  );
}

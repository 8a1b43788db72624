import { isUnknown } from '../model/fact.ts';
import { VdpaQemuError } from '../model/error.ts';
import type { Unknown } from '../model/generated/host-report.ts';
import { runProgram, type Output, type ProgramLimits } from './program.ts';
import {
  MAX_BYTES,
  MAX_VALUES,
  type QmpArguments,
  type QmpCommand,
  type QmpOutcome,
  type QmpWait,
} from './qmp-batch.ts';
import type { QmpExecutor } from './qmp-client.ts';
import { harmless, QmpError } from './qmp-error.ts';
import { measure } from './qmp-message.ts';
import { asObject, asText, member } from './qmp-value.ts';

export interface VirshOptions {
  /** default qemu:///system */
  readonly connect?: string | undefined;
  /** milliseconds that one call may take where it does not say; default 60,000 */
  readonly timeoutMs?: number | undefined;
  /** runs virsh; another in tests */
  readonly run?: ((name: string, args: readonly string[], limits: ProgramLimits) => Promise<Output>) | undefined;
}

/** Bytes of commands in one argument: the kernel takes 128 KiB (MAX_ARG_STRLEN). */
const MAX_ARGUMENT = 96 * 1024;

/**
 * The monitor of a libvirt domain, through `virsh qemu-monitor-command`, so that no second socket is needed. libvirt
 * marks the domain as tainted (custom-monitor). One virsh runs many commands: a single argument is parsed by virsh
 * itself, commands separated by semicolons (tools/vsh.c: vshCommandStringParse()); no shell sees it.
 * @throws VdpaQemuError `usage` where the name cannot be a domain's; later also where virsh takes a name of digits for the
 *   number of another running domain
 */
export function virshMonitor(domain: string, options: VirshOptions = {}): QmpExecutor {
  checkDomainName(domain);
  const run = options.run ?? runProgram;
  const connect = options.connect ?? 'qemu:///system';
  const label = `virsh: domain ${domain}`;

  let isNumber = /^[0-9]+$/.test(domain);
  const executeAll = async (commands: readonly QmpCommand[], wait: QmpWait = {}): Promise<QmpOutcome[]> => {
    const { timeoutMs = options.timeoutMs ?? 60_000, signal } = wait;
    const end = performance.now() + timeoutMs;
    const virsh = async (script: string): Promise<string> => {
      // a call takes as long as it takes, but all of its virshs together no longer than they may
      const left = Math.max(1, Math.ceil(end - performance.now()));
      const limits = { timeoutMs: left, maxBytes: MAX_BYTES, label, signal };
      const output = await run('virsh', ['-q', '-c', connect, script], limits);
      if (isUnknown(output)) throw failure(output, label, timeoutMs);
      return output.stdout;
    };
    if (isNumber) checkIsName(domain, await virsh(`domname --domain ${quote(domain)}`));
    isNumber = false;
    const outcomes: QmpOutcome[] = [];
    for (const chunk of chunksOf(commands, domain)) {
      outcomes.push(...outcomesOf(await virsh(chunk.map(({ text }) => text).join('; ')), chunk));
    }
    return outcomes;
  };
  return {
    executeAll,
    execute: async (name: string, args?: QmpArguments, wait?: QmpWait) => {
      const [outcome] = await executeAll([{ execute: name, arguments: args }], wait);
      if (outcome?.ok === true) return outcome.value;
      throw outcome?.error ?? new QmpError('closed', 'no outcome');
    },
  };
}

/** libvirt forbids a slash and a newline in names (virXMLCheckIllegalChars()); a leading dash would be an option. */
export function checkDomainName(domain: string): void {
  if (/^[^-/\u0000-\u001f\u007f-\u009f][^/\u0000-\u001f\u007f-\u009f]{0,254}$/u.test(domain)) return;
  throw new VdpaQemuError('usage', `not the name of a libvirt domain: ${JSON.stringify(domain.slice(0, 80))}`);
}

/**
 * virsh takes digits for the number of a running domain first, and for a name only where there is none
 * (tools/virsh-util.c: virshLookupDomainInternal()).
 * @throws VdpaQemuError usage
 */
function checkIsName(domain: string, output: string): void {
  const name = output.trim();
  if (name === domain) return;
  throw new VdpaQemuError(
    'usage',
    `virsh takes ${domain} for the number of the running domain ${harmless(name, 255)}: give the UUID of the one that is meant`,
  );
}

/** Where libvirtd writes the pid of a domain of qemu:///system (qemu_process.c: virPidFileBuildPath()). */
export function pidFileOf(domain: string): string {
  return `/run/libvirt/qemu/${domain}.pid`;
}

interface Piece {
  readonly command: QmpCommand;
  readonly text: string;
}

function* chunksOf(commands: readonly QmpCommand[], domain: string): Generator<Piece[]> {
  let chunk: Piece[] = [];
  let size = 0;
  for (const command of commands) {
    const json = JSON.stringify({ execute: command.execute, arguments: command.arguments });
    const text = `qemu-monitor-command --domain ${quote(domain)} --cmd ${quote(json)}`;
    const bytes = Buffer.byteLength(text) + 2;
    if (size + bytes > MAX_ARGUMENT && chunk.length > 0) {
      yield chunk;
      [chunk, size] = [[], 0];
    }
    chunk.push({ command, text });
    size += bytes;
  }
  if (chunk.length > 0) yield chunk;
}

/** virsh's own quoting: all is literal between single quotes, and outside a backslash protects one character. */
function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** @throws QmpError `too-large`, `protocol` */
function outcomesOf(stdout: string, chunk: readonly Piece[]): QmpOutcome[] {
  const lines = stdout.split('\n').filter((line) => line.trim() !== '');
  if (lines.length !== chunk.length) {
    throw new QmpError('protocol', `virsh gave ${lines.length} replies to ${chunk.length} commands`);
  }
  let values = 0;
  return lines.map((line, index) => {
    values += measure(Buffer.from(line));
    if (values > MAX_VALUES) throw new QmpError('too-large', `virsh: replies with more than ${MAX_VALUES} values`);
    return outcomeOf(line, chunk[index]?.command.execute ?? '');
  });
}

function outcomeOf(line: string, command: string): QmpOutcome {
  let reply: unknown;
  try {
    reply = JSON.parse(line);
  } catch (cause) {
    throw new QmpError('protocol', `virsh: the reply to ${command} is not JSON`, { command, cause });
  }
  const object = asObject(reply, `reply to ${command}`);
  const error = member(object, 'error');
  if (error === undefined) return { ok: true, value: member(object, 'return') };
  const fields = asObject(error, `error of ${command}`);
  const description = asText(member(fields, 'desc'), `error of ${command}: desc`);
  const errorClass = asText(member(fields, 'class'), `error of ${command}: class`);
  return {
    ok: false,
    error: new QmpError('command', `${command}: ${description}`, { command, errorClass, description }),
  };
}

/** Why virsh gave nothing, as the client of a socket says it. */
function failure({ unknown: reason, detail }: Unknown, label: string, timeoutMs: number): Error {
  switch (reason) {
    case 'no-tool':
      return new VdpaQemuError('not-found', detail);
    case 'ETIMEDOUT':
      return new QmpError('timeout', `${label}: no answer within ${timeoutMs} ms`);
    case 'aborted':
      return new QmpError('aborted', `${label}: waiting was aborted`);
    case 'malformed':
      return new QmpError('too-large', detail);
    default:
      return new QmpError('closed', `${label}: ${lastSentence(detail)}`);
  }
}

/** virsh writes `error: ` before what went wrong. */
function lastSentence(detail: string): string {
  const at = detail.lastIndexOf('error: ');
  return harmless(at < 0 ? detail : detail.slice(at + 7), 500);
}

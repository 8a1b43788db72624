import { isUnknown } from '../model/fact.ts';
import { VdpaQemuError } from '../model/error.ts';
import { runProgram, type Output } from './program.ts';
import type { QmpArguments, QmpCommand, QmpOutcome } from './qmp-batch.ts';
import type { QmpExecutor } from './qmp-client.ts';
import { QmpError } from './qmp-error.ts';
import { asObject, asText, member } from './qmp-value.ts';

export interface VirshOptions {
  /** default qemu:///system */
  readonly connect?: string | undefined;
  /** milliseconds that one virsh may take; default 60,000 */
  readonly timeoutMs?: number | undefined;
  /** runs virsh; another in tests */
  readonly run?: ((name: string, args: readonly string[]) => Promise<Output>) | undefined;
}

/** Bytes of commands in one argument: the kernel takes 128 KiB (MAX_ARG_STRLEN). */
const MAX_ARGUMENT = 96 * 1024;

/**
 * The monitor of a libvirt domain, through `virsh qemu-monitor-command`, so that no second socket is needed. libvirt
 * marks the domain as tainted (custom-monitor). One virsh runs many commands: a single argument is parsed by virsh
 * itself, commands separated by semicolons (tools/vsh.c: vshCommandStringParse()); no shell sees it.
 * @throws VdpaQemuError `usage` where the name cannot be a domain's
 */
export function virshMonitor(domain: string, options: VirshOptions = {}): QmpExecutor {
  checkDomainName(domain);
  const limits = { timeoutMs: options.timeoutMs ?? 60_000, maxBytes: 64 * 1024 * 1024 };
  const run = options.run ?? ((name, args) => runProgram(name, args, limits));
  const connect = options.connect ?? 'qemu:///system';

  const executeAll = async (commands: readonly QmpCommand[]): Promise<QmpOutcome[]> => {
    const outcomes: QmpOutcome[] = [];
    for (const chunk of chunksOf(commands, domain)) {
      const output = await run('virsh', ['-q', '-c', connect, chunk.map(({ text }) => text).join('; ')]);
      if (isUnknown(output)) {
        const missing = output.unknown === 'no-tool';
        throw missing
          ? new VdpaQemuError('not-found', output.detail)
          : new QmpError('closed', `virsh: domain ${domain}: ${lastSentence(output.detail)}`);
      }
      const lines = output.stdout.split('\n').filter((line) => line.trim() !== '');
      if (lines.length !== chunk.length) {
        throw new QmpError('protocol', `virsh gave ${lines.length} replies to ${chunk.length} commands`);
      }
      outcomes.push(...lines.map((line, index) => outcomeOf(line, chunk[index]?.command.execute ?? '')));
    }
    return outcomes;
  };
  return {
    executeAll,
    execute: async (name: string, args?: QmpArguments) => {
      const [outcome] = await executeAll([{ execute: name, arguments: args }]);
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

/** program.ts puts the whole command before what virsh said. */
function lastSentence(detail: string): string {
  const at = detail.lastIndexOf('error: ');
  return at < 0 ? detail.slice(-200) : detail.slice(at + 7);
}

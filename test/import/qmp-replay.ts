import { readFileSync } from 'node:fs';
import type { ProcessView } from '../../src/host/proc-maps.ts';
import type { QmpCommand, QmpOutcome } from '../../src/host/qmp-batch.ts';
import type { QmpExecutor } from '../../src/host/qmp-client.ts';
import { QmpError } from '../../src/host/qmp-error.ts';
import { importRunning } from '../../src/import/from-qmp.ts';
import type { Imported } from '../../src/import/from-options.ts';
import { observeVm } from '../../src/verify/observe.ts';

interface Exchange {
  readonly execute: string;
  readonly arguments?: unknown;
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
}

/** What was recorded of one VM. */
export interface Recorded {
  readonly digest: string | null;
  readonly arguments: readonly string[];
  readonly exchanges: readonly Exchange[];
}

export function recorded(name: string): Recorded {
  return JSON.parse(readFileSync(`test/fixtures/import/${name}`, 'utf8')) as Recorded;
}

/** Answers each command as the VM did; `edit` changes an answer. A command that was not recorded is refused. */
export function replayOf(
  { exchanges }: Recorded,
  edit: (command: QmpCommand, answer: unknown) => unknown = (_, answer) => answer,
): QmpExecutor {
  const key = (command: { execute: string; arguments?: unknown }): string =>
    JSON.stringify([command.execute, command.arguments ?? null]);
  const known = new Map(exchanges.map((exchange) => [key(exchange), exchange]));
  const answer = (command: QmpCommand): QmpOutcome => {
    const found = known.get(key(command));
    const value = edit(command, found && 'return' in found ? found.return : undefined);
    if (value !== undefined) return { ok: true, value };
    const { class: errorClass = 'GenericError', desc = 'was not recorded' } = found?.error ?? {};
    return { ok: false, error: new QmpError('command', desc, { errorClass, description: desc }) };
  };
  return {
    execute: (execute: string) => Promise.reject(new Error(execute)),
    executeAll: (commands: readonly QmpCommand[]) => Promise.resolve(commands.map(answer)),
  };
}

/** Observes and imports a recorded VM, as the command does. */
export async function importRecorded(
  from: Recorded,
  options: {
    readonly withArguments?: boolean;
    readonly edit?: (command: QmpCommand, answer: unknown) => unknown;
  } = {},
): Promise<Imported> {
  const executor = replayOf(from, options.edit);
  const process: ProcessView = {
    pid: 7,
    pageSize: 4096,
    arguments: from.arguments,
    files: new Map((from.arguments.join().match(/\/dev\/vhost-vdpa-\d+/g) ?? []).map((file, fd) => [fd, file])),
    mappings: [],
  };
  const known = options.withArguments ?? true;
  const observation = await observeVm(executor, known ? { process } : {});
  return await importRunning(executor, observation, known ? from.arguments : undefined);
}

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { QmpCommand, QmpOutcome } from '../../src/host/qmp-batch.ts';
import type { QmpExecutor } from '../../src/host/qmp-client.ts';
import { QmpError } from '../../src/host/qmp-error.ts';

const directory = join(import.meta.dirname, '../fixtures/qmp');

interface Recorded {
  readonly execute: string;
  readonly arguments?: unknown;
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
}

/** Names of the recorded transcripts, without `.json`. */
export function transcripts(): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.replace(/\.json$/, ''));
}

/** A monitor that answers as a real QEMU did; see test/fixtures/qmp/README.md. */
export class Replay implements QmpExecutor {
  /** number of batches: one round trip each */
  roundTrips = 0;
  readonly asked: QmpCommand[] = [];
  /** what was asked, and is not in the transcript */
  readonly missing: string[] = [];
  readonly #answers = new Map<string, Recorded>();

  constructor(transcript: string | readonly Recorded[]) {
    const records =
      typeof transcript === 'string'
        ? (JSON.parse(readFileSync(join(directory, `${transcript}.json`), 'utf8')) as Recorded[])
        : transcript;
    for (const record of records) this.#answers.set(keyOf(record), record);
  }

  /** Changes what a command is answered. */
  answer(execute: string, args: unknown, result: unknown): this {
    const record = { execute, ...(args === undefined ? {} : { arguments: args }), return: result };
    this.#answers.set(keyOf(record), record);
    return this;
  }

  /** What a command is answered. */
  answerTo(execute: string, args: unknown): unknown {
    return this.#answers.get(keyOf({ execute, ...(args === undefined ? {} : { arguments: args }) }))?.return;
  }

  /** QEMU refuses the command. */
  refuse(execute: string, args?: unknown): this {
    const record = { execute, ...(args === undefined ? {} : { arguments: args }) };
    this.#answers.set(keyOf(record), { ...record, error: { class: 'GenericError', desc: 'no' } });
    return this;
  }

  /** The command is not there in this QEMU. */
  without(...names: string[]): this {
    for (const [key, record] of this.#answers) {
      if (names.includes(record.execute)) {
        this.#answers.set(key, { execute: record.execute, error: { class: 'CommandNotFound', desc: 'not found' } });
      }
    }
    const commands = this.#answers.get('query-commands null')?.return as { name: string }[] | undefined;
    if (commands) {
      const left = commands.filter(({ name }) => !names.includes(name));
      this.answer('query-commands', undefined, left);
    }
    return this;
  }

  executeAll(commands: readonly QmpCommand[]): Promise<QmpOutcome[]> {
    if (commands.length > 0) this.roundTrips++;
    this.asked.push(...commands);
    return Promise.resolve(commands.map((command) => this.#outcome(command)));
  }

  execute(): Promise<unknown> {
    return Promise.reject(new Error('not used'));
  }

  #outcome(command: QmpCommand): QmpOutcome {
    const { execute } = command;
    const record = this.#answers.get(keyOf(command));
    const missing = { class: 'CommandNotFound', desc: `not in the transcript: ${keyOf(command)}` };
    if (record && !record.error) return { ok: true, value: record.return };
    if (!record) this.missing.push(keyOf(command));
    const { class: errorClass, desc: description } = record?.error ?? missing;
    return { ok: false, error: new QmpError('command', `${execute}: ${description}`, { errorClass, description }) };
  }
}

function keyOf({ execute, arguments: args }: Pick<Recorded, 'execute' | 'arguments'>): string {
  return `${execute} ${JSON.stringify(args ?? null)}`;
}

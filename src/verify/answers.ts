import type { QmpCommand, QmpOutcome } from '../host/qmp-batch.ts';
import type { QmpExecutor } from '../host/qmp-client.ts';
import type { Json } from '../host/qmp-value.ts';
import { unknown, type Fact } from '../model/fact.ts';
import type { Unknown } from '../model/generated/observation.ts';

/** Collects questions, asks them all in one round trip, and gives each asker its own answer. */
export class Questions {
  readonly #commands: QmpCommand[] = [];
  #outcomes: readonly QmpOutcome[] = [];

  /** Adds a command; the returned function gives its answer once ask() is over. */
  add(execute: string, args?: Readonly<Record<string, Json>>): () => Fact<unknown> {
    const index = this.#commands.push({ execute, arguments: args }) - 1;
    return () => answerOf(this.#outcomes[index]);
  }

  /** qom-get of one property. */
  property(path: string, property: string): () => Fact<unknown> {
    return this.add('qom-get', { path, property });
  }

  async ask(executor: QmpExecutor, signal?: AbortSignal): Promise<void> {
    this.#outcomes = await executor.executeAll(this.#commands, { signal });
  }
}

/** QEMU's refusal is an unknown fact: not-supported where there is no such command, else refused. */
function answerOf(outcome: QmpOutcome | undefined): Fact<unknown> {
  if (outcome?.ok === true) return outcome.value;
  const { errorClass, message } = outcome?.error ?? { errorClass: undefined, message: 'was not asked' };
  return unknown(errorClass === 'CommandNotFound' ? 'not-supported' : 'refused', message);
}

/** The answer, read by one of the checks of qmp-value.ts where there is one, and then turned into what is wanted. */
export function checked<T, U = T>(
  answer: Fact<unknown>,
  check: (value: unknown, what: string) => T,
  what: string,
  then: (value: T) => U = (value) => value as unknown as U,
): Fact<U> {
  return isRefusal(answer) ? answer : then(check(answer, what));
}

/** An answer of QEMU is never such an object: `unknown` and `detail` come from here. */
function isRefusal(answer: Fact<unknown>): answer is Unknown {
  return typeof answer === 'object' && answer !== null && 'unknown' in answer && 'detail' in answer;
}

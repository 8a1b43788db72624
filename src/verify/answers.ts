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

  /** @param timeoutMs for all answers together; the executor's own limit where it is left out */
  async ask(executor: QmpExecutor, signal?: AbortSignal, timeoutMs?: number): Promise<void> {
    this.#outcomes = await executor.executeAll(this.#commands, { signal, timeoutMs });
  }
}

/** The refusals that were made here. What a peer sends may look like one, and must not pass for one. */
const refusals = new WeakSet();

/** QEMU's refusal is an unknown fact: not-supported where there is no such command, else refused. */
function answerOf(outcome: QmpOutcome | undefined): Fact<unknown> {
  if (outcome?.ok === true) return outcome.value;
  const { errorClass, message } = outcome?.error ?? { errorClass: undefined, message: 'was not asked' };
  const refusal = unknown(errorClass === 'CommandNotFound' ? 'not-supported' : 'refused', message);
  refusals.add(refusal);
  return refusal;
}

/** Whether QEMU refused to answer; an answer that is made to look like that is none. */
export function isRefusal(answer: unknown): answer is Unknown {
  return typeof answer === 'object' && answer !== null && refusals.has(answer);
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

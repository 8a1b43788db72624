import type { Duplex } from 'node:stream';
import { messageOf } from '../model/error.ts';
import { deferred } from './deferred.ts';
import { QmpBatch, type QmpArguments, type QmpCommand, type QmpOutcome, type QmpWait } from './qmp-batch.ts';
import { QmpError } from './qmp-error.ts';
import { QmpEvents } from './qmp-events.ts';
import { LineSplitter } from './qmp-lines.ts';
import { parseQmpMessage, type QmpEvent, type QmpGreeting, type QmpMessage } from './qmp-message.ts';

export interface QmpOptions {
  /** milliseconds that a command may take where execute() does not say; default 10,000 */
  readonly commandTimeoutMs?: number | undefined;
  /** longest message that is taken, in bytes; default 16 MiB (query-qmp-schema is 0.3 MB) */
  readonly maxMessageBytes?: number | undefined;
}

/** Enough to ask commands: what verify needs, and what another transport than a socket has to offer. */
export type QmpExecutor = Pick<QmpClient, 'execute' | 'executeAll'>;

const MAX_MESSAGE = 16 * 1024 * 1024;
const MAX_WAITING_EVENTS = 1000;

/**
 * A QMP monitor in command mode, over any duplex byte stream (docs/interop/qmp-spec). Made by connectQmp().
 *
 * Every command has an id, and replies are matched by it, in whatever order they come. After a failure of kind
 * `command`, `timeout` or `aborted` the client can be used further; after any other it is closed.
 */
export class QmpClient {
  readonly #stream: Duplex;
  readonly #lines: LineSplitter;
  readonly #timeoutMs: number;
  readonly #pending = new Map<number, { batch: QmpBatch; index: number }>();
  /** ids given up by timeout or abort, whose replies may still come */
  readonly #abandoned = new Set<number>();
  readonly #listeners = new Set<(event: QmpEvent) => void>();
  readonly #queues = new Set<QmpEvents>();
  #greeting: QmpGreeting | undefined;
  #end: QmpError | undefined;
  #nextId = 1;
  readonly #greeted = deferred<QmpGreeting>();
  readonly #ended = deferred<QmpError>();

  /** For connectQmp(): the stream is open and nothing was said yet. */
  constructor(stream: Duplex, options: QmpOptions = {}) {
    this.#stream = stream;
    this.#timeoutMs = options.commandTimeoutMs ?? 10_000;
    this.#lines = new LineSplitter(options.maxMessageBytes ?? MAX_MESSAGE);
    stream.on('data', (chunk: Buffer | string) => this.#read(typeof chunk === 'string' ? Buffer.from(chunk) : chunk));
    stream.on('end', () => this.#finish(this.#lost('the peer closed the connection')));
    stream.on('close', () => this.#finish(this.#lost('the connection was closed')));
    // Stays after the end: a stream's late error without a listener would end the process.
    stream.on('error', (error) => this.#finish(this.#lost(messageOf(error), error)));
  }

  /** For connectQmp(): the greeting, or the reason why the connection ended without one. */
  get greeted(): Promise<QmpGreeting> {
    return this.#greeted.promise;
  }

  /** Fulfilled with the reason when the connection has ended, also by close(). Never rejects. */
  get ended(): Promise<QmpError> {
    return this.#ended.promise;
  }

  /** What the peer said first: its version, package and capabilities. */
  get greeting(): QmpGreeting {
    if (this.#greeting === undefined) throw new QmpError('greeting', 'the peer has not greeted');
    return this.#greeting;
  }

  /**
   * Carries out one command and gives its `return` value, unchecked: see qmp-value.ts.
   * @throws QmpError `command` where QEMU refuses; `timeout`, `aborted`, `closed`, `protocol`, `too-large`
   */
  async execute(name: string, args?: QmpArguments, wait: QmpWait = {}): Promise<unknown> {
    const [outcome] = await this.executeAll([{ execute: name, arguments: args }], wait);
    if (outcome?.ok === true) return outcome.value;
    throw outcome?.error ?? new QmpError('closed', 'no outcome');
  }

  /**
   * Sends all commands in one write and waits for all answers, in the order of `commands`. QEMU carries them out one
   * after another. A refusal is an outcome; what keeps any answer from coming rejects.
   * @throws QmpError `timeout`, `aborted`, `closed`, `protocol`, `too-large`
   */
  async executeAll(commands: readonly QmpCommand[], wait: QmpWait = {}): Promise<QmpOutcome[]> {
    if (this.#end !== undefined) throw this.#end;
    if (wait.signal?.aborted === true) {
      throw new QmpError('aborted', 'aborted before anything was sent', { cause: wait.signal.reason });
    }
    if (commands.length === 0) return [];
    const timeoutMs = wait.timeoutMs ?? this.#timeoutMs;
    const batch = new QmpBatch(commands, { timeoutMs, signal: wait.signal }, (error) => this.#abandon(batch, error));
    let text = '';
    commands.forEach((command, index) => {
      const id = this.#nextId++;
      this.#pending.set(id, { batch, index });
      text += `${JSON.stringify({ execute: command.execute, arguments: command.arguments, id })}\n`;
    });
    this.#stream.write(text);
    return batch.result;
  }

  /** Calls `listener` with each event from now on, until the returned function is called. If it throws, the connection ends. */
  on(listener: (event: QmpEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The events from now on; see QmpEvents. `limit`: how many may wait to be taken, default 1000. */
  events(limit: number = MAX_WAITING_EVENTS): QmpEvents {
    const queue = new QmpEvents(limit, (self) => this.#queues.delete(self));
    if (this.#end === undefined) this.#queues.add(queue);
    else queue.finish(this.#end);
    return queue;
  }

  /** Ends the connection at once. What is unanswered fails with `closed`. May be called again. */
  close(): void {
    this.#finish(new QmpError('closed', 'the connection was closed by its user'), true);
  }

  #read(chunk: Buffer): void {
    try {
      for (const line of this.#lines.push(chunk)) {
        if (this.#end !== undefined) return;
        let values = 0;
        const message = parseQmpMessage(line, (count) => (values = count));
        if (message !== undefined) this.#take(message, line.length, values);
      }
    } catch (error) {
      this.#finish(error instanceof QmpError ? error : new QmpError('protocol', messageOf(error), { cause: error }));
    }
  }

  #take(message: QmpMessage, size: number, values: number): void {
    if (message.kind === 'greeting') {
      if (this.#greeting !== undefined) throw new QmpError('protocol', 'the peer greeted twice');
      this.#greeting = message.greeting;
      this.#greeted.resolve(message.greeting);
    } else if (this.#greeting === undefined) {
      throw new QmpError('protocol', `the peer sent ${message.kind} before a greeting`);
    } else if (message.kind === 'event') {
      for (const listener of this.#listeners) listener(message.event);
      for (const queue of this.#queues) queue.push(message.event, size);
    } else {
      this.#answer(message, size, values);
    }
  }

  #answer(message: Extract<QmpMessage, { kind: 'return' | 'error' }>, size: number, values: number): void {
    if (message.id === undefined) {
      // QEMU does so for what it could not parse (monitor/qmp.c: the id is inside of what it failed to read).
      const said = message.kind === 'error' ? `: ${message.errorClass}: ${message.description}` : '';
      throw new QmpError('protocol', `the peer replied without an id${said}`);
    }
    const id = typeof message.id === 'number' ? message.id : -1;
    const waiting = this.#pending.get(id);
    if (waiting === undefined) {
      if (this.#abandoned.delete(id)) return;
      throw new QmpError('protocol', 'the peer replied to an id that is not waited for');
    }
    waiting.batch.spend(size, values);
    this.#pending.delete(id);
    waiting.batch.settle(waiting.index, outcomeOf(message, waiting.batch.commands[waiting.index]?.execute ?? ''));
  }

  /** Time is over or the caller gave up: later replies are to be ignored. */
  #abandon(batch: QmpBatch, error: QmpError): void {
    for (const [id, waiting] of this.#pending) {
      if (waiting.batch !== batch) continue;
      this.#pending.delete(id);
      this.#abandoned.add(id);
    }
    batch.fail(error);
  }

  #lost(what: string, cause?: unknown): QmpError {
    const rest = this.#lines.pending > 0 ? `, ${this.#lines.pending} bytes into a message` : '';
    return new QmpError('closed', `${what}${rest}`, { cause });
  }

  #finish(error: QmpError, wanted = false): void {
    if (this.#end !== undefined) return;
    this.#end = error;
    this.#stream.destroy();
    for (const batch of new Set([...this.#pending.values()].map((waiting) => waiting.batch))) batch.lose(error);
    this.#pending.clear();
    this.#abandoned.clear();
    for (const queue of this.#queues) queue.finish(wanted ? undefined : error);
    this.#queues.clear();
    this.#listeners.clear();
    this.#greeted.reject(error);
    this.#ended.resolve(error);
  }
}

function outcomeOf(message: Extract<QmpMessage, { kind: 'return' | 'error' }>, command: string): QmpOutcome {
  if (message.kind === 'return') return { ok: true, value: message.value };
  const { errorClass, description } = message;
  const error = new QmpError('command', `${command}: ${description}`, { command, errorClass, description });
  return { ok: false, error };
}

/**
 * L0's end of the agent's port: one JSON object per line each way, matched by id (the protocol is in l1/agent.mjs).
 */
import type { Socket } from 'node:net';

export interface Reply {
  readonly id?: number;
  readonly error?: string;
  readonly hello?: string;
}

interface Pending {
  resolve: (reply: Reply) => void;
  reject: (error: Error) => void;
}

export class AgentLink {
  /** Settles when the agent is there. */
  readonly ready: Promise<void>;
  readonly #socket: Socket;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #broken: Error | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    // A broken connection means that QEMU is ending: who owns the link learns it there, with the reason, and calls break.
    socket.on('error', () => undefined);
    this.ready = new Promise((ready) => {
      let rest = '';
      socket.setEncoding('utf8').on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          const reply = JSON.parse(line) as Reply;
          if (reply.hello !== undefined) ready();
          else this.#settle(reply);
        }
      });
    });
  }

  request(message: object): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#broken !== undefined) {
        reject(this.#broken);
        return;
      }
      const id = ++this.#lastId;
      this.#pending.set(id, { resolve, reject });
      this.#socket.write(`${JSON.stringify({ id, ...message })}\n`);
    });
  }

  /** Fails what is under way and everything asked later. */
  break(reason: Error): void {
    this.#broken ??= reason;
    for (const { reject } of this.#pending.values()) reject(this.#broken);
    this.#pending.clear();
    this.#socket.destroy();
  }

  #settle(reply: Reply): void {
    const pending = this.#pending.get(reply.id ?? 0);
    this.#pending.delete(reply.id ?? 0);
    if (reply.error === undefined) pending?.resolve(reply);
    else pending?.reject(new Error(`L1: ${reply.error}`));
  }
}

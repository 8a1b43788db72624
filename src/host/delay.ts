import { setTimeout as sleep } from 'node:timers/promises';
import { QmpError } from './qmp-error.ts';

/**
 * Waits for so many milliseconds.
 * @throws QmpError `aborted`, with the signal's reason as its cause
 */
export async function delay(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, signal ? { signal } : {});
  } catch {
    throw new QmpError('aborted', 'waiting was aborted', { cause: signal?.reason });
  }
}

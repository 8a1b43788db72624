import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessView } from '../host/proc-maps.ts';
import type { QmpExecutor } from '../host/qmp-client.ts';
import type { Observation } from '../model/generated/observation.ts';
import { observeVm } from './observe.ts';
import { driversReady } from './verify.ts';

export interface WaitOptions {
  /** milliseconds that the guest driver is waited for */
  readonly waitMs: number;
  /** milliseconds between two looks; default 250 */
  readonly intervalMs?: number | undefined;
  readonly memoryMap?: boolean | undefined;
  /** looks at the QEMU process */
  readonly process?: (() => Promise<ProcessView | undefined>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Looks again and again until the driver of every vDPA device is up or time is over; gives what was seen last. QEMU has
 * no event for it.
 * @throws what observeVm() throws, and the signal's reason
 */
export async function observeUntilReady(executor: QmpExecutor, options: WaitOptions): Promise<Observation> {
  const { waitMs, intervalMs = 250, memoryMap, process, signal } = options;
  const deadline = performance.now() + waitMs;
  for (;;) {
    const observation = await observeVm(executor, { process: await process?.(), memoryMap, signal });
    const left = deadline - performance.now();
    if (left <= 0 || observation.devices.length === 0 || driversReady(observation)) return observation;
    await sleep(Math.min(left, intervalMs), undefined, signal ? { signal } : {});
  }
}

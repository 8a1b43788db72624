import type { ProcessView } from '../host/proc-maps.ts';
import { delay } from '../host/delay.ts';
import type { QmpExecutor } from '../host/qmp-client.ts';
import { isUnknown, type Fact } from '../model/fact.ts';
import type { Observation } from '../model/generated/observation.ts';
import { contradictions } from './contradiction.ts';
import { observeVm } from './observe.ts';
import { driversReady } from './verify.ts';

export interface WaitOptions {
  /** milliseconds that the guest driver is waited for */
  readonly waitMs: number;
  /** milliseconds between two looks; default 250 */
  readonly intervalMs?: number | undefined;
  readonly memoryMap?: boolean | undefined;
  /** looks at the QEMU process */
  readonly process?: (() => Promise<Fact<ProcessView>>) | undefined;
  /** milliseconds for looking itself, beside the waiting: at most so many for one look; default 30,000 */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How often it is looked again, whatever the time, when QEMU and the process were seen at different moments. */
const secondLooks = 3;

/**
 * Looks again and again until the driver of every vDPA device is up or time is over; gives what was seen last. QEMU has
 * no event for it. /proc and QMP cannot be read at one moment: where they differ, a device may just have been started or
 * stopped, and it is looked again before that counts as a disagreement.
 * @throws what observeVm() throws
 */
export async function observeUntilReady(executor: QmpExecutor, options: WaitOptions): Promise<Observation> {
  const { waitMs, intervalMs = 250, timeoutMs = 30_000, memoryMap, process, signal } = options;
  const deadline = performance.now() + waitMs;
  for (let differing = 0; ;) {
    const limit = Math.max(1, Math.min(timeoutMs, deadline + timeoutMs - performance.now()));
    const observation = await observeVm(executor, { process: await process?.(), memoryMap, timeoutMs: limit, signal });
    const left = deadline - performance.now();
    const same = sameMoment(observation);
    if (!same) differing++;
    const settled = same || differing > secondLooks;
    if (settled && (left <= 0 || observation.devices.length === 0 || driversReady(observation))) return observation;
    await delay(same ? Math.min(Math.max(left, 0), intervalMs) : 50, signal);
  }
}

/** Whether nothing speaks against the host notifiers that are there, and the process has mapped exactly their doorbells. */
function sameMoment(observation: Observation): boolean {
  const { devices, process } = observation;
  return devices.every((device) => {
    const { backend, charDevice, virtqueues } = device;
    if (isUnknown(virtqueues)) return true;
    const installed = virtqueues.some(({ hostNotifier }) => hostNotifier !== null);
    if (installed && backend === 'vhost-vdpa' && contradictions(device, observation).length > 0) return false;
    if (process === null || isUnknown(process.doorbells) || backend !== 'vhost-vdpa' || isUnknown(charDevice))
      return true;
    const { doorbells } = process;
    const mapped = new Set(
      doorbells.filter(({ device: name }) => name === charDevice).map(({ virtqueue }) => virtqueue),
    );
    return virtqueues.every(({ index, hostNotifier }) => mapped.has(index) === (hostNotifier !== null));
  });
}

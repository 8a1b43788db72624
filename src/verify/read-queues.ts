import type { QmpExecutor } from '../host/qmp-client.ts';
import { asCount, asObject, member } from '../host/qmp-value.ts';
import { isUnknown, unknown, type Fact } from '../model/fact.ts';
import { checked, Questions } from './answers.ts';

export interface QueueFacts {
  readonly size: Fact<number>;
  readonly ready: Fact<boolean>;
}

export interface QueueQuestion {
  readonly path: string;
  readonly count: Fact<number>;
  /** false: its virtqueues must not be asked for */
  readonly askable: boolean;
}

/** VIRTIO_QUEUE_MAX (include/hw/virtio/virtio.h). */
const maxQueues = 1024;

/** Size and state of all virtqueues of all devices, in one round trip (x-query-virtio-queue-status). */
export async function readQueues(
  executor: QmpExecutor,
  devices: readonly QueueQuestion[],
  signal?: AbortSignal,
): Promise<Fact<QueueFacts[]>[]> {
  const ask = new Questions();
  const answers = devices.map(({ path, count, askable }) => {
    if (isUnknown(count)) return () => count;
    const indices = Array.from({ length: Math.min(count, maxQueues) }, (_, index) => index);
    if (!askable) return () => indices.map(() => notAsked);
    const replies = indices.map((queue) =>
      ask.add('x-query-virtio-queue-status', { path: `${path}/virtio-backend`, queue }),
    );
    return () => replies.map((reply) => queueOf(reply()));
  });
  await ask.ask(executor, signal);
  return answers.map((answer) => answer());
}

const noAnswer = unknown('not-asked', 'QEMU has no safe command that tells it for this device');
const notAsked: QueueFacts = { size: noAnswer, ready: noAnswer };

/** A queue that the driver has not set up has no descriptor table (hw/virtio/virtio.c: virtio_queue_get_desc_addr()). */
function queueOf(answer: Fact<unknown>): QueueFacts {
  const value = checked(answer, asObject, 'x-query-virtio-queue-status');
  if (isUnknown(value)) return { size: value, ready: value };
  const table = member(value, 'vring-desc');
  return {
    size: asCount(member(value, 'vring-num'), 'x-query-virtio-queue-status: vring-num'),
    ready: typeof table === 'number' && table !== 0,
  };
}

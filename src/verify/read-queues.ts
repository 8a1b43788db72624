import { asCount, asObject, member } from '../host/qmp-value.ts';
import { unknown, type Fact } from '../model/fact.ts';
import { isRefusal, type Questions } from './answers.ts';
import { checkCount, maxVirtqueues } from './limits.ts';

export interface QueueFacts {
  readonly size: Fact<number>;
  readonly ready: Fact<boolean>;
}

export interface QueueQuestion {
  readonly virtioPath: string;
  readonly count: number;
  /** false: its virtqueues must not be asked for */
  readonly askable: boolean;
}

/** VIRTIO_QUEUE_MAX (include/hw/virtio/virtio.h). */
const maxQueues = 1024;

/** Asks for size and state of all virtqueues of all devices (x-query-virtio-queue-status). */
export function askQueues(ask: Questions, devices: readonly QueueQuestion[]): () => QueueFacts[][] {
  const counts = devices.map(({ count }) => Math.min(count, maxQueues));
  checkCount(
    counts.reduce((sum, count) => sum + count, 0),
    maxVirtqueues,
    'virtqueues',
  );
  const answers = devices.map(({ virtioPath, askable }, device) => {
    const indices = Array.from({ length: counts[device] ?? 0 }, (_, index) => index);
    if (!askable) return () => indices.map(() => notAsked);
    const replies = indices.map((queue) => ask.add('x-query-virtio-queue-status', { path: virtioPath, queue }));
    return () => replies.map((reply) => queueOf(reply()));
  });
  return () => answers.map((answer) => answer());
}

const noAnswer = unknown('not-asked', 'QEMU has no safe command that tells it for this device');
const notAsked: QueueFacts = { size: noAnswer, ready: noAnswer };

/** A queue that the driver has not set up has no descriptor table (hw/virtio/virtio.c: virtio_queue_get_desc_addr()). */
function queueOf(answer: Fact<unknown>): QueueFacts {
  if (isRefusal(answer)) return { size: answer, ready: answer };
  const value = asObject(answer, 'x-query-virtio-queue-status');
  const table = member(value, 'vring-desc');
  return {
    size: asCount(member(value, 'vring-num'), 'x-query-virtio-queue-status: vring-num'),
    ready: typeof table === 'number' && table !== 0,
  };
}

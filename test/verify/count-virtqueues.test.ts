import { expect, test } from 'vitest';
import { unknown, type Fact } from '../../src/model/fact.ts';
import type { ReadDevice } from '../../src/verify/assemble-device.ts';
import { countVirtqueues } from '../../src/verify/count-virtqueues.ts';
import type { Inventory } from '../../src/verify/inventory.ts';

const old = unknown('not-supported', 'x-query-virtio-status is only in QEMU 7.2 and newer');

interface Seen {
  readonly frontend?: string;
  readonly backend?: 'vhost-vdpa' | 'vhost-user';
  /** what x-query-virtio-status tells */
  readonly told?: Fact<number>;
  readonly notifiers?: readonly number[];
  readonly tableSize?: number;
  readonly properties?: Record<string, number | boolean>;
  /** clients of the netdev */
  readonly clients?: number;
}

function count({ frontend = 'virtio-net-pci', backend = 'vhost-vdpa', told = old, clients, ...more }: Seen) {
  const read = {
    device: { frontend, backend, netdev: frontend.startsWith('virtio-net') ? 'n' : null },
    status: { virtqueues: told },
    notifiers: (more.notifiers ?? []).map((index) => ({ index })),
    tableSize: more.tableSize ?? null,
    facts: { properties: more.properties ?? {} },
  } as unknown as ReadDevice;
  const netdevs = new Map(clients === undefined ? [] : [['n', { type: backend, queues: clients }]]);
  return countVirtqueues(read, { netdevs } as unknown as Inventory);
}

const all = (total: number): object => ({ total, seen: total });
const atLeast = (seen: number): object => ({
  total: expect.objectContaining({ unknown: expect.any(String) as string }) as object,
  seen,
});

test.each<[what: string, seen: Seen, expected: object]>([
  ['QEMU tells', { told: 17, notifiers: [0, 1] }, all(17)],
  ['more notifiers than QEMU tells of', { told: 2, notifiers: [0, 1, 2, 3] }, atLeast(4)],
  ['one pair', { clients: 1 }, all(3)],
  ['two clients and no mq: a pair and the control virtqueue', { clients: 2, properties: { mq: false } }, all(3)],
  ['two clients and mq: one pair or two', { clients: 2, properties: { mq: true }, notifiers: [0, 1] }, atLeast(2)],
  ['nine clients: eight pairs or nine', { clients: 9, properties: { mq: true }, notifiers: [0, 5] }, atLeast(6)],
  ['.. the last is mapped alone: that of the control virtqueue', { clients: 9, notifiers: [0, 1, 16] }, all(17)],
  ['.. a ninth pair is mapped', { clients: 9, notifiers: [16, 17] }, all(19)],
  ['a netdev that is not seen', { properties: { mq: true } }, atLeast(0)],
  ['vhost-user: a client is a pair', { backend: 'vhost-user', clients: 4, properties: { mq: true } }, all(9)],
  [
    'vhost-user-blk',
    { frontend: 'vhost-user-blk-pci', backend: 'vhost-user', properties: { 'num-queues': 4 }, notifiers: [0, 1] },
    all(4),
  ],
  ['vhost-user-fs', { frontend: 'vhost-user-fs-pci', backend: 'vhost-user', notifiers: [0, 1] }, atLeast(2)],
  ['a vhost-vdpa-device: all doorbells or none', { frontend: 'vhost-vdpa-device-pci', notifiers: [0, 1, 2] }, all(3)],
  ['its vectors', { frontend: 'vhost-vdpa-device-pci', tableSize: 64 }, all(3)],
  ['more vectors than virtqueues', { frontend: 'vhost-vdpa-device-pci', tableSize: 1024, notifiers: [0, 1] }, all(2)],
  ['without vectors', { frontend: 'vhost-vdpa-device-pci' }, atLeast(0)],
])('%s', (_, seen, expected) => {
  expect(count(seen)).toEqual(expected);
});

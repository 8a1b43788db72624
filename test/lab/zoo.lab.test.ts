/**
 * The doorbell zoo: layouts that no emulated function has, on simulated devices of the lab's kernel. What the kernel
 * answers for each, that QEMU's host notifiers work on one, and that probing never writes to a doorbell.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { zooLayouts, type SimDevice, type ZooLayout } from './devices.ts';
import { full } from './extent.ts';
import { images, missing } from './images.ts';
import { bootL1, type L1 } from './l1.ts';
import { bootL2, endL2, type L2 } from './l2.ts';
import { doorbells, hostNotifiers, mappedDoorbells, until, usedBuffers } from './witness.ts';
import { setZoo, zooState } from './zoo.ts';

const why = missing();
const mac = '52:54:00:0d:0b:00';
/** It sends frames, which a simulator gives back. */
const sending = { driver: 'want=100000020' } as const;
const devices: readonly SimDevice[] = [
  ...zooLayouts.map((zoo): SimDevice => ({ kind: 'sim-net', name: zoo, zoo, add: ['mac', mac] })),
  { kind: 'sim-blk', name: 'disk', zoo: 'page' },
];

describe.skipIf(why.length > 0)(`doorbell zoo in L1 ${why.join(', ')}`, () => {
  let l1: L1;
  let l2: L2 | undefined;
  beforeAll(async () => {
    l1 = await bootL1({ ...(await images()), devices });
  });
  afterEach(async () => {
    if (l2 !== undefined) await endL2(l1, l2);
    l2 = undefined;
  });
  afterAll(async () => {
    await l1.close();
  });

  const answers: Readonly<Record<ZooLayout, readonly number[]>> = {
    none: [524, 524, 524],
    page: [0, 0, 0],
    'page-data': [0, 0, 524],
    '2byte': [524, 22, 22],
    '4byte': [524, 22, 22],
    '4k': [0, 0, 0],
    shared: [0, 0, 524],
    registers: [0, 0, 0],
    'bar-end': [0, 0, 0],
    big: [524, 524, 524],
    mixed: [0, 22, 524],
  };
  test.each(Object.entries(answers))('the kernel answers for the doorbells of %s', async (name, errnos) => {
    const { pageSize, vqs } = await doorbells(l1, l1.devices.get(name)!);
    expect(pageSize).toBe(4096);
    expect(vqs.map(({ errno }) => errno)).toEqual(errnos);
  });

  test('a disk has one doorbell', async () => {
    expect(await doorbells(l1, l1.devices.get('disk')!)).toMatchObject({ deviceId: 2, vqs: [{ index: 0, errno: 0 }] });
  });

  test('a layout that does not exist is refused, and another can be set while the device is there', async () => {
    await expect(setZoo(l1, 'page', 'pages' as ZooLayout)).rejects.toThrow('EINVAL');
    await setZoo(l1, 'page', '2byte');
    expect((await doorbells(l1, l1.devices.get('page')!)).vqs[0]?.errno).toBe(524);
    await setZoo(l1, 'page', 'page');
    expect((await doorbells(l1, l1.devices.get('page')!)).vqs[0]?.errno).toBe(0);
  });

  test.each(['page', 'shared'])('QEMU on %s: host notifiers, and packets that move by stores alone', async (name) => {
    const device = l1.devices.get(name)!;
    l2 = await bootL2(l1, { device, mac, program: sending });
    const { socket, qemu } = l2;
    const container = '/machine/peripheral/net0/virtio-pci-notify-virtio-net[0]';
    expect(await hostNotifiers(l1, socket, 'net0')).toEqual([
      { vq: 0, size: 4096, addr: 0, container },
      { vq: 1, size: 4096, addr: 4096, container },
    ]);
    expect(await mappedDoorbells(l1, qemu.pid, device)).toEqual([0, 1]);
    for (const queue of [1, 0])
      await until(`buffer of virtqueue ${queue} used`, async () =>
        (await usedBuffers(l1, socket, 'net0', queue)) > 0 ? true : undefined,
      );
    expect((await zooState(l1, name)).stores).toBeGreaterThan(0);
  });

  test('one virtqueue that cannot be mapped: no host notifier at all, and packets move by kick calls', async () => {
    l2 = await bootL2(l1, { device: l1.devices.get('mixed')!, mac, program: sending });
    const { socket } = l2;
    expect(await hostNotifiers(l1, socket, 'net0')).toEqual([]);
    await until('packet sent', async () => ((await usedBuffers(l1, socket, 'net0', 1)) > 0 ? true : undefined));
    expect(await zooState(l1, 'mixed')).toMatchObject({ stores: 0, changed: 0 });
  });

  // each takes up to half a second where the machine is busy with something else; on arm64: arm64.lab.test.ts
  const batches: readonly (readonly [number, readonly ZooLayout[]])[] = full
    ? zooLayouts.map((name) => [1000, [name]] as const)
    : [
        [10, zooLayouts],
        [100, ['registers']],
      ];
  test.each(batches)('%i probes by the product write nothing: %s', { timeout: 1_800_000 }, async (count, names) => {
    for (const name of names) await setZoo(l1, name, name);
    const often = ['node', '/project/test/lab/l1/probe-often.mjs', String(count), ...names];
    expect(await l1.ok(often, { timeoutMs: 1_500_000 })).toBe(`${count * names.length}\n`);
    for (const name of names) expect(await zooState(l1, name)).toEqual({ layout: name, stores: 0, changed: 0 });
  });

  test('nor do 100 by the C program', { timeout: 300_000 }, async () => {
    await setZoo(l1, 'registers', 'registers');
    const loop = 'i=0; while [ $i -lt 100 ]; do doorbells "$0" >/dev/null || exit 1; i=$((i + 1)); done';
    await l1.ok(['sh', '-c', loop, l1.devices.get('registers')!], { timeoutMs: 200_000 });
    expect(await zooState(l1, 'registers')).toEqual({ layout: 'registers', stores: 0, changed: 0 });
  });

  test('a store that nobody serves is seen: the pattern is a witness that can fail', async () => {
    await l1.ok(['ring', l1.devices.get('registers')!, '1']);
    expect(await zooState(l1, 'registers')).toMatchObject({ stores: 0, changed: 2 });
    await setZoo(l1, 'registers', 'registers');
    expect(await zooState(l1, 'registers')).toMatchObject({ stores: 0, changed: 0 });
  });
});

/**
 * What QEMU really does with each device, seen by the lab's own witnesses with hand-written arguments. The product is
 * not asked: these are the facts that its verdicts are compared with.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { chosen, whatIsLeftOut } from './extent.ts';
import { images, missing } from './images.ts';
import { bootL1, type L1 } from './l1.ts';
import { bootL2, endL2, type L2, type L2Options } from './l2.ts';
import { hostNotifiers, mappedDoorbells, qmpReturn, until } from './witness.ts';

const why = missing();
const here = 'l2.lab.test.ts';

describe.skipIf(why.length > 0)(`L2 ${why.join(', ')}`, () => {
  let l1: L1;
  let l2: L2 | undefined;
  beforeAll(async () => {
    l1 = await bootL1(await images());
  });
  afterEach(async () => {
    if (l2 !== undefined) await endL2(l1, l2);
    l2 = undefined;
  });
  afterAll(async () => {
    console.log(whatIsLeftOut());
    await l1.close();
  });

  async function boot(name: string, options: Partial<L2Options> = {}): Promise<L2> {
    const mac = `52:54:00:0d:0a:${{ vp0: '00', vp1: '01', sim0: '02' }[name] ?? '0f'}`;
    l2 = await bootL2(l1, { device: l1.devices.get(name)!, mac, program: 'ipxe', ...options });
    return l2;
  }

  /** A case that the usual run leaves out. */
  function onlyFull(name: string, body: () => Promise<void>): void {
    for (const one of chosen(here, [body], () => false)) test(name, one);
  }

  test('a page per virtqueue: both doorbells are mapped, and the guest gets an answer through them', async () => {
    await l1.ok(['dmesg', '--clear']);
    const { socket, qemu } = await boot('vp0');
    const container = '/machine/peripheral/net0/virtio-pci-notify-virtio-net[0]';
    expect(await hostNotifiers(l1, socket, 'net0')).toEqual([
      { vq: 0, size: 4096, addr: 0, container },
      { vq: 1, size: 4096, addr: 4096, container },
    ]);
    expect(await mappedDoorbells(l1, qemu.pid, '/dev/vhost-vdpa-0')).toEqual([0, 1]);
    await until('packet received', async () => ((await usedBuffers(socket, 0)) > 0 ? true : undefined));
    expect(await l1.ok(['dmesg'])).not.toContain('DMAR: [DMA');
  });

  const without: readonly (readonly [string, Partial<L2Options>])[] = [
    ['vp0', { pagePerVq: false }],
    ['vp1', { pagePerVq: true }],
    ['sim0', { pagePerVq: true }],
  ];
  test.each(chosen(here, without, ([name]) => name === 'vp1'))(
    '%s with %o: the driver is up, with no notifier and no word of it',
    async (name, options) => {
      const { socket, qemu } = await boot(name, options);
      expect(await hostNotifiers(l1, socket, 'net0')).toEqual([]);
      expect(await mappedDoorbells(l1, qemu.pid, l1.devices.get(name)!)).toEqual([]);
      await until('packet sent', async () => ((await usedBuffers(socket, 1)) > 0 ? true : undefined));
      expect(await l1.readFile(qemu.log)).toBe('');
    },
  );

  onlyFull('iommu_platform=on changes what the guest negotiates and nothing about notifiers', async () => {
    const { socket } = await boot('vp0', { nic: 'iommu_platform=on' });
    expect(await hostNotifiers(l1, socket, 'net0')).toHaveLength(2);
    const path = '/machine/peripheral/net0/virtio-backend';
    const status = await qmpReturn(l1, socket, { execute: 'x-query-virtio-status', arguments: { path } });
    const { transports } = (status as { 'guest-features': { transports: string[] } })['guest-features'];
    expect(transports.map((line) => line.split(':')[0])).toContain('VIRTIO_F_IOMMU_PLATFORM');
  });

  test('memory that is not shared: the driver is up on a simulated device, but nothing moves', async () => {
    await l1.ok(['dmesg', '--clear']);
    const { socket } = await boot('sim0', { sharedMemory: false });
    await until('complaint of vringh', async () =>
      (await l1.ok(['dmesg'])).includes('Failed to access avail idx') ? true : undefined,
    );
    expect(await usedBuffers(socket, 1)).toBe(0);
  });

  test('too little lockable memory: driver up, notifiers active, and no DMA; QEMU only prints it', async () => {
    await l1.ok(['dmesg', '--clear']);
    const { socket, qemu } = await boot('vp0', { memlock: String(8 << 20) });
    expect(await hostNotifiers(l1, socket, 'net0')).toHaveLength(2);
    expect(await l1.readFile(qemu.log)).toContain('vhost vdpa map fail!');
    await until('fault of the IOMMU', async () => ((await l1.ok(['dmesg'])).includes('DMAR: [DMA') ? true : undefined));
    expect(await usedBuffers(socket, 1)).toBe(0);
  });

  onlyFull('the MAC that QEMU is given is written into a simulated device and stays there', async () => {
    await boot('sim0', { mac: '52:54:00:12:34:56' });
    const config = JSON.parse(await l1.ok(['vdpa', '-j', 'dev', 'config', 'show'])) as {
      config: Record<string, { mac?: string }>;
    };
    expect(config.config['sim0']?.mac).toBe('52:54:00:12:34:56');
  });

  /** How many buffers of a virtqueue the device has given back: `used->idx` as it is in guest memory. */
  async function usedBuffers(socket: string, queue: number): Promise<number> {
    const path = '/machine/peripheral/net0/virtio-backend';
    const query = { execute: 'x-query-virtio-vhost-queue-status', arguments: { path, queue } };
    const { 'used-phys': used } = (await qmpReturn(l1, socket, query)) as { 'used-phys': number };
    const read = { execute: 'human-monitor-command', arguments: { 'command-line': `xp /1hx ${used + 2}` } };
    return parseInt(String(await qmpReturn(l1, socket, read)).split(':')[1] ?? '', 16);
  }
});

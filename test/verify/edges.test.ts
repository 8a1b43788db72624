import { describe, expect, test } from 'vitest';
import type { HostReport } from '../../src/model/generated/host-report.ts';
import type { ObservedDevice } from '../../src/model/generated/observation.ts';
import { explainingReport } from '../../src/verify/explaining-report.ts';
import { parseExamine } from '../../src/verify/monitor-text.ts';
import { observeVm } from '../../src/verify/observe.ts';
import { functionOf } from '../../src/verify/pci-bar.ts';
import { parseStatus, statusBits } from '../../src/verify/virtio-status.ts';
import { verifyVm } from '../../src/verify/verify.ts';
import { Replay } from './replay.ts';

const off = 'qemu-10.0-vp0-page-per-vq-off';
const on = 'qemu-10.0-vp0-page-per-vq-on';
const view = {
  pid: 7,
  pageSize: 4096,
  arguments: ['-netdev', 'vhost-vdpa,id=vdpa0,vhostdev=/dev/vhost-vdpa-0'],
  files: new Map([8, 9].map((fd) => [fd, `/dev/vhost-vdpa-${fd - 8}`])),
  mappings: [],
};
const no = { unknown: 'not-asked', detail: 'no' };

describe('a report made while the device is in use', () => {
  function report(more: Record<string, unknown>): HostReport {
    const identity = { virtioId: no, features: no, backendFeatures: no, addressSpaceCount: no, config: no };
    const device = {
      name: 'd',
      charDevice: { path: '/dev/vhost-vdpa-0' },
      identity,
      virtqueues: no,
      parent: null,
      managementDevice: null,
      pci: null,
    };
    return {
      host: { name: 'h', pageSize: 4096, kernelRelease: '6.12.107', architecture: 'x86_64' },
      devices: [{ ...device, ...more }],
    } as unknown as HostReport;
  }

  const pci = (multiplier: number) => ({
    capabilities: {
      virtio: [{ type: 'notify', bar: 4, offset: 12288, length: 4096, notifyOffMultiplier: multiplier }],
      msix: null,
    },
    bars: [{ index: 4, kind: 'memory64', size: 16384, start: 4096 }],
  });

  test.each([
    ['a simulator', { managementDevice: 'vdpasim_net' }, /no notification area/],
    ['4-byte doorbells', { pci: pci(4) }, /4 bytes/],
    ['nothing known', {}, /not known/],
    ['PCI not known', { pci: no }, /not known/],
    ['one page for all', { pci: pci(0) }, /not known/],
  ])('%s', async (_, more, words) => {
    const observation = await observeVm(new Replay('qemu-10.0-sim0-page-per-vq-on'), { process: view });
    const [device] = verifyVm(observation, { report: report(more) }).devices;
    expect(device?.virtqueues[0]?.reasons[0]?.message).toMatch(words);
  });

  test('the control virtqueue of a simulator has no doorbell either', async () => {
    const observation = await observeVm(new Replay(on), { process: view });
    const devices = observation.devices.map((one) => ({
      ...one,
      guestFeatures: ['VIRTIO_NET_F_CTRL_VQ', 'VIRTIO_F_VERSION_1'],
    }));
    const [device] = verifyVm(
      { ...observation, process: null, devices },
      { report: report({ managementDevice: 'vdpasim_net' }) },
    ).devices;
    expect(device?.virtqueues[2]?.reasons[0]?.code).toBe('verify.kernel-refuses');
  });

  test('it is made only where it can help', async () => {
    const observation = await observeVm(new Replay(off));
    expect(await explainingReport(observation)).toBeUndefined();
    const seen = await observeVm(new Replay(off), { process: view });
    expect(await explainingReport({ ...seen, devices: [] })).toBeUndefined();
    expect(await explainingReport(seen)).toMatchObject({ kind: 'HostReport' });
  });
});

describe('doorbells that must not be mapped', () => {
  test.each<[what: string, verdict: string, more: Partial<ObservedDevice>]>([
    ['active', 'active', {}],
    ['legacy driver: the guest may use it whenever it likes', 'inactive', { guestFeatures: [] }],
    ['a BAR that is not placed now', 'inactive', { pci: { vendor: 0x1af4, device: 0x1041, modernBar: null } }],
    ['a BAR of which nothing is known', 'unknown', { pci: no }],
  ])('one that the report calls unsafe blocks: %s', async (_, verdict, more) => {
    const seen = await observeVm(new Replay(on), {
      process: { ...view, mappings: [0, 1].map((index) => ({ device: '/dev/vhost-vdpa-0', offset: index * 4096 })) },
    });
    const observation = { ...seen, devices: seen.devices.map((device) => ({ ...device, ...more })) };
    const identity = { virtioId: 1, features: no, backendFeatures: no, addressSpaceCount: no, config: no };
    const unsafe = {
      host: { name: 'h', pageSize: 4096, kernelRelease: '6.12.107', architecture: 'x86_64' },
      devices: [
        {
          ...{ name: 'd', charDevice: { path: '/dev/vhost-vdpa-0' }, identity, managementDevice: null, pci: null },
          parent: { name: 'p', driver: 'octep_vdpa' },
          virtqueues: [0, 1, 2].map((index) => ({ index, group: 0, doorbell: 'mapped' })),
        },
      ],
    } as unknown as HostReport;
    const { findings, devices } = verifyVm(observation, { report: unsafe });
    expect(devices[0]?.verdict).toBe(verdict);
    expect(findings.map(({ code, path }) => `${code} ${path}`)).toEqual([
      'verify.unsafe-doorbell /devices/0/virtqueues/0',
      'verify.unsafe-doorbell /devices/0/virtqueues/1',
    ]);
  });
});

describe('odd answers', () => {
  const status = { status: { statuses: [] }, 'guest-features': {}, 'host-features': {}, 'num-vqs': 3 };
  test('a status without words', () => {
    expect(parseStatus(status)).toMatchObject({ status: [], guestFeatures: [], virtqueues: 3, vhostStarted: false });
    expect(statusBits(0xff)).toHaveLength(6);
    expect(parseExamine('')).toBeUndefined();
  });

  test('where a BAR is', () => {
    const path = '/machine/peripheral/a';
    const device = (regions: unknown) => [
      {
        devices: [
          { qdev_id: 'x', pci_bridge: {} },
          { qdev_id: 'a', id: { vendor: 0x1af4, device: 0x1041 }, regions },
        ],
      },
    ];
    const bar = (pci: unknown, place = path) => functionOf(pci, { path: place });
    const at = { vendor: 0x1af4, device: 0x1041 };
    expect(bar(device([{ bar: 1 }, { bar: 4, address: 4096 }]))).toEqual({ ...at, modernBar: 4096 });
    expect(bar(device([{ bar: 4, address: -1 }]))).toEqual({ ...at, modernBar: null });
    expect(bar(device([]))).toEqual({ ...at, modernBar: null });
    expect(bar([])).toMatchObject({ unknown: 'not-present' });
    expect(bar([], '/machine/peripheral-anon/device[0]')).toMatchObject({ unknown: 'not-present' });
  });

  test('a function without an id is found by its place', () => {
    const path = '/machine/peripheral-anon/device[0]';
    const one = (more: object) => ({
      id: { vendor: 0x1af4, device: 0x1000 },
      function: 0,
      qdev_id: '',
      regions: [],
      ...more,
    });
    const pci = [
      {
        devices: [
          one({ slot: 3, id: { vendor: 1, device: 3 } }),
          one({ slot: 2, qdev_id: 'port0', pci_bridge: { devices: [one({ slot: 0 })] } }),
        ],
      },
    ];
    expect(functionOf(pci, { path, parentBus: '/machine/peripheral/port0/port0', addr: 0 })).toMatchObject({
      device: 0x1000,
    });
    expect(functionOf(pci, { path, parentBus: '/machine/q35/pcihost/pcie.0', addr: 24 })).toMatchObject({ device: 3 });
    expect(functionOf(pci, { path, parentBus: '/machine/q35/pcihost/pcie.0', addr: 32 })).toMatchObject({
      unknown: 'not-present',
    });
  });

  test('virtqueues that QEMU does not tell of', async () => {
    const path = '/machine/peripheral/net0/virtio-backend';
    const replay = new Replay(off).refuse('x-query-virtio-queue-status', { path, queue: 0 });
    const [device] = (await observeVm(replay)).devices as [ObservedDevice];
    const refused = { unknown: 'refused' };
    expect(Array.isArray(device.virtqueues) && device.virtqueues[0]).toMatchObject({ size: refused, ready: refused });
    const many = new Replay(off).without('x-query-virtio-status');
    many.answer('qom-get', { path: '/machine/peripheral/net0', property: 'mq' }, true);
    const unknown = await observeVm(many);
    expect(unknown.devices[0]?.virtqueues).toMatchObject({ unknown: 'not-supported' });
    const unaskable = await observeVm(new Replay(off).without('x-query-virtio-queue-status'));
    expect(unaskable.devices[0]?.virtqueues).toMatchObject([{ size: { unknown: 'not-asked' } }, {}, {}]);
    const commandless = await observeVm(new Replay(off).without('query-commands'));
    expect(commandless.devices).toHaveLength(1);
  });

  test('a NIC without a netdev, and a front end without a type', async () => {
    const path = '/machine/peripheral/net0';
    expect((await observeVm(new Replay(off).answer('qom-get', { path, property: 'netdev' }, ''))).devices).toEqual([]);
    expect((await observeVm(new Replay(off).refuse('qom-get', { path, property: 'type' }))).devices).toEqual([]);
    expect(
      (await observeVm(new Replay(off).answer('qom-get', { path, property: 'type' }, 'virtio-rng-pci'))).devices,
    ).toEqual([]);
    const user = new Replay(off).answer(
      'human-monitor-command',
      { 'command-line': 'info network' },
      'vdpa0: index=0,type=vhost-user,x\r\n',
    );
    expect((await observeVm(user)).devices[0]).toMatchObject({
      backend: 'vhost-user',
      charDevice: { unknown: 'not-present' },
      shadowVirtqueues: false,
    });
  });
});

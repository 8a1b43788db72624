import { describe, expect, test } from 'vitest';
import type { ProcessView } from '../../src/host/proc-maps.ts';
import type { QmpExecutor } from '../../src/host/qmp-client.ts';
import validate from '../../src/model/generated/observation.validate.js';
import validateVerification from '../../src/model/generated/verification.validate.js';
import { Questions } from '../../src/verify/answers.ts';
import { askQueues } from '../../src/verify/read-queues.ts';
import { observeVm, type ObserveOptions } from '../../src/verify/observe.ts';
import { observeUntilReady } from '../../src/verify/observe-until-ready.ts';
import { verifyVm } from '../../src/verify/verify.ts';
import { Replay, transcripts } from './replay.ts';

const on = 'qemu-10.0-vp0-page-per-vq-on';
const backend = '/machine/peripheral/net0/virtio-backend';

const view: ProcessView = {
  pid: 7,
  pageSize: 4096,
  arguments: ['qemu', '-netdev', 'vhost-vdpa,id=vdpa0,vhostdev=/dev/vhost-vdpa-0'],
  files: new Map([[8, '/dev/vhost-vdpa-0']]),
  mappings: [0, 1].map((index) => ({ device: '/dev/vhost-vdpa-0', offset: index * 4096 })),
};

async function observe(replay: Replay, options: ObserveOptions = {}) {
  const observation = await observeVm(replay, options);
  expect(validate(observation), JSON.stringify(validate.errors)).toBe(true);
  return observation;
}

const verdictOf = async (replay: Replay, options?: ObserveOptions) => {
  const [device] = verifyVm(await observe(replay, options)).devices;
  return device && [device.verdict, ...new Set(device.virtqueues.slice(0, 2).map(({ reasons }) => reasons[0]?.code))];
};

describe('transcripts of real VMs', () => {
  const used: string[] = [];
  test.each([
    [on, ['active', 'verify.active']],
    ['qemu-10.0-8-queue-pairs', ['active', 'verify.active']],
    ['qemu-10.0-64-queue-pairs', ['active', 'verify.active']],
    ['qemu-10.0-vp0-page-per-vq-off', ['inactive', 'verify.page-per-vq-off']],
    ['qemu-10.0-vp1-page-per-vq-on', ['inactive', 'verify.reason-unknown']],
    ['qemu-10.0-sim0-page-per-vq-on', ['inactive', 'verify.reason-unknown']],
    ['qemu-10.0-destination-waiting', ['not-yet', 'verify.vm-stopped']],
    ['qemu-10.0-before-driver-ok', ['not-yet', 'verify.driver-not-up']],
    ['qemu-10.0-sim0-x-svq-on', ['inactive', 'verify.reason-unknown']],
    ['qemu-10.0-before-the-vm-runs', ['not-yet', 'verify.vm-stopped']],
  ])('%s', async (name, expected) => {
    used.push(name);
    const replay = new Replay(name);
    expect(await verdictOf(replay, { memoryMap: true })).toEqual(expected);
    expect(replay.roundTrips).toBe(4);
  });

  test('nothing is asked that the transcript of the benchmark does not have', async () => {
    const replay = new Replay('qemu-10.0-64-queue-pairs');
    await observe(replay);
    expect(replay.missing).toEqual([]);
  });

  test('every transcript is used here', () => {
    expect(transcripts().filter((name) => !used.includes(name))).toEqual([]);
  });

  test('what is seen of a device', async () => {
    const { devices, machine, runState, memoryMap } = await observe(new Replay(on), { memoryMap: true, process: view });
    expect({ machine, runState }).toEqual({ machine: 'pc-q35-10.0', runState: 'running' });
    expect(memoryMap?.map(({ virtqueue }) => virtqueue)).toEqual([0, 1]);
    expect(devices).toHaveLength(1);
    expect(devices[0]).toMatchObject({
      id: 'net0',
      frontend: 'virtio-net-pci',
      backend: 'vhost-vdpa',
      attachment: 'netdev',
      deviceClass: 'net',
      netdev: 'vdpa0',
      netdevQueues: 2,
      charDevice: '/dev/vhost-vdpa-0',
      pagePerVq: true,
      disableModern: false,
      status: ['ACKNOWLEDGE', 'DRIVER', 'FEATURES_OK', 'DRIVER_OK'],
      guestFeatures: expect.arrayContaining(['VIRTIO_F_VERSION_1', 'VIRTIO_NET_F_MAC']) as unknown,
      vhostStarted: true,
      shadowVirtqueues: false,
    });
    const { virtqueues } = devices[0]!;
    expect(
      Array.isArray(virtqueues) &&
        virtqueues.map(({ role, ready, hostNotifier }) => [role, ready, hostNotifier?.address]),
    ).toEqual([
      ['rx0', true, 0],
      ['tx0', true, 4096],
      ['control', false, undefined],
    ]);
  });
});

describe('what only the process tells', () => {
  test('x-svq', async () => {
    const process = {
      ...view,
      mappings: [],
      arguments: [...(view.arguments as string[]), '-netdev', 'x'].map((word) => word.replace('-0', '-0,x-svq=on')),
    };
    expect(await verdictOf(new Replay('qemu-10.0-sim0-x-svq-on'), { process })).toEqual([
      'inactive',
      'verify.shadow-virtqueues',
    ]);
  });

  test('the device, where it is the only one', async () => {
    const unread = { unknown: 'EACCES', detail: 'no' };
    const charDevice = async (more: Partial<ProcessView>) =>
      (await observe(new Replay(on), { process: { ...view, ...more } })).devices[0]?.charDevice;
    expect(await charDevice({ arguments: [] })).toBe('/dev/vhost-vdpa-0');
    expect(await charDevice({ arguments: unread, files: unread })).toEqual(unread);
    expect(await charDevice({ arguments: [], files: new Map() })).toMatchObject({ unknown: 'not-present' });
  });
});

describe('a monitor that does not tell everything', () => {
  test('QEMU before 7.2', async () => {
    const observation = await observe(
      new Replay(on).without('x-query-virtio', 'x-query-virtio-status', 'x-query-virtio-queue-status'),
    );
    expect(observation.notes.map(({ code }) => code)).toEqual(['observe.qemu-too-old']);
    expect(observation.devices[0]).toMatchObject({ status: { unknown: 'not-supported' }, deviceClass: 'net' });
    const [device] = verifyVm(observation).devices;
    expect(device?.virtqueues.map(({ verdict }) => verdict)).toEqual(['active', 'active', 'inactive']);
    expect(device).toMatchObject({ verdict: 'active', virtqueues: [{}, {}, { role: 'control' }] });
  });

  test('QEMU before 7.2 does not tell whether there are virtqueues beyond those with a host notifier', async () => {
    const old = new Replay('qemu-10.0-8-queue-pairs').without(
      ...['x-query-virtio', 'x-query-virtio-status', 'x-query-virtio-queue-status'],
    );
    const path = backend;
    const children = old.answerTo('qom-list', { path }) as { name: string }[];
    // the control virtqueue has a page of its own there, which tells how many there are: without it
    old.answer(
      'qom-list',
      { path },
      children.filter(({ name }) => !name.includes('mmaps\\x5b16')),
    );
    const seen = await observe(old);
    expect(seen.devices[0]).toMatchObject({ netdevQueues: 9, virtqueueCount: { unknown: 'not-supported' } });
    const { devices, findings } = verifyVm(seen, { require: 'all' });
    expect(devices[0]?.virtqueues.map(({ verdict, role }) => `${role} ${verdict}`)).toEqual(
      Array.from({ length: 16 }, (_, index) => `${index % 2 === 0 ? 'rx' : 'tx'}${index >> 1} active`),
    );
    expect(devices[0]).toMatchObject({
      verdict: 'unknown',
      summary: expect.stringMatching(
        /^16 virtqueues have an active host notifier, and whether there are more/,
      ) as string,
    });
    expect(findings.map(({ code }) => code)).toContain('verify.required-not-active');
  });

  test('virtio-mmio: the front end is the virtio device itself', async () => {
    const front = '/machine/peripheral/net0';
    const replay = new Replay(on);
    const status = replay.answerTo('x-query-virtio-status', { path: backend });
    const type = 'virtio-net-device';
    replay
      .answer('qom-list', { path: '/machine/peripheral' }, [{ name: 'net0', type: `child<${type}>` }])
      .answer('x-query-virtio', undefined, [{ name: 'virtio-net', path: front }])
      .answer('qom-get', { path: front, property: 'type' }, type)
      .answer('qom-list', { path: front }, [])
      .answer('x-query-virtio-status', { path: front }, status)
      .refuse('qom-list', { path: backend })
      .refuse('x-query-virtio-status', { path: backend });
    expect(await verdictOf(replay)).toEqual(['inactive', 'verify.not-pci']);
  });

  test('no human monitor: host notifiers prove a vDPA netdev, and so does the command line', async () => {
    const off = 'qemu-10.0-vp0-page-per-vq-off';
    expect(await verdictOf(new Replay(on).without('human-monitor-command'))).toEqual(['active', 'verify.active']);
    const blind = await observe(new Replay(off).without('human-monitor-command'));
    expect([blind.devices.length, blind.notes[0]?.code]).toEqual([0, 'observe.netdev-type-unknown']);
    const replay = new Replay(off).without('human-monitor-command');
    expect(await verdictOf(replay, { process: { ...view, mappings: [] } })).toEqual([
      'inactive',
      'verify.page-per-vq-off',
    ]);
  });

  test('nothing but its version', async () => {
    const replay = new Replay([
      { execute: 'query-version', return: { qemu: { major: 5, minor: 2, micro: 0 }, package: '' } },
    ]);
    expect(await observe(replay)).toMatchObject({
      runState: 'unknown',
      devices: [],
      machine: { unknown: 'not-supported' },
    });
  });

  test('odd answers are protocol errors, or unknown', async () => {
    const broken = new Replay(on).answer('qom-list', { path: '/machine/peripheral' }, 5);
    await expect(observeVm(broken)).rejects.toMatchObject({ kind: 'protocol' });
    const network = { 'command-line': 'info network' };
    const silent = await observe(
      new Replay('qemu-10.0-vp0-page-per-vq-off').answer('human-monitor-command', network, 5),
    );
    expect(silent.notes[0]?.code).toBe('observe.netdev-type-unknown');
  });

  test('a device that stops between two questions is looked at again, three times', async () => {
    const replay = new Replay(on);
    const list = replay.asked;
    await observeVm(replay);
    const child = list
      .flatMap(({ arguments: args }) => Object.values(args ?? {}).filter((value) => typeof value === 'string'))
      .find((path) => path.includes('host-notifier'))!;
    const torn = new Replay(on).refuse('qom-get', { path: child, property: 'size' });
    const observation = await observe(torn);
    expect([torn.roundTrips, observation.notes[0]?.code]).toEqual([12, 'observe.changing']);
  });

  const stateIn = (status: string) => ({ running: status === 'running', status });
  test.each([
    ['query-status', stateIn('running'), stateIn('paused'), 'paused', undefined],
    ['query-migrate', {}, { status: 'active' }, 'running', 'active'],
  ])('a VM whose %s changes meanwhile is looked at again', async (name, before, after, runState, status) => {
    const replay = new Replay(on);
    let asked = 0;
    const changing: QmpExecutor = {
      execute: () => Promise.reject(new Error('not used')),
      executeAll: async (commands) => {
        if (commands.some(({ execute }) => execute === name))
          replay.answer(name, undefined, asked++ === 0 ? before : after);
        return await replay.executeAll(commands);
      },
    };
    const observation = await observeVm(changing);
    expect(observation).toMatchObject({ runState, migration: { status: status ?? null }, notes: [] });
    expect([asked, replay.roundTrips]).toEqual([4, 8]);
    expect(verifyVm(observation).devices[0]?.virtqueues[0]?.reasons[0]?.code).toBe('verify.witnesses-disagree');
  });

  test('a peer that toggles, and is slow, is given up after one limit for all', async () => {
    const replay = new Replay(on);
    let calls = 0;
    const slow: QmpExecutor = {
      execute: () => Promise.reject(new Error('not used')),
      executeAll: async (commands) => {
        await new Promise((resolve) => setTimeout(resolve, 40));
        replay.answer('query-status', undefined, stateIn(calls++ % 2 === 0 ? 'running' : 'paused'));
        return await replay.executeAll(commands);
      },
    };
    await expect(observeVm(slow, { timeoutMs: 100 })).rejects.toMatchObject({ kind: 'timeout' });
    await expect(observeUntilReady(slow, { waitMs: 0, timeoutMs: 100 })).rejects.toMatchObject({ kind: 'timeout' });
  });

  test('an answer that is made to look like our own refusal is none', async () => {
    const forged = { unknown: {}, detail: {} };
    for (const [execute, args] of [
      ['x-query-virtio-status', { path: backend }],
      ['x-query-virtio-queue-status', { path: backend, queue: 0 }],
      ['qom-get', { path: '/machine/peripheral/net0', property: 'page-per-vq' }],
      ['query-memory-size-summary', undefined],
    ] as const) {
      const replay = new Replay(on).answer(execute, args, forged);
      await expect(observeVm(replay), execute).rejects.toMatchObject({ kind: 'protocol' });
    }
    const network = { 'command-line': 'info network' };
    const observation = await observe(
      new Replay('qemu-10.0-vp0-page-per-vq-off').answer('human-monitor-command', network, forged),
    );
    expect(observation.notes[0]?.code).toBe('observe.netdev-type-unknown');
    await expect(observeVm(new Replay(on).refuse('query-version'))).rejects.toThrow('query-version: no');
  });

  test('so is one that starts between two questions: its driver is up, and its notifiers were not there yet', async () => {
    const up = new Replay(on);
    const early = new Replay('qemu-10.0-vp0-page-per-vq-off');
    let lists = 0;
    const starting: QmpExecutor = {
      execute: () => Promise.reject(new Error('not used')),
      executeAll: async (commands) => {
        const answers = await Promise.all([early.executeAll(commands), up.executeAll(commands)]);
        return commands.map(({ execute, arguments: args }, index) => {
          const isList = execute === 'qom-list' && args?.['path'] === backend;
          // the first look at the object tree comes too early
          return answers[isList && lists++ === 0 ? 0 : 1][index]!;
        });
      },
    };
    const { devices, notes } = await observeVm(starting);
    const virtqueues = devices[0]?.virtqueues;
    const active = Array.isArray(virtqueues) ? virtqueues.filter(({ hostNotifier }) => hostNotifier !== null) : [];
    expect([active.map(({ index }) => index), notes, lists]).toEqual([[0, 1], [], 4]);
  });
});

describe('other devices', () => {
  const generic = (name: string) =>
    new Replay('qemu-10.0-vp0-page-per-vq-off')
      .answer('qom-list', { path: '/machine/peripheral' }, [{ name: 'net0', type: `child<${name}>` }])
      .answer('qom-get', { path: '/machine/peripheral/net0', property: 'type' }, name)
      .answer('qom-get', { path: '/machine/peripheral/net0', property: 'vhostdev' }, '/dev/vhost-vdpa-5')
      .answer('qom-get', { path: '/machine/peripheral/net0/msix-table[0]', property: 'size' }, 32);

  test('a vhost-vdpa-device is never asked for what would kill QEMU; its status register is read', async () => {
    const replay = generic('vhost-vdpa-device-pci').answer('x-query-virtio', undefined, [
      { name: 'virtio-blk', path: backend },
    ]);
    const [unknown] = (await observe(replay)).devices;
    expect(replay.asked.map(({ execute }) => execute).filter((name) => name.startsWith('x-query-virtio-'))).toEqual([]);
    expect(unknown).toMatchObject({ attachment: 'device', charDevice: '/dev/vhost-vdpa-5', shadowVirtqueues: false });
    const examine = replay.asked
      .flatMap(({ arguments: args }) => Object.values(args ?? {}).filter((value) => typeof value === 'string'))
      .find((line) => line.startsWith('xp'));
    expect(examine).toMatch(/^xp \/1bx 0x[0-9a-f]+14$/);
    const [device] = (
      await observe(replay.answer('human-monitor-command', { 'command-line': examine }, '00fe: 0x0f\r\n'))
    ).devices;
    expect(device).toMatchObject({
      deviceClass: 'block',
      status: ['ACKNOWLEDGE', 'DRIVER', 'DRIVER_OK', 'FEATURES_OK'],
      virtqueues: [{ role: 'request0', hostNotifier: null, size: { unknown: 'not-asked' } }],
    });
  });

  test('without query-pci, and without x-query-virtio, little is known of it', async () => {
    const [device] = (await observe(generic('vhost-vdpa-device-pci').without('query-pci', 'x-query-virtio'))).devices;
    expect(device).toMatchObject({ deviceClass: { unknown: 'not-supported' }, status: { unknown: 'not-asked' } });
  });

  test('a vhost-user device counts where it has host notifiers', async () => {
    expect((await observe(generic('vhost-user-blk-pci'))).devices).toEqual([]);
    const replay = generic('vhost-user-blk-pci').answer('qom-list', { path: backend }, [
      { name: 'vhost-user\\x2fhost-notifier@0x1 mmaps\\x5b0\\x5d[0]', type: 'child<memory-region>' },
    ]);
    expect((await observe(replay)).devices[0]).toMatchObject({ backend: 'vhost-user', attachment: 'device' });
  });

  test('a disk over the host block driver', async () => {
    const path = '/machine/peripheral/net0';
    const replay = generic('virtio-blk-pci').answer('qom-get', { path, property: 'drive' }, 'disk-1');
    expect((await observe(replay)).devices).toEqual([]);
    replay.answer('query-named-block-nodes', { flat: true }, [
      { 'node-name': 'disk-1', drv: 'virtio-blk-vhost-vdpa' },
      { drv: 'file' },
    ]);
    expect((await observe(replay)).devices[0]).toMatchObject({ attachment: 'blockdev' });
  });

  test('a NIC of another kind, and fd sets', async () => {
    const network = { 'command-line': 'info network' };
    const replay = new Replay('qemu-10.0-vp0-page-per-vq-off').answer(
      'human-monitor-command',
      network,
      'vdpa0: index=0,type=tap,x\r\n',
    );
    replay.answer('query-fdsets', undefined, [{ 'fdset-id': 0, fds: [{ fd: 8 }] }]);
    expect((await observe(replay)).devices).toEqual([]);
    const other = { ...view, arguments: ['-netdev', 'vhost-vdpa,id=vdpa0,vhostdev=/dev/fdset/0'] };
    expect((await observe(replay, { process: other })).devices[0]?.charDevice).toBe('/dev/vhost-vdpa-0');
  });

  test('QEMU 7: x-svq shows in what vhost offers', async () => {
    const replay = new Replay(on).answer('query-version', undefined, {
      qemu: { major: 7, minor: 2, micro: 22 },
      package: '',
    });
    expect((await observe(replay)).devices[0]?.shadowVirtqueues).toBe(true);
  });
});

describe('waiting', () => {
  test('until time is over, and no longer than needed', async () => {
    const up = new Replay(on);
    await observeUntilReady(up, { waitMs: 10_000 });
    expect(up.roundTrips).toBe(4);
    const down = new Replay('qemu-10.0-before-the-vm-runs');
    await observeUntilReady(down, { waitMs: 60, intervalMs: 20 });
    expect(down.roundTrips).toBeGreaterThan(8);
    const elsewhere = { ...view, mappings: [] };
    const differing = new Replay(on);
    await observeUntilReady(differing, { waitMs: 0, process: () => Promise.resolve(elsewhere) });
    expect(differing.roundTrips).toBe(16);
    const blind = new Replay(on);
    const unread = { unknown: 'EACCES', detail: 'no' };
    await observeUntilReady(blind, { waitMs: 0, process: () => Promise.resolve({ ...view, mappings: unread }) });
    expect(blind.roundTrips).toBe(4);
    const signal = AbortSignal.timeout(20);
    await expect(observeUntilReady(down, { waitMs: 10_000, signal })).rejects.toThrow(/abort/i);
  });
});

describe('a peer that claims too much', () => {
  const children = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ name: `n${index}`, type: 'child<virtio-net-pci>' }));
  const status = new Replay(on);
  const many = (...indices: number[]) =>
    indices.map((index) => ({ name: `vhost-vdpa\\x2fhost-notifier@0x${index} mmaps\\x5b0\\x5d[0]`, type: 'x' }));

  test.each([
    ['virtio devices', status.answer('qom-list', { path: '/machine/peripheral' }, children(1025))],
    ['host notifiers', new Replay(on).answer('qom-list', { path: backend }, many(...Array(8193).keys()))],
    [
      'entries in one list',
      new Replay(on).answer('query-migrate', undefined, { 'blocked-reasons': Array(65_537).fill('x') }),
    ],
  ])('%s', async (what, replay) => {
    await expect(observeVm(replay)).rejects.toMatchObject({
      kind: 'too-large',
      message: expect.stringContaining(what) as string,
    });
  });

  test('virtqueues', () => {
    const devices = Array.from({ length: 9 }, (_, index) => ({ virtioPath: `p${index}`, count: 5000, askable: true }));
    expect(() => askQueues(new Questions(), devices)).toThrow('9216 virtqueues');
  });

  test('texts are cut to what the schema takes', async () => {
    const long = 'x'.repeat(100_000);
    const replay = new Replay(on)
      .answer('query-version', undefined, { qemu: { major: 10, minor: 0, micro: 0 }, package: long })
      .answer('query-migrate', undefined, { status: long, 'blocked-reasons': [long] })
      .answer('query-status', undefined, { status: long })
      .answer('qom-get', { path: '/machine', property: 'type' }, long);
    const verification = verifyVm(await observe(replay), { require: 'all' });
    expect(validateVerification(verification), JSON.stringify(validateVerification.errors)).toBe(true);
  });
});

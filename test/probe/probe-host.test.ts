/** probeHost on the captured host, with a kernel of our own behind the device nodes. */
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { VdpaQemuError } from '../../src/model/error.ts';
import { isUnknown, unknown } from '../../src/model/fact.ts';
import type { HostReport, QemuCapabilities } from '../../src/model/generated/host-report.ts';
import validate from '../../src/model/generated/host-report.validate.js';
import type { DeviceFiles } from '../../src/host/device-node.ts';
import { deviceFiles } from '../../src/host/device-node.ts';
import type { Roots } from '../../src/host/files.ts';
import { probeHost, type ProbeEdges, type ProbeOptions } from '../../src/probe/probe-host.ts';
import { FakeVhost, type FakeVhostOptions } from '../host/fake-vhost.ts';
import {
  capturedRun,
  changedHost,
  l1Roots,
  nothingInstalled,
  plant,
  systemError,
  temporaryDirectory,
} from '../host/fixtures.ts';

const qemu: QemuCapabilities = {
  version: '10.0.2',
  package: '',
  target: 'x86_64',
  machines: [],
  deviceProperties: {},
  netdevVhostVdpa: null,
  blockdevVirtioBlkVhostVdpa: false,
  commands: [],
};

/** Device nodes as the captured sysfs names them: vp0 is 251:0, vp1 251:1, sim0 251:2, blk0 251:3. */
function nodes(errors: Readonly<Record<string, NodeJS.ErrnoException>> = {}): DeviceFiles {
  const minorOf = (file: string) => Number(/vhost-vdpa-(\d+)$/.exec(file)?.[1]);
  const kind = (minor: number) => ({ isCharacterDevice: true, major: 251, minor });
  return {
    stat: (file) => {
      if (Number.isNaN(minorOf(file))) throw systemError('ENOENT', 2);
      return kind(minorOf(file));
    },
    open: (file) => {
      const error = errors[path.basename(file)];
      if (error !== undefined) throw error;
      return 100 + minorOf(file);
    },
    fstat: (fd) => kind(fd - 100),
    close: () => undefined,
  };
}

function edges(changes: Partial<ProbeEdges> = {}, kernel: FakeVhostOptions = {}): Partial<ProbeEdges> {
  let now = 0n;
  return {
    syscalls: () => new FakeVhost(kernel),
    files: nodes(),
    run: capturedRun,
    clock: () => (now += 1000n),
    findQemuBinaries: () => Promise.resolve(['/usr/bin/qemu-system-x86_64']),
    queryQemuCapabilities: () => Promise.resolve(qemu),
    ...changes,
  };
}

/** Probes, and checks what holds of every report. */
async function probe(options: ProbeOptions = {}): Promise<HostReport> {
  const report = await probeHost({ roots: l1Roots, edges: edges(), ...options });
  validate(report);
  expect(validate.errors ?? []).toEqual([]);
  for (const note of report.notes) {
    expect(note.severity, note.code).not.toBe('error');
    expect(note.fix, note.code).toBeTypeOf('string');
  }
  return report;
}

const codes = (report: HostReport) => report.notes.map(({ code }) => code);

describe('an idle host', () => {
  test('every device, sorted, with nothing unknown and nothing to note', async () => {
    const report = await probe();
    expect(report.devices.map(({ name, open }) => [name, open])).toEqual(
      ['blk0', 'sim0', 'vp0', 'vp1'].map((name) => [name, 'opened']),
    );
    expect(JSON.stringify(report)).not.toContain('"unknown":');
    expect(report.notes).toEqual([]);
    expect(report).toMatchObject({
      schemaVersion: 1,
      generator: { name: 'vdpa-qemu' },
      host: { pageSize: 4096, iommuGroups: 7 },
      vdpa: { bus: true },
      qemu: [{ path: '/usr/bin/qemu-system-x86_64', capabilities: { version: '10.0.2' } }],
      libvirt: { version: '11.3.0' },
    });
  });

  test('what sysfs, netlink and the device itself say stands in one place', async () => {
    const { devices } = await probe({ devices: ['vp0'] });
    expect(devices).toMatchObject([
      {
        name: 'vp0',
        driver: 'vhost_vdpa',
        charDevice: { major: 251, minor: 0 },
        parent: { bus: 'pci', name: '0000:00:04.0', driver: 'vp-vdpa' },
        managementDevice: 'pci/0000:00:04.0',
        open: 'opened',
        identity: { virtioId: 1, negotiation: { bits: '0x300030020' } },
        virtqueues: [{ index: 0, doorbell: 'mapped' }, { index: 1 }, { index: 2 }],
        pci: { address: '0000:00:04.0', bars: [{ index: 1 }, { index: 4 }] },
      },
    ]);
  });

  test('the management devices are sorted', async () => {
    const { managementDevices } = (await probe()).vdpa;
    if (isUnknown(managementDevices)) throw new Error(managementDevices.detail);
    expect(managementDevices.map(({ name }) => name)).toEqual([
      'pci/0000:00:04.0',
      'pci/0000:00:05.0',
      'vdpasim_blk',
      'vdpasim_net',
    ]);
  });

  test('the same host gives the same report', async () => {
    expect(JSON.stringify(await probe())).toBe(JSON.stringify(await probe()));
  });

  test('tells how long each device was held', async () => {
    const held: [string, number][] = [];
    await probe({ onHeldOpen: (device, microseconds) => held.push([device, microseconds]) });
    expect(held).toEqual(['blk0', 'sim0', 'vp0', 'vp1'].map((name) => [name, 1]));
  });
});

describe('devices that were asked for', () => {
  const names = async (devices: string[]) => (await probe({ devices })).devices.map(({ name }) => name);

  test('by name, path and twice, in the order of the report', async () => {
    expect(await names(['vp1', '/dev/vhost-vdpa-2', 'vp1', '/other/vhost-vdpa-1'])).toEqual(['sim0', 'vp1']);
  });

  test('by a path that only sysfs knows (a container without the node)', async () => {
    const files = {
      ...nodes(),
      stat: () => {
        throw systemError('ENOENT', 2);
      },
    };
    const wanted = path.join(l1Roots.devRoot, 'vhost-vdpa-0');
    const report = await probe({ devices: [wanted], edges: edges({ files }) });
    expect(report.devices).toMatchObject([{ name: 'vp0', open: { unknown: 'ENOENT' } }]);
    expect(codes(report)).toEqual(['probe.open-failed']);
  });

  test.each(['vp9', '/dev/vhost-vdpa-9', '/dev/nothing', 'evil\u001b[31m'])('%j is not there', async (device) => {
    await expect(probe({ devices: ['vp0', device] })).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringMatching(
        /^no vDPA device "[ -~]+" on this host; there are blk0, sim0, vp0, vp1$/,
      ) as string,
    });
  });

  test('a plain file of that name is not there', async () => {
    const files = { ...nodes(), stat: () => ({ isCharacterDevice: false, major: 251, minor: 0 }) };
    await expect(probe({ devices: ['/dev/vhost-vdpa-0'], edges: edges({ files }) })).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  test('on a host without devices', async () => {
    const sysfsRoot = temporaryDirectory();
    await expect(probe({ devices: ['vp0'], roots: { ...l1Roots, sysfsRoot } })).rejects.toMatchObject({
      message: 'no vDPA device "vp0" on this host; there is none',
    });
  });
});

describe('devices that are not opened', () => {
  test('--no-open: netlink is asked instead, and nothing is noted', async () => {
    const files = new Proxy(nodes(), {
      get: () => () => {
        throw new Error('no file of a device may be touched');
      },
    });
    const report = await probe({ open: false, edges: edges({ files }) });
    expect(report.devices[2]).toMatchObject({
      name: 'vp0',
      open: { unknown: 'not-asked' },
      identity: {
        virtioId: 1,
        features: { unknown: 'not-asked' },
        vqCount: 3,
        vqSizeMax: 256,
        config: { class: 'net', mac: '52:54:00:0d:0a:00', maxVirtqueuePairs: 1 },
        negotiation: { unknown: 'not-asked' },
      },
      virtqueues: { unknown: 'not-asked' },
      pci: { address: '0000:00:04.0' },
    });
    expect(report.devices[0]).toMatchObject({ identity: { virtioId: 2, config: { unknown: 'not-asked' } } });
    expect(report.notes).toEqual([]);
  });

  test('in use: what its user negotiated, by netlink', async () => {
    const run: ProbeEdges['run'] = (name, args) =>
      args.at(-1) === 'vp0' ? capturedRun(name, [...args.slice(0, -1), 'vp0-negotiated']) : capturedRun(name, args);
    const files = nodes({ 'vhost-vdpa-0': systemError('EBUSY', 16) });
    const report = await probe({ devices: ['vp0'], edges: edges({ files, run }) });
    expect(report.devices).toMatchObject([
      {
        open: { unknown: 'EBUSY' },
        identity: {
          negotiation: { bits: '0x10330bf8024' },
          features: { unknown: 'EBUSY' },
          groupCount: { unknown: 'EBUSY' },
        },
        virtqueues: { unknown: 'EBUSY' },
      },
    ]);
    expect(report.notes).toMatchObject([
      { code: 'probe.busy', path: '/devices/0/open', fix: expect.stringContaining('fuser -v') as string },
    ]);
  });

  test('netlink that says nothing leaves the reason', async () => {
    const run: ProbeEdges['run'] = (name, args) =>
      Promise.resolve(
        args.includes('config')
          ? unknown('program-failed', 'x')
          : { stdout: args[1] === 'dev' ? '{"dev":{"vp0":{"type":"network"}}}' : '' },
      ).then((output) => (name === 'virsh' ? unknown('no-tool', 'x') : output));
    const report = await probe({ open: false, devices: ['vp0', 'vp1'], edges: edges({ run }) });
    expect(report.devices).toMatchObject([
      {
        managementDevice: { unknown: 'not-present' },
        identity: { virtioId: 1, vqCount: { unknown: 'not-asked' }, config: { unknown: 'program-failed' } },
      },
      {
        managementDevice: { unknown: 'not-present' },
        identity: { virtioId: { unknown: 'not-asked' }, config: { unknown: 'not-asked' } },
      },
    ]);
  });

  test.each([
    ['EACCES', 13, 'probe.no-permission', 'chgrp'],
    ['EPERM', 1, 'probe.no-permission', 'cgroup'],
    ['Unknown system error -524', 524, 'probe.iommu-not-usable', 'intel_iommu=on'],
    ['ENXIO', 6, 'probe.open-failed', 'dmesg'],
  ])('%s', async (code, errno, note, word) => {
    const files = nodes({ 'vhost-vdpa-0': systemError(code, errno) });
    const report = await probe({ devices: ['vp0'], edges: edges({ files }) });
    expect(report.notes).toMatchObject([{ code: note, fix: expect.stringContaining(word) as string }]);
    expect(report.devices).toMatchObject([{ identity: { vqCount: 3 } }]);
  });

  test('a node in /dev that belongs to another device is a fact of that device only', async () => {
    const files = { ...nodes(), fstat: () => ({ isCharacterDevice: true, major: 251, minor: 1 }) };
    const report = await probe({ devices: ['vp0', 'vp1'], edges: edges({ files }) });
    expect(report.devices).toMatchObject([{ open: { unknown: 'malformed' } }, { open: 'opened' }]);
    expect(codes(report)).toEqual(['probe.open-failed']);
  });

  test('other errors end the probe', async () => {
    await expect(probe({ edges: edges({}, { munmapErrno: 22 }) })).rejects.toMatchObject({ code: 'system' });
    const syscalls = () => {
      throw new Error('trouble');
    };
    await expect(probe({ edges: edges({ syscalls }) })).rejects.toThrow('trouble');
  });

  test('no native system calls: one note for all devices, the page size comes from getconf', async () => {
    const syscalls = () => {
      throw new VdpaQemuError('native-unavailable', 'system calls through ffi-rs do not work on linux-x64: x');
    };
    const report = await probe({ edges: edges({ syscalls }) });
    expect(report.host.pageSize).toBe(4096);
    expect(report.devices).toMatchObject(Array(4).fill({ open: { unknown: 'native-unavailable' } }));
    expect(report.notes).toMatchObject([{ code: 'probe.native-unavailable', path: '/devices/0/open' }]);
  });

  test('not bound to vhost_vdpa: the commands that bind it', async () => {
    const roots = changedHost((sys) => {
      rmSync(path.join(sys, 'devices/sim0/vhost-vdpa-2'), { recursive: true });
      rmSync(path.join(sys, 'devices/sim0/driver'));
      symlinkSync('../../bus/vdpa/drivers/virtio_vdpa', path.join(sys, 'devices/sim0/driver'));
      rmSync(path.join(sys, 'devices/blk0/vhost-vdpa-3'), { recursive: true });
      rmSync(path.join(sys, 'devices/blk0/driver'));
    });
    const report = await probe({ roots });
    expect(report.devices).toMatchObject([
      { name: 'blk0', driver: null, charDevice: null, open: { unknown: 'not-present' } },
      { name: 'sim0', driver: 'virtio_vdpa', charDevice: null, open: { unknown: 'not-present' } },
      { name: 'vp0', open: 'opened' },
      { name: 'vp1', open: 'opened' },
    ]);
    // Tried in the lab, as printed.
    expect(report.notes).toMatchObject([
      {
        code: 'probe.not-bound',
        path: '/devices/0/driver',
        fix: 'modprobe vhost_vdpa; echo vhost_vdpa > /sys/bus/vdpa/devices/blk0/driver_override; echo blk0 > /sys/bus/vdpa/drivers/vhost_vdpa/bind',
      },
      {
        code: 'probe.not-bound',
        path: '/devices/1/driver',
        fix: 'modprobe vhost_vdpa; echo sim0 > /sys/bus/vdpa/drivers/virtio_vdpa/unbind; echo vhost_vdpa > /sys/bus/vdpa/devices/sim0/driver_override; echo sim0 > /sys/bus/vdpa/drivers/vhost_vdpa/bind',
      },
    ]);
  });

  test('a device whose sysfs files cannot be read', async () => {
    const roots = changedHost((sys) => writeFileSync(path.join(sys, 'devices/sim0/vhost-vdpa-2/dev'), 'x'));
    const report = await probe({ roots, devices: ['sim0'] });
    expect(report.devices).toMatchObject([{ charDevice: { unknown: 'malformed' }, open: { unknown: 'malformed' } }]);
    expect(report.notes).toMatchObject([
      { code: 'probe.open-failed', fix: expect.stringContaining('/sys/bus/vdpa/devices/sim0') as string },
    ]);
  });
});

describe('hosts with less', () => {
  const bare = (): Roots => ({ ...l1Roots, sysfsRoot: temporaryDirectory() });

  test('no vDPA at all, no program installed', async () => {
    const run: ProbeEdges['run'] = (name) => nothingInstalled(name, []);
    const report = await probe({ roots: bare(), edges: edges({ run, findQemuBinaries: () => Promise.resolve([]) }) });
    expect(report).toMatchObject({
      host: { iommuGroups: 0 },
      vdpa: { bus: false, managementDevices: { unknown: 'no-tool' } },
      qemu: [],
      libvirt: { unknown: 'no-tool' },
      devices: [],
    });
    expect(codes(report)).toEqual(['probe.no-qemu', 'probe.no-vdpa-bus', 'probe.no-vdpa-tool', 'probe.no-libvirt']);
    expect(report.notes[1]?.fix).toContain('modprobe -a vdpa vhost_vdpa');
  });

  test('the module, and no device', async () => {
    const roots = bare();
    plant(roots.sysfsRoot, { 'bus/vdpa/devices/.keep': '' });
    rmSync(path.join(roots.sysfsRoot, 'bus/vdpa/devices/.keep'));
    const report = await probe({ roots });
    expect(report).toMatchObject({ vdpa: { bus: true }, devices: [] });
    expect(codes(report)).toEqual(['probe.no-devices']);
  });

  test('the vdpa tool fails', async () => {
    const run: ProbeEdges['run'] = (name, args) =>
      name === 'vdpa' ? Promise.resolve(unknown('program-failed', 'exit code 1')) : capturedRun(name, args);
    const report = await probe({ edges: edges({ run }) });
    expect(codes(report)).toEqual(['probe.vdpa-tool-failed']);
    expect(report.devices).toMatchObject(Array(4).fill({ managementDevice: { unknown: 'program-failed' } }));
  });

  test('no IOMMU, with hardware and without', async () => {
    const without = changedHost((sys) => rmSync(path.join(sys, 'kernel'), { recursive: true }));
    expect(codes(await probe({ roots: without, devices: ['sim0'] }))).toEqual([]);
    expect(codes(await probe({ roots: without }))).toEqual(['probe.no-iommu']);
  });

  test('config space without privilege', async () => {
    const roots = changedHost((sys) => {
      const file = path.join(sys, 'devices/pci0000:00/0000:00:04.0/config');
      const head = Buffer.alloc(64);
      head[0] = 1;
      head[6] = 0x10;
      writeFileSync(file, head);
    });
    const report = await probe({ roots, devices: ['vp0'] });
    expect(report.notes).toMatchObject([
      { code: 'probe.no-config-space', severity: 'info', path: '/devices/0/pci/capabilities' },
    ]);
  });

  test('a PCI function that cannot be read is no reason to note its config space', async () => {
    const roots = changedHost((sys) => rmSync(path.join(sys, 'devices/pci0000:00/0000:00:04.0/vendor')));
    const report = await probe({ roots, devices: ['vp0'] });
    expect(report).toMatchObject({ devices: [{ pci: { unknown: 'ENOENT' } }], notes: [] });
  });

  test('devices that do not negotiate, or do not tell their number of virtqueues', async () => {
    const stubborn = await probe({ devices: ['vp0'], edges: edges({}, { dropsFeaturesOk: true }) });
    expect(codes(stubborn)).toEqual(['probe.not-negotiated']);
    const run: ProbeEdges['run'] = (name, args) =>
      name === 'vdpa' ? Promise.resolve({ stdout: '{"dev":{},"mgmtdev":{}}' }) : capturedRun(name, args);
    const old = await probe({ devices: ['vp0'], edges: edges({ run }, { missing: ['VHOST_VDPA_GET_VQS_COUNT'] }) });
    expect(codes(old)).toEqual(['probe.no-virtqueue-count']);
  });

  test('an old kernel, where netlink knows the number of virtqueues', async () => {
    const report = await probe({ devices: ['vp0'], edges: edges({}, { missing: ['VHOST_VDPA_GET_VQS_COUNT'] }) });
    expect(report).toMatchObject({ devices: [{ virtqueues: [{}, {}, { doorbell: 'mapped' }] }], notes: [] });
  });

  test('names that no report can hold', async () => {
    const roots = changedHost((sys) =>
      symlinkSync('../../../devices/sim0', path.join(sys, 'bus/vdpa/devices/e\u001b[31mvil')),
    );
    const report = await probe({ roots });
    expect(report.devices).toHaveLength(4);
    expect(report.notes).toMatchObject([
      { code: 'probe.device-name', message: expect.stringContaining('e\\x1b[31mvil') as string },
    ]);
  });

  test('names that a shell would not take as they are', async () => {
    const roots = changedHost((sys) => {
      plant(sys, { "devices/it's $(x)/uevent": '', "bus/vdpa/devices/it's $(x)": "-> ../../../devices/it's $(x)" });
    });
    const report = await probe({ roots, devices: ["it's $(x)"] });
    expect(report.notes[0]?.fix).toContain(`echo 'it'\\''s $(x)' > /sys/bus/vdpa/drivers/vhost_vdpa/bind`);
  });
});

describe('QEMU', () => {
  test('is searched for this architecture in PATH', async () => {
    const searches: unknown[] = [];
    const findQemuBinaries: ProbeEdges['findQemuBinaries'] = (search) => (searches.push(search), Promise.resolve([]));
    const report = await probe({ edges: edges({ findQemuBinaries }) });
    expect(searches).toEqual([
      { architecture: report.host.architecture, pathVariable: expect.stringContaining('/usr/sbin') as string },
    ]);
    expect(codes(report)).toEqual(['probe.no-qemu']);
  });

  test('named binaries are asked, each once, with the time that was given', async () => {
    const asked: unknown[] = [];
    const queryQemuCapabilities: ProbeEdges['queryQemuCapabilities'] = (...args) => (
      asked.push(args),
      Promise.resolve(qemu)
    );
    const named = ['/opt/qemu', 'relative/qemu', '/opt/qemu'];
    const report = await probe({ qemu: named, qemuTimeoutMs: 1234, edges: edges({ queryQemuCapabilities }) });
    expect(asked).toEqual([
      ['/opt/qemu', { timeoutMs: 1234 }],
      [path.resolve('relative/qemu'), { timeoutMs: 1234 }],
    ]);
    expect(report.qemu).toHaveLength(2);
  });

  test.each([
    ['not-found', 'not-present'],
    ['program', 'program-failed'],
  ] as const)('%s becomes %s, and a note', async (code, reason) => {
    const queryQemuCapabilities = () => Promise.reject(new VdpaQemuError(code, 'no luck'));
    const report = await probe({ edges: edges({ queryQemuCapabilities }) });
    expect(report.qemu).toMatchObject([{ capabilities: { unknown: reason, detail: 'no luck' } }]);
    expect(report.notes).toMatchObject([{ code: 'probe.qemu-failed', path: '/qemu/0/capabilities' }]);
  });

  test('a fault of ours is not hidden', async () => {
    const queryQemuCapabilities = () => Promise.reject(new TypeError('trouble'));
    await expect(probe({ edges: edges({ queryQemuCapabilities }) })).rejects.toThrow('trouble');
  });

  test('a path that no report can hold', async () => {
    await expect(probe({ qemu: ['/opt/q\u001bemu'] })).rejects.toMatchObject({ code: 'bad-input' });
  });
});

test('this machine, as it is', async () => {
  const report = await probe({ roots: {}, edges: { files: deviceFiles }, open: false });
  expect(report.host.name).not.toBe('');
});

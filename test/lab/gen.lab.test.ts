/**
 * The main job, end to end: what `gen` emits starts a real QEMU unchanged, the guest's driver comes up, and host
 * notifiers are exactly where the verdict said safe and page-per-vq is on. The same through libvirt.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { HostReport } from '../../src/model/generated/host-report.ts';
import type { VmPlan } from '../../src/model/generated/vm-plan.ts';
import { chosen, whatIsLeftOut } from './extent.ts';
import { images, missing } from './images.ts';
import { bootL1, type Background, type L1 } from './l1.ts';
import { product, productOk } from './product.ts';
import { Table } from './table.ts';
import { hostNotifiers, qmpReturn, until, untilDriverOk, type QmpCommand } from './witness.ts';

const why = missing();

/** One VM on one device: what goes beside `schemaVersion`, `name`, `machine` and `memory` into the spec. */
interface Case {
  readonly name: string;
  readonly id: string;
  readonly devices: string;
  /** libvirt has other ids and its own monitor */
  readonly libvirt?: boolean;
  /** further host reports: [name, file] */
  readonly hosts?: readonly string[];
}

const net = (vdpa: string, more = ''): string => `interfaces: [{ id: net0, vdpa: ${vdpa}, bootIndex: 1${more} }]`;

const cases: readonly Case[] = [
  { name: 'vp0 auto', id: 'net0', devices: net('vp0') },
  { name: 'vp0 require', id: 'net0', devices: net('vp0', ', hostNotifier: require') },
  { name: 'vp0 off', id: 'net0', devices: net('vp0', ', hostNotifier: off') },
  { name: 'vp1 auto', id: 'net0', devices: net('vp1') },
  {
    name: 'vp1 auto, vp0 on the other host',
    id: 'net0',
    devices: net('{ l1: vp1, l2: vp0 }'),
    hosts: ['/tmp/l2.json'],
  },
  { name: 'sim0 auto', id: 'net0', devices: net('sim0') },
  {
    name: 'blk0 as vhost-vdpa-device-pci',
    id: 'disk0',
    devices: 'disks: [{ id: disk0, vdpa: blk0, attach: device, bootIndex: 1 }]',
  },
  { name: 'vp0 through libvirt', id: 'ua-net0', devices: net('vp0'), libvirt: true },
  { name: 'vp1 through libvirt', id: 'ua-net0', devices: net('vp1'), libvirt: true },
  { name: 'sim0 through libvirt', id: 'ua-net0', devices: net('sim0'), libvirt: true },
  {
    name: 'blk0 as vhost-vdpa-device-pci through libvirt',
    id: 'disk0',
    devices: 'disks: [{ id: disk0, vdpa: blk0, attach: device, bootIndex: 1 }]',
    libvirt: true,
  },
  {
    name: 'blk0 over virtio-blk-vhost-vdpa',
    id: 'disk0',
    devices: 'disks: [{ id: disk0, vdpa: blk0, attach: blockdev, bootIndex: 1 }]',
  },
  {
    name: 'blk0 over virtio-blk-vhost-vdpa through libvirt',
    id: 'ua-disk0',
    devices: 'disks: [{ id: disk0, vdpa: blk0, bootIndex: 1 }]',
    libvirt: true,
  },
];

/** One of each kind of device and way to start it; the simulator's verdict is that of verify.lab.test.ts, too. */
const usual: ReadonlySet<string> = new Set([
  'vp0 auto',
  'vp1 auto, vp0 on the other host',
  'vp0 through libvirt',
  'blk0 over virtio-blk-vhost-vdpa through libvirt',
]);

const isVdpa = (disk: VmPlan['binding']['disks'][number]) => 'charDevice' in disk;

const head = 'schemaVersion: 1\nname: lab\nmachine: pc-q35-10.0\nmemory: 256MiB\nqmpSocket: /run/lab/vm.qmp\n';
const socket = '/run/lab/vm.qmp';

interface PciDevice {
  readonly qdev_id: string;
  readonly regions: readonly { readonly bar: number; readonly address: number }[];
  readonly pci_bridge?: { readonly devices?: readonly PciDevice[] };
}

/** Where firmware has put BAR 4 of a device, by query-pci; undefined before it has. */
function barOf(pci: unknown, id: string): number | undefined {
  const walk = (devices: readonly PciDevice[]): PciDevice[] =>
    devices.flatMap((device) => [device, ...walk(device.pci_bridge?.devices ?? [])]);
  const device = (pci as { devices: PciDevice[] }[])
    .flatMap(({ devices }) => walk(devices))
    .find((found) => found.qdev_id === id);
  const address = device?.regions.find(({ bar }) => bar === 4)?.address ?? -1;
  return address > 0 && address < 2 ** 52 ? address : undefined;
}

describe.skipIf(why.length > 0)(`gen in L1 ${why.join(', ')}`, () => {
  const table = new Table();
  let l1: L1;
  let version = '';
  let vm: { end: () => Promise<void> } | undefined;

  beforeAll(async () => {
    l1 = await bootL1(await images());
    const report = await productOk(l1, ['probe', '--quiet']);
    await l1.writeFile('/tmp/l1.json', report);
    // a second host: the same facts under another name, with vp0 provisioned to carry the MAC of vp1
    const other = JSON.parse(report.replaceAll('52:54:00:0d:0a:00', '52:54:00:0d:0a:01')) as HostReport;
    await l1.writeFile('/tmp/l2.json', JSON.stringify({ ...other, host: { ...other.host, name: 'l2' } }));
    version = (await l1.ok(['qemu-system-x86_64', '--version'])).split('\n')[0] ?? '';
  });
  afterEach(async () => {
    await vm?.end();
    vm = undefined;
  });
  afterAll(async () => {
    console.log(`gen, ${version}\n${table.toString()}${whatIsLeftOut()}`);
    await l1.close();
  });

  async function gen(spec: string, hosts: readonly string[], format: string, ...more: string[]): Promise<string> {
    const reports = ['/tmp/l1.json', ...hosts].flatMap((file) => ['--host', file]);
    return await productOk(l1, ['gen', '-', ...reports, '--on', 'l1', '--format', format, ...more], spec);
  }

  async function plan(spec: string, hosts: readonly string[]): Promise<VmPlan> {
    return JSON.parse(await gen(spec, hosts, 'plan')) as VmPlan;
  }

  /** Starts the emitted argv as it is, with the locked-memory limit that the plan names. */
  async function startQemu(spec: string, hosts: readonly string[], { binding }: VmPlan): Promise<Background> {
    const argv = JSON.parse(await gen(spec, hosts, 'qemu', '--json')) as string[];
    const limit = ['prlimit', `--memlock=${binding.lockedMemoryBytes}:${binding.lockedMemoryBytes}`];
    const qemu = await l1.spawn([...limit, ...argv]);
    vm = {
      end: async () => {
        await l1.kill(qemu, 'SIGKILL').catch(() => undefined);
        await l1.wait(qemu);
      },
    };
    return qemu;
  }

  async function startLibvirt(spec: string): Promise<void> {
    await l1.ok(['sh', '/project/test/lab/l1/libvirtd.sh']);
    await l1.writeFile('/tmp/lab.xml', await gen(spec, [], 'libvirt'));
    await l1.ok(['virsh', '-q', '-c', 'qemu:///system', 'define', '--validate', '/tmp/lab.xml']);
    vm = {
      end: async () => {
        await l1.run(['virsh', '-q', '-c', 'qemu:///system', 'destroy', 'lab']);
        await l1.ok(['virsh', '-q', '-c', 'qemu:///system', 'undefine', 'lab']);
      },
    };
    const started = await l1.run(['virsh', '-q', '-c', 'qemu:///system', 'start', 'lab']);
    if (started.code === 0) return;
    throw new Error(`${started.stderr}\n${(await l1.run(['cat', '/var/log/libvirt/qemu/lab.log'])).stdout}`);
  }

  test.each(chosen('gen.lab.test.ts', cases, ({ name }) => usual.has(name)))(
    '$name',
    async ({ name, id, devices, libvirt = false, hosts = [] }) => {
      const spec = `${head}${devices}\n`;
      const planned = await plan(spec, hosts);
      const { guestAbi, binding } = planned;
      const bound = [...binding.interfaces, ...binding.vdpaDevices, ...binding.disks.filter(isVdpa)][0]!;
      const pagePerVq = [...guestAbi.interfaces, ...guestAbi.vdpaDevices][0]?.pagePerVq ?? false;
      if (libvirt) {
        await startLibvirt(spec);
        await untilRegister(monitor, id);
      } else {
        const qemu = await startQemu(spec, hosts, planned);
        if (guestAbi.vdpaDevices.length > 0) await untilRegister((command) => qmpReturn(l1, socket, command), id);
        else await untilDriverOk(l1, qemu, socket, id);
      }
      const seen = libvirt ? await libvirtNotifiers(id) : (await hostNotifiers(l1, socket, id)).map(({ vq }) => vq);
      table.add(`${name} (page-per-vq=${pagePerVq ? 'on' : 'off'})`, bound.expectedHostNotifiers, seen);
      expect(seen).toEqual(bound.expectedHostNotifiers);
    },
  );

  test('a plan that asks for what is not there is refused: require on a 4-byte doorbell', async () => {
    const { code, stdout, stderr } = await product(
      l1,
      ['gen', '-', '--host', '/tmp/l1.json'],
      `${head}${net('vp1', ', hostNotifier: require')}\n`,
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/vp1 on l1 virtqueue 0 \(rx0\) is unavailable/);
  });

  test('both formats describe the same guest: PCI functions, BAR sizes, vectors and ROM', async () => {
    const spec = `${head}cpu: { model: qemu64, count: 2 }\n${net('vp0')}\ndisks: [{ id: disk0, file: /tmp/disk.raw, readOnly: true }]\n`;
    await l1.ok(['truncate', '-s', '16M', '/tmp/disk.raw']);
    const qemu = await startQemu(spec, [], await plan(spec, []));
    await untilDriverOk(l1, qemu, socket, 'net0');
    const byArgv = {
      pci: await qmpReturn(l1, socket, { execute: 'query-pci' }),
      net: await Promise.all(questions('net0').map((command) => qmpReturn(l1, socket, command))),
    };
    await vm?.end();
    await startLibvirt(spec);
    await untilRegister(monitor, 'ua-net0');
    const byLibvirt = {
      pci: await monitor({ execute: 'query-pci' }),
      net: await Promise.all(questions('ua-net0').map((command) => monitor(command))),
    };
    const [ours, theirs] = [shapeOf(byArgv.pci), shapeOf(byLibvirt.pci)];
    table.add(
      'same guest: query-pci',
      JSON.stringify(ours).length.toString(),
      JSON.stringify(theirs).length.toString(),
    );
    expect(theirs).toEqual(ours);
    expect(byLibvirt.net).toEqual(byArgv.net);
  });

  const netProperties = [
    'page-per-vq',
    'mq',
    'vectors',
    'iommu_platform',
    'packed',
    'rx_queue_size',
    'tx_queue_size',
    'host_mtu',
    'mac',
    'romsize',
    'bootindex',
  ];

  function questions(id: string): QmpCommand[] {
    const path = `/machine/peripheral/${id}`;
    return netProperties.map((property) => ({ execute: 'qom-get', arguments: { path, property } }));
  }

  /** query-pci without what firmware assigns and ids name: functions, classes, BAR kinds and sizes, in order. */
  function shapeOf(pci: unknown): unknown {
    return JSON.parse(
      JSON.stringify(pci, (key, value: unknown) =>
        ['qdev_id', 'address', 'irq', 'base', 'limit'].includes(key) ? undefined : value,
      ),
    );
  }

  async function monitor(command: QmpCommand): Promise<unknown> {
    const text = await l1.ok([
      'virsh',
      '-q',
      '-c',
      'qemu:///system',
      'qemu-monitor-command',
      'lab',
      JSON.stringify(command),
    ]);
    const { return: value, error } = JSON.parse(text) as { return?: unknown; error?: { desc: string } };
    if (error) throw new Error(error.desc);
    return value;
  }

  /**
   * Waits for DRIVER_OK in the device_status register itself (virtio 1.3, 4.1.4.3: offset 20 of the common
   * configuration, which QEMU has at the start of BAR 4), read through the memory map.
   * x-query-virtio-status cannot be asked: on a vhost-vdpa-device-pci it ends QEMU 10.0 with a segmentation fault.
   */
  async function untilRegister(ask: (command: QmpCommand) => Promise<unknown>, id: string): Promise<void> {
    await until(`DRIVER_OK of ${id}`, async () => {
      const bar = barOf(await ask({ execute: 'query-pci' }), id);
      if (bar === undefined) return undefined;
      const line = `xp /1bx ${bar + 20}`;
      const text = await ask({ execute: 'human-monitor-command', arguments: { 'command-line': line } });
      return (Number.parseInt(String(text).split(':')[1] ?? '', 16) & 4) !== 0 ? true : undefined;
    });
  }

  async function libvirtNotifiers(id: string): Promise<number[]> {
    const list = (await monitor({
      execute: 'qom-list',
      arguments: { path: `/machine/peripheral/${id}/virtio-backend` },
    })) as { name: string }[];
    return list
      .flatMap(({ name }) => /host-notifier@0x[0-9a-f]+ mmaps\\x5b(\d+)\\x5d/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }
});

/** The branches of both renderers, one at a time: the line that a change of the plan changes, and no other. */
import { describe, expect, test } from 'vitest';
import type { VmPlan } from '../../src/model/generated/vm-plan.ts';
import { planVm } from '../../src/plan/plan-vm.ts';
import { aliasOf, renderLibvirtXml } from '../../src/render/libvirt-xml.ts';
import { genericDeviceParts, ramBlockOf, renderQemuArgv } from '../../src/render/qemu-argv.ts';
import { reportWith } from '../report-builder.ts';
import { specOf } from '../spec-builder.ts';

const base = planVm(
  specOf(
    [
      'qmpSocket: /run/q',
      'interfaces: [{ id: net0, vdpa: vp0 }]',
      'disks: [{ id: d, file: /d, bootIndex: 1 }, { id: b, vdpa: blk0 }]',
      'vdpaDevices: [{ id: gen, vdpa: vp1 }]',
      '',
    ].join('\n'),
  ),
  [reportWith()],
).plan!;

/** The base plan with one edit. */
function planWith(edit: (plan: VmPlan) => void): VmPlan {
  const plan = structuredClone(base);
  edit(plan);
  return plan;
}

const netOf = (plan: VmPlan): VmPlan['guestAbi']['interfaces'][number] => plan.guestAbi.interfaces[0]!;

/** The texts that an edit takes away and adds, in either format. */
function change(render: (plan: VmPlan) => readonly string[], edit: (plan: VmPlan) => void): [string[], string[]] {
  const before = render(base);
  const after = render(planWith(edit));
  const only = (a: readonly string[], b: readonly string[]): string[] => {
    const rest = [...b];
    return a.filter((line) => {
      const found = rest.indexOf(line);
      if (found >= 0) rest.splice(found, 1);
      return found < 0;
    });
  };
  return [only(before, after), only(after, before)];
}

const xmlLines = (plan: VmPlan): string[] =>
  renderLibvirtXml(plan)
    .split('\n')
    .map((line) => line.trim());

const nic =
  'virtio-net-pci,netdev=hostnet0,id=net0,mac=52:54:00:0d:0a:00,page-per-vq=on,mq=off,vectors=4,iommu_platform=on,packed=off,rx_queue_size=256,tx_queue_size=256,romfile=,bus=pci.1,addr=0x0';
const driver = "<driver rx_queue_size='256' tx_queue_size='256' iommu='on' packed='off' page_per_vq='on'/>";

describe('renderQemuArgv', () => {
  test('the program stands first, and every option begins with a dash', () => {
    const argv = renderQemuArgv(base);
    expect(argv[0]).toBe('/usr/bin/qemu-system-x86_64');
    expect(argv.slice(1, 6)).toEqual([
      '-name',
      'guest=web1,debug-threads=on',
      '-nodefaults',
      '-no-user-config',
      '-uuid',
    ]);
    expect(argv.slice(-4)).toEqual([
      '-chardev',
      'socket,id=qmp,path=/run/q,server=on,wait=off',
      '-mon',
      'chardev=qmp,mode=control',
    ]);
  });

  test.each<[string, (plan: VmPlan) => void, string[], string[]]>([
    ['page-per-vq', (plan) => (netOf(plan).pagePerVq = false), [nic], [nic.replace('vq=on', 'vq=off')]],
    ['mq', (plan) => (netOf(plan).mq = true), [nic], [nic.replace('mq=off', 'mq=on')]],
    ['vectors', (plan) => (netOf(plan).vectors = 10), [nic], [nic.replace('vectors=4', 'vectors=10')]],
    ['no IOMMU', (plan) => (netOf(plan).iommuPlatform = false), [nic], [nic.replace('platform=on', 'platform=off')]],
    ['packed', (plan) => (netOf(plan).packed = true), [nic], [nic.replace('packed=off', 'packed=on')]],
    [
      'rx ring',
      (plan) => (netOf(plan).rxQueueSize = 512),
      [nic],
      [nic.replace('rx_queue_size=256', 'rx_queue_size=512')],
    ],
    [
      'tx ring',
      (plan) => (netOf(plan).txQueueSize = 512),
      [nic],
      [nic.replace('tx_queue_size=256', 'tx_queue_size=512')],
    ],
    ['mtu', (plan) => (netOf(plan).mtu = 9000), [nic], [nic.replace('romfile', 'host_mtu=9000,romfile')]],
    ['boot index', (plan) => (netOf(plan).bootIndex = 7), [nic], [nic.replace('romfile', 'bootindex=7,romfile')]],
    ['option ROM', (plan) => (netOf(plan).optionRom = true), [nic], [nic.replace('romfile=,', '')]],
    ['accelerator', (plan) => (plan.binding.accelerator = 'kvm'), ['tcg'], ['kvm']],
    [
      'no QMP socket',
      (plan) => (plan.binding.qmpSocket = null),
      ['-chardev', 'socket,id=qmp,path=/run/q,server=on,wait=off', '-mon', 'chardev=qmp,mode=control'],
      [],
    ],
    [
      'private memory',
      (plan) => (plan.binding.memoryShared = false),
      ['memory-backend-memfd,id=pc.ram,share=on,size=1073741824'],
      ['memory-backend-ram,id=pc.ram,size=1073741824'],
    ],
    ['CPU model', (plan) => (plan.guestAbi.cpu.model = 'max'), ['qemu64'], ['max']],
    [
      'a vDPA disk that is read-only',
      (plan) => (plan.guestAbi.disks[1]!.readOnly = true),
      ['driver=virtio-blk-vhost-vdpa,node-name=disk-3,read-only=off,path=/dev/vhost-vdpa-3,cache.direct=on'],
      ['driver=virtio-blk-vhost-vdpa,node-name=disk-3,read-only=on,path=/dev/vhost-vdpa-3,cache.direct=on'],
    ],
    ['no expected notifiers', (plan) => (plan.binding.interfaces[0]!.expectedHostNotifiers = []), [], []],
    ['locked memory', (plan) => (plan.binding.lockedMemoryBytes = 0), [], []],
  ])('%s', (_, edit, gone, added) => expect(change(renderQemuArgv, edit)).toEqual([gone, added]));

  test('the Arm board has another RAM block, a GIC and its own serial port', () => {
    expect(change(renderQemuArgv, (plan) => (plan.guestAbi.architecture = 'aarch64'))).toEqual([
      [
        'pc-q35-10.0,usb=off,dump-guest-core=off,memory-backend=pc.ram,acpi=on',
        'memory-backend-memfd,id=pc.ram,share=on,size=1073741824',
        'isa-serial,chardev=charserial0,id=serial0,index=0',
        '-device',
      ],
      [
        'pc-q35-10.0,usb=off,gic-version=3,dump-guest-core=off,memory-backend=mach-virt.ram,acpi=off',
        'memory-backend-memfd,id=mach-virt.ram,share=on,size=1073741824',
        '-serial',
        'chardev:charserial0',
      ],
    ]);
    expect(ramBlockOf('x86_64')).toBe('pc.ram');
    expect(ramBlockOf('aarch64')).toBe('mach-virt.ram');
  });

  test('a generic device, with and without what may be left out', () => {
    const device = { id: 'g', rootPort: 4, pagePerVq: true, iommuPlatform: true, queueSize: 128, bootIndex: 2 };
    const place = { id: 'g', vhostdev: '/dev/v', 'page-per-vq': true, iommu_platform: true, bus: 'pci.4', addr: '0x0' };
    expect(genericDeviceParts(device, '/dev/v')).toEqual({ ...place, 'queue-size': 128, bootindex: 2 });
    expect(genericDeviceParts({ ...device, queueSize: null, bootIndex: null }, '/dev/v')).toEqual({
      ...place,
      'queue-size': undefined,
      bootindex: undefined,
    });
  });
});

describe('renderLibvirtXml', () => {
  test.each<[string, (plan: VmPlan) => void, string[], string[]]>([
    ['page-per-vq', (plan) => (netOf(plan).pagePerVq = false), [driver], [driver.replace("vq='on'", "vq='off'")]],
    ['queue pairs', (plan) => (netOf(plan).queuePairs = 4), [driver], [driver.replace('rx', "queues='4' rx")]],
    [
      'no IOMMU',
      (plan) => (netOf(plan).iommuPlatform = false),
      [driver],
      [driver.replace("iommu='on'", "iommu='off'")],
    ],
    ['packed', (plan) => (netOf(plan).packed = true), [driver], [driver.replace("packed='off'", "packed='on'")]],
    [
      'rings',
      (plan) => void Object.assign(netOf(plan), { rxQueueSize: 512, txQueueSize: 1024 }),
      [driver],
      [driver.replace("rx_queue_size='256' tx_queue_size='256'", "rx_queue_size='512' tx_queue_size='1024'")],
    ],
    ['boot index', (plan) => (netOf(plan).bootIndex = 7), [], ["<boot order='7'/>"]],
    ['option ROM', (plan) => (netOf(plan).optionRom = true), ["<rom enabled='no'/>"], []],
    ['mtu', (plan) => (netOf(plan).mtu = 9000), [], ["<qemu:property name='host_mtu' type='unsigned' value='9000'/>"]],
    [
      'mq needs no vectors, and so no override',
      (plan) => (netOf(plan).mq = true),
      [
        '<qemu:override>',
        "<qemu:device alias='ua-net0'>",
        '<qemu:frontend>',
        "<qemu:property name='vectors' type='unsigned' value='4'/>",
        '</qemu:frontend>',
        '</qemu:device>',
        '</qemu:override>',
      ],
      [],
    ],
    [
      'mq with an mtu',
      (plan) => void Object.assign(netOf(plan), { mq: true, mtu: 1500 }),
      ["<qemu:property name='vectors' type='unsigned' value='4'/>"],
      ["<qemu:property name='host_mtu' type='unsigned' value='1500'/>"],
    ],
    [
      'no vDPA device, nothing to lock',
      (plan) => (plan.binding.lockedMemoryBytes = 0),
      ['<memtune>', "<hard_limit unit='KiB'>4194304</hard_limit>", '</memtune>'],
      [],
    ],
    [
      'private memory',
      (plan) => (plan.binding.memoryShared = false),
      ['<memoryBacking>', "<source type='memfd'/>", "<access mode='shared'/>", '</memoryBacking>'],
      [],
    ],
    [
      'KVM',
      (plan) => (plan.binding.accelerator = 'kvm'),
      ["<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"],
      ["<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"],
    ],
    ['a read-only disk', (plan) => (plan.guestAbi.disks[0]!.readOnly = true), [], ['<readonly/>']],
    [
      'qcow2',
      (plan) => (plan.binding.disks[0] = { id: 'd', file: '/d', format: 'qcow2' }),
      ["<driver name='qemu' type='raw' queues='1'/>"],
      ["<driver name='qemu' type='qcow2' queues='1'/>"],
    ],
    [
      'host CPU',
      (plan) => (plan.guestAbi.cpu.model = 'host'),
      ["<cpu mode='custom' match='exact' check='none'>", "<model fallback='forbid'>qemu64</model>", '</cpu>'],
      ["<cpu mode='host-passthrough' check='none'/>"],
    ],
    [
      'max CPU',
      (plan) => (plan.guestAbi.cpu.model = 'max'),
      ["<cpu mode='custom' match='exact' check='none'>", "<model fallback='forbid'>qemu64</model>", '</cpu>'],
      ["<cpu mode='maximum' check='none'/>"],
    ],
    ['no QMP socket: libvirt has its own', (plan) => (plan.binding.qmpSocket = null), [], []],
    [
      'no generic device',
      (plan) => (plan.guestAbi.vdpaDevices = []),
      [
        '<qemu:commandline>',
        "<qemu:arg value='-device'/>",
        "<qemu:arg value='{&quot;driver&quot;:&quot;vhost-vdpa-device-pci&quot;,&quot;id&quot;:&quot;gen&quot;,&quot;vhostdev&quot;:&quot;/dev/vhost-vdpa-1&quot;,&quot;page-per-vq&quot;:false,&quot;iommu_platform&quot;:true,&quot;bus&quot;:&quot;pci.4&quot;,&quot;addr&quot;:&quot;0x0&quot;}'/>",
        '</qemu:commandline>',
      ],
      [],
    ],
  ])('%s', (_, edit, gone, added) => expect(change(xmlLines, edit)).toEqual([gone, added]));

  test('a vDPA disk has its own type, and no cache', () => {
    expect(renderLibvirtXml(base)).toContain(
      [
        "    <disk type='vhostvdpa' device='disk'>",
        "      <driver name='qemu' type='raw' cache='none' queues='1'/>",
        "      <source dev='/dev/vhost-vdpa-3'/>",
        "      <target dev='vdb' bus='virtio'/>",
        "      <alias name='ua-b'/>",
      ].join('\n'),
    );
  });

  test('the Arm board has a GIC for ACPI, and a PL011', () => {
    const [gone, added] = change(xmlLines, (plan) => (plan.guestAbi.architecture = 'aarch64'));
    expect(gone).toEqual([
      "<type arch='x86_64' machine='pc-q35-10.0'>hvm</type>",
      '<acpi/>',
      '<apic/>',
      "<target type='isa-serial' port='0'>",
      "<model name='isa-serial'/>",
    ]);
    expect(added).toEqual([
      "<type arch='aarch64' machine='pc-q35-10.0'>hvm</type>",
      "<gic version='3'/>",
      "<target type='system-serial' port='0'>",
      "<model name='pl011'/>",
    ]);
  });

  test('twenty-eight disks: vda to vdab, each on a port of its own', () => {
    const disks = Array.from({ length: 28 }, (_, index) => `{ id: d${index}, file: /d${index} }`).join(', ');
    const { plan } = planVm(specOf(`disks: [${disks}]\n`), [reportWith()]);
    const xml = renderLibvirtXml(plan!);
    const targets = [...xml.matchAll(/<target dev='(vd[a-z]+)'/g)].map(([, name]) => name);
    expect(targets.length).toBe(28);
    expect(new Set(targets).size).toBe(28);
    expect([targets[0], targets[25], targets[26], targets[27]]).toEqual(['vda', 'vdz', 'vdaa', 'vdab']);
    const ports = [
      ...xml.matchAll(/<address type='pci' domain='0x0000' bus='0x00' slot='(\w+)' function='(\w+)'( multi)?/g),
    ];
    expect(ports.map(([, slot, fn, multi]) => `${slot ?? ''}.${fn ?? ''}${multi === undefined ? '' : '+'}`)).toEqual(
      Array.from(
        { length: 28 },
        (_, index) => `0x0${2 + Math.floor(index / 8)}.0x${index % 8}${index % 8 === 0 ? '+' : ''}`,
      ),
    );
    expect(xml).toContain("bus='0x1c' slot='0x00' function='0x0'/>");
  });

  test('an alias is one that libvirt takes from users', () => expect(aliasOf('net0')).toBe('ua-net0'));
});

test('both formats say the same of every device: address, boot order, MAC', () => {
  const argv = renderQemuArgv(base);
  const xml = renderLibvirtXml(base);
  for (const { id, rootPort, mac } of base.guestAbi.interfaces) {
    expect(argv.find((text) => text.includes(`,id=${id},`) && text.startsWith('virtio-net'))).toContain(
      `bus=pci.${rootPort},`,
    );
    expect(xml).toContain(`<mac address='${mac}'/>`);
  }
  expect(argv.filter((text) => text.includes('bootindex=1')).length).toBe(1);
  expect(xml.match(/<boot order='1'\/>/g)).toHaveLength(1);
  expect(xml.match(/type='pci' domain/g)).toHaveLength(4 + 3);
});

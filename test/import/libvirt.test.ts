/** libvirt domain XML: what libvirt makes of it, and what it only decides when the domain is defined. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isUnknown } from '../../src/model/fact.ts';
import type { Guest } from '../../src/model/generated/guest-configuration.ts';
import { codesOf, golden, importText } from './importing.ts';

interface Parts {
  devices?: string;
  cpu?: string;
  os?: string;
  features?: string;
  top?: string;
  attributes?: string;
  clock?: string;
}

const balloon = "<memballoon model='none'/>";
const noUsb = "<controller type='usb' model='none'/>";

/** A domain of which all is known, with parts exchanged. */
function domain({ devices = '', cpu, os = '', features, top = '', attributes = '', clock = '' }: Parts = {}): string {
  return `<domain type='kvm'${attributes} xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
<name>vm</name><uuid>0228FC7C-a8ec-514a-8c77-cf394863f9b1</uuid><memory>1048576</memory><vcpu>2</vcpu>
<os><type arch='x86_64' machine='pc-q35-10.0'>hvm</type>${os}</os>
<features><acpi/>${features ?? ''}</features>${cpu ?? "<cpu mode='custom'><model>EPYC</model></cpu>"}
<clock offset='utc'>${clock}</clock>${top}
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>${devices.includes('<memballoon') ? '' : balloon}${devices.includes("type='usb'") ? '' : noUsb}${devices}</devices></domain>`;
}

const at = (bus: string, slot = '0x00'): string =>
  `<address type='pci' domain='0x0000' bus='${bus}' slot='${slot}' function='0x0'/>`;
const port = `<controller type='pci' index='1' model='pcie-root-port'><model name='pcie-root-port'/><target chassis='1' port='0x10'/>${at('0x00', '0x02')}</controller>`;
const nic = (inner: string, type = 'vdpa'): string =>
  `${port}<interface type='${type}'><mac address='52:54:00:00:00:01'/><source dev='/dev/vhost-vdpa-0'/>${inner}${at('0x01')}</interface>`;
const nicOf = (inner: string, type?: string): Guest['interfaces'][number] =>
  importText(domain({ devices: nic(inner, type) })).guest.interfaces[0]!;
const virtio = "<model type='virtio'/>";

describe('interfaces', () => {
  test('queues, ring sizes and offloads, with <model type=virtio/>', () => {
    const driver =
      "<driver queues='4' rx_queue_size='512' tx_queue_size='1024' page_per_vq='on' packed='on' iommu='on' ats='on' rss='on' rss_hash_report='on' event_idx='off'><host csum='off' tso4='off' mrg_rxbuf='off'/><guest tso6='off'/></driver>";
    expect(nicOf(virtio + driver)).toMatchObject({
      address: '02.0/00.0',
      mq: true,
      vectors: 10,
      rxQueueSize: 512,
      txQueueSize: 1024,
      pagePerVq: true,
      packed: true,
      iommuPlatform: true,
      transitional: false,
      properties: {
        ats: true,
        csum: false,
        event_idx: false,
        guest_tso6: false,
        hash: true,
        host_tso4: false,
        mrg_rxbuf: false,
        rss: true,
      },
    });
  });

  test('without it libvirt drops them without a word, and keeps the rest', () => {
    const inner = "<driver queues='4' rx_queue_size='512' page_per_vq='on'><host csum='off'/></driver>";
    expect(nicOf(inner)).toMatchObject({ mq: false, rxQueueSize: 256, pagePerVq: true, properties: {} });
    expect(codesOf(domain({ devices: nic(inner) }))).toEqual(['import.libvirt-drops']);
    expect(codesOf(domain({ devices: nic("<driver page_per_vq='on'/>") }))).toEqual([]);
  });

  test('one queue is none', () => expect(nicOf(`${virtio}<driver queues='1'/>`)).toMatchObject({ mq: false }));

  test('ROM, boot order, teaming, MTU, other models', () => {
    expect(nicOf(`${virtio}<rom enabled='no'/><boot order='3'/>`)).toMatchObject({ optionRom: false, bootIndex: 3 });
    expect(nicOf(`${virtio}<rom bar='off' file='/x'/><teaming type='persistent'/>`)).toMatchObject({
      optionRom: false,
      properties: { failover: true },
    });
    expect(nicOf(`${virtio}<rom bar='on'/><mtu size='9000'/><acpi index='7'/>`, 'bridge')).toMatchObject({
      optionRom: true,
      mtu: 9000,
      properties: { 'acpi-index': 7 },
    });
    expect(nicOf("<model type='virtio-transitional'/>").transitional).toBe(true);
    expect(nicOf("<model type='virtio-non-transitional'/>").transitional).toBe(false);
  });

  test('what libvirt makes up when the domain is defined is not known', () => {
    const { guest, digest } = importText(
      domain({ devices: `<interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/>${virtio}</interface>` }),
    );
    expect([guest.interfaces[0]!.mac, guest.interfaces[0]!.address].every(isUnknown)).toBe(true);
    expect(digest).toBeNull();
  });

  test('other types of interface', () => {
    expect(importText(domain({ devices: nic(virtio, 'bridge') })).binding.devices).toMatchObject([
      { backend: 'tap', charDevice: null },
    ]);
    expect(isUnknown(importText(domain({ devices: nic(virtio, 'strange') })).binding.devices[0]!.backend)).toBe(true);
    for (const [devices, driver] of [
      [nic("<model type='e1000e'/>", 'bridge'), 'e1000e'],
      [nic(virtio, 'hostdev'), 'vfio-pci'],
      [nic('', 'bridge'), { unknown: 'not-supported' }],
    ] as const) {
      const { guest } = importText(domain({ devices }));
      expect(guest.interfaces).toEqual([]);
      expect(guest.otherDevices).toMatchObject([
        { address: '02.0/00.0', driver, properties: { settings: { unknown: 'not-supported' } } },
      ]);
    }
  });
});

describe('disks', () => {
  const disk = (inner: string, type = 'file', attributes = "device='disk'"): string =>
    `${port}<disk type='${type}' ${attributes}><source file='/a' dev='/dev/vhost-vdpa-1'/><target dev='vda' bus='virtio'/>${inner}${at('0x01')}</disk>`;
  const of = (inner: string, type?: string): Guest['disks'][number] =>
    importText(domain({ devices: disk(inner, type) })).guest.disks[0]!;

  test('properties', () => {
    expect(
      of(
        "<driver queues='3' queue_size='512' cache='writethrough'/><readonly/><serial>abc</serial><blockio logical_block_size='4096'/>",
      ),
    ).toMatchObject({
      queues: 3,
      readOnly: true,
      properties: { 'queue-size': 512, 'write-cache': false, serial: 'abc', logical_block_size: 4096 },
    });
    expect(of("<driver cache='none'/>")).toMatchObject({ queues: 2, readOnly: false, properties: {} });
    expect(isUnknown(of("<geometry cyls='1'/>").properties['settings'])).toBe(true);
  });

  test('a vDPA disk is bound, and counts for locked memory', () => {
    const { binding } = importText(domain({ devices: disk('', 'vhostvdpa') }));
    expect(binding.devices).toMatchObject([{ backend: 'virtio-blk-vhost-vdpa', charDevice: '/dev/vhost-vdpa-1' }]);
    expect(binding.lockedMemoryBytes).toBe(2 ** 31);
  });

  test('other disks', () => {
    const { guest } = importText(domain({ devices: disk('', 'file', "device='cdrom'") }));
    expect(guest.disks).toEqual([]);
    expect(guest.otherDevices).toHaveLength(1);
    expect(importText(domain({ devices: disk('', 'file', "device='disk' model='odd'") })).guest.disks).toEqual([]);
  });

  test('boot order: by element, by <os>, else the first disk', () => {
    const both =
      disk('') +
      nic(virtio).slice(port.length).replace("bus='0x01'", "bus='0x00' ").replace("slot='0x00'", "slot='0x07'");
    const indexes = (os: string, devices = both): unknown[] => {
      const { guest } = importText(domain({ devices, os }));
      return [guest.disks[0]!.bootIndex, guest.interfaces[0]!.bootIndex];
    };
    expect(indexes('')).toEqual([1, null]);
    expect(indexes("<boot dev='network'/><boot dev='hd'/>")).toEqual([2, 1]);
    expect(indexes("<boot dev='cdrom'/><boot dev='network'/><boot dev='network'/>")).toEqual([null, 2]);
    expect(indexes('', both.replace('<source', "<boot order='5'/><source"))).toEqual([5, null]);
  });
});

describe('the board', () => {
  const modelOf = (parts: Parts): unknown => importText(domain(parts)).guest.cpu.model;
  test.each([
    [
      "<cpu><model>EPYC</model><feature policy='require' name='x2apic'/><feature policy='disable' name='pclmuldq'/><feature name='svm'/></cpu>",
      'EPYC,pclmulqdq=off,svm=on,x2apic=on',
    ],
    ["<cpu mode='host-passthrough' migratable='on'/>", 'host'],
    ["<cpu mode='host-passthrough' migratable='off'/>", 'host,migratable=off'],
    ["<cpu mode='maximum'/>", 'max'],
  ])('%s', (cpu, want) => expect(modelOf({ cpu })).toBe(want));

  test.each<[string, Parts]>([
    ['no CPU', { cpu: '' }],
    ['no model', { cpu: '<cpu/>' }],
    ['an empty model', { cpu: '<cpu><model/></cpu>' }],
    ['host-model', { cpu: "<cpu mode='host-model'/>" }],
    ['a vendor id', { cpu: "<cpu><model vendor_id='x'>EPYC</model></cpu>" }],
    ['a cache', { cpu: "<cpu><model>EPYC</model><cache mode='emulate'/></cpu>" }],
    ['an optional feature', { cpu: "<cpu><model>EPYC</model><feature policy='optional' name='x'/></cpu>" }],
    ['the CPU of a running domain', { cpu: "<cpu check='full'><model>EPYC</model></cpu>", attributes: " id='3'" }],
    ['hyperv', { features: '<hyperv/>' }],
    ['a clock of the hypervisor', { clock: "<timer name='kvmclock' present='no'/>" }],
  ])('the CPU is not known: %s', (_, parts) => expect(isUnknown(modelOf(parts))).toBe(true));

  test('topology, memory, memory backing', () => {
    const { guest, binding } = importText(
      domain({
        cpu: "<cpu><model>EPYC</model><topology sockets='1' dies='2' cores='2' threads='1'/></cpu>",
        top: "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking><maxMemory slots='4' unit='GiB'>2</maxMemory><memtune><hard_limit unit='G'>3</hard_limit></memtune>",
      }).replace('<vcpu>2</vcpu>', "<vcpu current='2'>4</vcpu>"),
    );
    expect(guest.cpu).toMatchObject({ count: 2, sockets: 1, cores: 2, threads: 1 });
    expect(guest.machineOptions).toEqual({
      'memory.maxmem': 2 ** 31,
      'memory.slots': 4,
      'smp.dies': 2,
      'smp.maxcpus': 4,
    });
    expect(binding).toMatchObject({ memoryShared: true, lockedMemoryBytes: 3 * 2 ** 30, accelerator: 'kvm' });
    expect(guest.uuid).toBe('0228fc7c-a8ec-514a-8c77-cf394863f9b1');
  });

  test('memory is rounded up to 1 MiB; no size, no memory', () => {
    const memory = (text: string): unknown =>
      importText(domain().replace('<memory>1048576</memory>', text)).guest.memoryBytes;
    expect(memory("<memory unit='KB'>1</memory>")).toBe(2 ** 20);
    expect(memory("<memory unit='MiB'>3</memory>")).toBe(3 * 2 ** 20);
    expect([memory(''), memory('<memory>much</memory>'), memory("<memory unit='x'>1</memory>")].every(isUnknown)).toBe(
      true,
    );
  });

  test('features and timers', () => {
    const { guest } = importText(
      domain({
        features: "<smm state='on'/><vmport state='off'/>",
        clock:
          "<timer name='hpet' present='no'/><timer name='rtc' tickpolicy='catchup'/><timer name='pit' tickpolicy='delay'/>",
        os: "<bootmenu enable='yes' timeout='3000'/><bios rebootTimeout='5'/>",
      }),
    );
    expect(guest.machineOptions).toEqual({ hpet: false, smm: true, vmport: false });
    expect(guest.otherOptions).toEqual({
      boot: ['menu=on,reboot-timeout=5,splash-time=3000,strict=on'],
      global: ['kvm-pit.lost_tick_policy=delay'],
      rtc: ['driftfix=slew'],
    });
    expect(importText(domain().replace('<acpi/>', '')).guest.machineOptions).toEqual({ acpi: false });
  });

  test.each<[string, Parts]>([
    ['<sysinfo>', { top: '<sysinfo/>' }],
    ['<loader>', { os: '<loader>/x</loader>' }],
    ['firmware', { features: '<xyz/>' }],
    ['NUMA cells', { cpu: "<cpu><model>EPYC</model><numa><cell id='0'/></numa></cpu>" }],
  ])('%s is not read: the other options are not known', (_, parts) => {
    const { guest, digest } = importText(domain(parts));
    expect(isUnknown(guest.otherOptions)).toBe(true);
    expect(digest).toBeNull();
  });

  test('queue pairs of a NIC that is not over vDPA are those of <driver>', () => {
    const four = "<driver queues='4'/>";
    expect([nicOf(virtio + four, 'bridge').queuePairs, nicOf(virtio, 'bridge').queuePairs]).toEqual([4, 1]);
    expect(isUnknown(nicOf(virtio + four).queuePairs)).toBe(true);
  });

  test('a kernel that QEMU boots is kept word for word', () => {
    const os = '<kernel>/boot/vmlinuz</kernel><initrd>/boot/initrd</initrd><cmdline> quiet x="a,b" </cmdline>';
    expect(importText(domain({ os })).guest.otherOptions).toMatchObject({
      kernel: ['/boot/vmlinuz'],
      initrd: ['/boot/initrd'],
      append: [' quiet x="a,b" '],
    });
  });

  test('firmware by attribute, a domain without most things', () => {
    expect(isUnknown(importText(domain().replace('<os>', "<os firmware='efi'>")).guest.otherOptions)).toBe(true);
    const { guest, binding } = importText('<domain type="xen"/>');
    const leaves = [
      guest.machine,
      guest.architecture,
      guest.uuid,
      guest.cpu.model,
      guest.memoryBytes,
      binding.accelerator,
    ];
    expect(leaves.every(isUnknown)).toBe(true);
  });

  test('no limit where memory is locked as a whole; tcg', () => {
    const locked = domain({ devices: nic(virtio), top: '<memoryBacking><locked/></memoryBacking>' });
    expect(importText(locked).binding.lockedMemoryBytes).toBeNull();
    expect(importText(locked.replace("type='kvm'", "type='qemu'")).binding.accelerator).toBe('tcg');
    expect(
      isUnknown(
        importText(domain({ devices: nic(virtio) }).replace('<memory>1048576</memory>', '')).binding.lockedMemoryBytes,
      ),
    ).toBe(true);
  });
});

describe('other devices', () => {
  const others = (devices: string): Guest['otherDevices'] => importText(domain({ devices })).guest.otherDevices;

  test('those that libvirt makes of an element', () => {
    expect(others(`<memballoon model='virtio' autodeflate='on'>${at('0x00', '0x05')}</memballoon>`)).toMatchObject([
      { driver: 'virtio-balloon-pci', address: '05.0', properties: { 'deflate-on-oom': true } },
    ]);
    expect(others(`<rng model='virtio'><rate bytes='1' period='2'/>${at('0x00', '0x05')}</rng>`)).toMatchObject([
      { driver: 'virtio-rng-pci', properties: { 'max-bytes': 1, period: 2 } },
    ]);
    expect(
      others(`<controller type='usb' index='0' model='qemu-xhci' ports='15'>${at('0x00', '0x05')}</controller>`),
    ).toMatchObject([{ driver: 'qemu-xhci', properties: { p2: 15, p3: 15 } }]);
    expect(
      others(`<controller type='usb' index='0' model='nec-xhci'>${at('0x00', '0x05')}</controller>`),
    ).toMatchObject([{ driver: 'nec-usb-xhci' }]);
    expect(others(`<controller type='virtio-serial' index='0'>${at('0x00', '0x05')}</controller>`)).toMatchObject([
      { driver: 'virtio-serial-pci' },
    ]);
    expect(others(`<watchdog model='i6300esb'>${at('0x00', '0x05')}</watchdog>`)).toMatchObject([
      { driver: 'i6300esb' },
    ]);
    expect(others("<serial type='pty'/>")).toMatchObject([{ driver: 'isa-serial', properties: { index: 0 } }]);
    expect(
      others(
        `<controller type='pci' index='2' model='pcie-to-pci-bridge'><model name='pcie-pci-bridge'/>${at('0x00', '0x05')}</controller>`,
      ),
    ).toMatchObject([{ driver: 'pcie-pci-bridge', address: '05.0' }]);
  });

  test('those that the board has anyway, or only the host sees', () => {
    const text =
      "<controller type='pci' index='0' model='pcie-root'/><controller type='usb' index='0' model='none'/><input type='mouse' bus='ps2'/><video><model type='none'/></video><graphics/><audio id='1' type='none'/><watchdog model='itco'/><console type='pty'><target type='serial' port='0'/></console><serial type='pty'><target type='system-serial'><model name='pl011'/></target></serial>" +
      `<controller type='sata' index='0'>${at('0x00', '0x1f').replace("function='0x0'", "function='0x2'")}</controller>`;
    expect(others(text)).toEqual([]);
  });

  test.each([
    "<input type='tablet'/>",
    "<video><model type='gop'/></video>",
    "<channel type='unix'/>",
    "<tpm model='tpm-spapr'/>",
    "<watchdog model='diag288'/>",
    "<serial type='pty'><target type='usb-serial'/></serial>",
    "<controller type='scsi' index='0' model='ibmvscsi'/>",
    "<rng model='odd'/>",
    '<smartcard/>',
  ])('%s is there, and not known', (text) => {
    const [device] = others(text);
    expect(isUnknown(device?.driver)).toBe(true);
  });

  test.each([
    ["<input type='tablet' bus='usb'/>", 'usb-tablet'],
    ["<input type='keyboard' bus='virtio' model='virtio-transitional'/>", 'virtio-keyboard-pci-transitional'],
    ["<input type='passthrough' bus='virtio'/>", 'virtio-input-host-pci'],
    ["<video><model type='virtio' primary='yes'/></video>", 'virtio-vga'],
    ["<video><model type='virtio'/></video>", 'virtio-gpu-pci'],
    ["<video><model type='virtio'><acceleration accel3d='yes'/></model></video>", 'virtio-gpu-gl-pci'],
    ["<video><driver name='vhostuser'/><model type='virtio' primary='yes'/></video>", 'vhost-user-vga'],
    ["<video><model type='qxl' primary='yes'/></video>", 'qxl-vga'],
    ["<video><model type='qxl'/></video>", 'qxl'],
    ["<video><model type='vga'/></video>", 'VGA'],
    ["<console><target type='virtio'/></console>", 'virtconsole'],
    ["<channel type='unix'><target type='virtio' name='a'/></channel>", 'virtserialport'],
    ["<tpm model='tpm-crb'><backend type='passthrough'/></tpm>", 'tpm-crb'],
    ["<controller type='scsi' index='0' model='lsilogic'/>", 'lsi53c895a'],
    ["<controller type='scsi' index='0' model='virtio-scsi'/>", 'virtio-scsi-pci'],
    ["<controller type='usb' index='0' model='ich9-ehci1'/>", 'ich9-usb-ehci1'],
    ["<controller type='sata' index='1'/>", 'ich9-ahci'],
    ["<controller type='ccid' index='0'/>", 'usb-ccid'],
    ["<controller type='nvme' index='0'/>", 'nvme'],
    ["<iommu model='amd'/>", 'amd-iommu'],
    ["<crypto model='virtio'/>", 'virtio-crypto-pci'],
    ["<sound model='virtio'/>", 'virtio-sound-pci'],
    ["<sound model='ich9'/>", 'ich9-intel-hda'],
    ["<vsock model='virtio'/>", 'vhost-vsock-pci'],
    ["<panic model='pvpanic'/>", 'pvpanic-pci'],
    ["<memory model='dimm'/>", 'pc-dimm'],
    ["<serial type='pty'><target type='usb-serial'><model name='usb-serial'/></target></serial>", 'usb-serial'],
    ['<parallel/>', 'isa-parallel'],
    ["<disk device='cdrom'><target dev='sda' bus='sata'/></disk>", 'ide-cd'],
    ["<disk device='disk'><target dev='sda' bus='scsi'/></disk>", 'scsi-hd'],
    ["<disk device='lun'><target dev='sda' bus='scsi'/></disk>", 'scsi-block'],
    ["<disk device='disk'><target dev='sda' bus='usb'/></disk>", 'usb-storage'],
    ["<disk device='floppy'><target dev='fda' bus='fdc'/></disk>", 'floppy'],
  ])('%s is a %s, of which no more is known', (text, driver) => {
    expect(others(text)).toMatchObject([{ driver, properties: { settings: { unknown: 'not-supported' } } }]);
  });

  test('devices on other buses have the place that libvirt writes, or none yet', () => {
    const tablet = (address: string): unknown =>
      others(`<input type='tablet' bus='usb'>${address}</input><input type='mouse' bus='usb'/>`).find(
        ({ driver }) => driver === 'usb-tablet',
      )?.properties;
    expect(tablet("<address type='usb' bus='0' port='2'/>")).toMatchObject({ port: '0.2' });
    expect(tablet('')).toMatchObject({ port: { unknown: 'not-present' } });
  });

  test('boards other than x86 have no VGA', () => {
    const video = "<video><model type='virtio' primary='yes'/></video>";
    const text = domain({ devices: `${video}${balloon}` }).replace("arch='x86_64'", "arch='aarch64'");
    expect(importText(text).guest.otherDevices).toMatchObject([{ driver: 'virtio-gpu-pci' }]);
  });

  test('libvirt adds a memory balloon', () => {
    const { guest } = importText(domain().replace(balloon, ''));
    expect(guest.otherDevices).toMatchObject([{ driver: 'virtio-balloon-pci', address: { unknown: 'not-present' } }]);
  });

  test('bridges and ports without a target', () => {
    const bare = importText(
      domain({ devices: `<controller type='pci' index='1' model='pcie-root-port'>${at('0x00', '0x05')}</controller>` }),
    ).guest;
    expect(bare.rootPorts).toMatchObject([{ address: '05.0', chassis: { unknown: 'not-present' } }]);
    const named = importText(
      domain({
        devices: `<controller type='pci' index='1' model='pcie-root-port'><model name='pcie-root-port'/></controller>`,
      }),
    ).guest;
    expect([named.rootPorts[0]!.chassis, named.rootPorts[0]!.address].every(isUnknown)).toBe(true);
    expect(
      others(`<controller type='pci' index='1' model='dmi-to-pci-bridge'>${at('0x00', '0x05')}</controller>`)[0]!
        .address,
    ).toBe('05.0');
  });

  test('an address in another domain, or of another kind', () => {
    const text = (address: string): string => `<rng model='virtio'>${address}</rng>`;
    expect(isUnknown(others(text("<address type='pci' domain='0x0001' bus='0x00' slot='0x01'/>"))[0]!.address)).toBe(
      true,
    );
    expect(isUnknown(others(text("<address type='ccw'/>"))[0]!.address)).toBe(true);
  });
});

test('<qemu:commandline> and <qemu:override> are read', () => {
  const text = domain({
    devices: nic(`${virtio}<alias name='ua-a'/>`),
    top: `<qemu:commandline><qemu:arg value='-device'/><qemu:arg value='{"driver":"vhost-vdpa-device-pci","vhostdev":"/dev/vhost-vdpa-9","bus":"pcie.0","addr":"0x9"}'/><qemu:env name='A'/></qemu:commandline>
<qemu:override><qemu:device alias='ua-a'><qemu:frontend><qemu:property name='vectors' type='unsigned' value='7'/><qemu:property name='gso' type='bool' value='false'/><qemu:property name='rx_queue_size' type='remove'/><qemu:property name='romfile' type='string' value=''/><qemu:property name='unknown' type='string' value='x'/></qemu:frontend></qemu:device></qemu:override>`,
  });
  const { guest, binding } = importText(text);
  expect(guest.interfaces[0]).toMatchObject({
    vectors: 7,
    properties: { gso: false },
    optionRom: false,
    rxQueueSize: 256,
  });
  expect(guest.vdpaDevices).toMatchObject([{ address: '09.0' }]);
  expect(binding.devices[1]).toMatchObject({ device: '/vdpaDevices/0', charDevice: '/dev/vhost-vdpa-9' });
});

test('the golden XML without addresses loses its digest, and says why', () => {
  const text = golden('quickstart', 'expected.xml').replace(/<address type='pci'[^>]*bus='0x01'[^>]*>/, '');
  const { digest, undetermined } = importText(text);
  expect(digest).toBeNull();
  expect(undetermined.slice(0, 1)).toMatchObject([
    { path: '/interfaces/0/address', reason: expect.stringContaining('libvirt assigns one') as string },
  ]);
});

const fixtures = 'test/fixtures/import';
const captured = readdirSync(fixtures)
  .filter((name) => name.endsWith('.plan.json'))
  .map((name) => name.replace('.plan.json', ''));

describe.each(captured)('what libvirt 11.3 made of %s', (name) => {
  const read = (ending: string): string => readFileSync(`${fixtures}/${name}.${ending}`, 'utf8');
  const want = importText(read('plan.json')).digest;

  test.each(['inactive.xml', 'migratable.xml', 'cmdline'])('%s has the digest of the plan', (ending) => {
    const { digest, undetermined } = importText(read(ending));
    expect(undetermined.filter(({ inDigest }) => inDigest)).toEqual([]);
    expect(digest).toBe(want);
    expect(want).not.toBeNull();
  });
});

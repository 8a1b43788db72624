/** What is not known of a guest: what of it stands in the way of `can`, and what does not. */
import { describe, expect, test } from 'vitest';
import { readGuestConfiguration } from '../../src/import/read.ts';
import { unknown } from '../../src/model/fact.ts';
import type { GuestConfiguration } from '../../src/model/generated/guest-configuration.ts';
import { host } from '../report-builder.ts';
import { changed, check, reasons, running, simGuest, simHost, there } from './migrating.ts';

const strange = unknown('not-supported', 'not known here (sha256 of its text: 0)');
const chosen = unknown('not-present', 'libvirt chooses it');
const notAsked = unknown('not-asked', 'what is in a file is not known');

function of(edit: (copy: GuestConfiguration) => void, ran = false): string[] {
  const guest = changed(simGuest, edit);
  return reasons(check(ran ? running(guest, 0x308830028n) : guest, simHost(there), { from: simHost() }));
}

const device =
  (driver: GuestConfiguration['guest']['otherDevices'][number]['driver'], settings = strange) =>
  ({ guest }: GuestConfiguration) =>
    void guest.otherDevices.push({ id: null, driver, address: null, properties: { settings } });

describe('what matters', () => {
  test.each<[string, (copy: GuestConfiguration) => void, boolean]>([
    ['what a device is', device(strange), false],
    ['what the rest of the configuration is', ({ guest }) => void (guest.otherOptions = strange), false],
    ['an option', ({ guest }) => void (guest.otherOptions = { new: strange }), false],
    ['a file', ({ guest }) => void (guest.otherOptions = { readconfig: notAsked }), true],
    ['an option of the board', ({ guest }) => void (guest.machineOptions = { pflash0: notAsked }), false],
    [
      'the interrupt controller under KVM',
      ({ guest, binding }) => {
        guest.machineOptions = { 'gic-version': chosen };
        binding.accelerator = 'xen';
      },
      true,
    ],
  ])('%s', (_, edit, evenRunning) => {
    expect(of(edit)).toContain('unknown migration.not-known');
    const codes = of(edit, true).filter((reason) => reason.endsWith('not-known'));
    expect(codes).toHaveLength(evenRunning ? 1 : 0);
  });

  test('the same text at both ends does not make it known', () => {
    const guest = changed(simGuest, device(strange));
    const found = check(guest, simHost(there), { from: simHost(), with: guest });
    expect(reasons(found)).toEqual(['unknown migration.not-known']);
  });
});

describe('what does not', () => {
  test.each<[string, (copy: GuestConfiguration) => void]>([
    ['a device that libvirt chooses', device(chosen)],
    ['the properties of a known device', device('virtio-rng-pci')],
    ['the interrupt controller under TCG', ({ guest }) => void (guest.machineOptions = { 'gic-version': chosen })],
    ['a UUID', ({ guest }) => void (guest.uuid = chosen)],
    ['an address', ({ guest }) => void (guest.interfaces[0]!.address = chosen)],
    ['memory and topology', ({ guest }) => Object.assign(guest, { memoryBytes: chosen, ramBlock: chosen })],
    ['the CPU model under TCG, of the same QEMU', ({ guest }) => void (guest.cpu.model = strange)],
  ])('%s', (_, edit) => expect(of(edit)).toEqual([]));
});

/** As `virsh dumpxml` shows an ordinary guest of virt-install with a vDPA NIC. */
const ordinary = (
  devices = '',
) => `<domain type='kvm'><name>web1</name><uuid>12fcef43-f636-5201-ba5a-77af4a84f6b1</uuid>
<memory unit='KiB'>524288</memory><memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking><vcpu placement='static'>1</vcpu>
<os><type arch='x86_64' machine='pc-q35-10.0'>hvm</type><boot dev='hd'/></os>
<features><acpi/><apic/><vmport state='off'/></features>
<cpu mode='host-passthrough' check='none' migratable='on'/>
<clock offset='utc'><timer name='rtc' tickpolicy='catchup'/><timer name='pit' tickpolicy='delay'/><timer name='hpet' present='no'/></clock>
<pm><suspend-to-mem enabled='no'/><suspend-to-disk enabled='no'/></pm>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
<disk type='file' device='disk'><driver name='qemu' type='qcow2' discard='unmap'/><source file='/a.qcow2'/><target dev='vda' bus='virtio'/>${at(4)}</disk>
<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><target dev='sda' bus='sata'/><readonly/><address type='drive' controller='0' bus='0' target='0' unit='0'/></disk>
<controller type='usb' index='0' model='qemu-xhci' ports='15'>${at(2)}</controller>
<controller type='pci' index='0' model='pcie-root'/>
${[1, 2, 3, 4, 5, 6].map((index) => `<controller type='pci' index='${index}' model='pcie-root-port'><model name='pcie-root-port'/><target chassis='${index}' port='0x${(15 + index).toString(16)}'/><address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x${index - 1}'${index === 1 ? " multifunction='on'" : ''}/></controller>`).join('')}
<controller type='sata' index='0'><address type='pci' domain='0x0000' bus='0x00' slot='0x1f' function='0x2'/></controller>
<controller type='virtio-serial' index='0'>${at(3)}</controller>
<interface type='vdpa'><mac address='52:54:00:12:34:56'/><source dev='/dev/vhost-vdpa-2'/><model type='virtio'/><driver iommu='on'/><rom enabled='no'/>${at(1)}</interface>
<serial type='pty'><target type='isa-serial' port='0'><model name='isa-serial'/></target></serial>
<console type='pty'><target type='serial' port='0'/></console>
<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/><address type='virtio-serial' controller='0' bus='0' port='1'/></channel>
<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/><address type='virtio-serial' controller='0' bus='0' port='2'/></channel>
<input type='tablet' bus='usb'><address type='usb' bus='0' port='1'/></input><input type='mouse' bus='ps2'/><input type='keyboard' bus='ps2'/>
<graphics type='spice' autoport='yes'/><audio id='1' type='none'/><sound model='ich9'><address type='pci' domain='0x0000' bus='0x00' slot='0x1b' function='0x0'/></sound>
<video><model type='virtio' heads='1' primary='yes'/><address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x0'/></video>
<memballoon model='virtio'>${at(5)}</memballoon><rng model='virtio'><backend model='random'>/dev/urandom</backend>${at(6)}</rng>${devices}
</devices></domain>`;

function at(bus: number): string {
  return `<address type='pci' domain='0x0000' bus='0x0${bus}' slot='0x00' function='0x0'/>`;
}

const kvm = host({ kvm: true });
function domain(text: string): GuestConfiguration {
  return readGuestConfiguration(text, { as: 'libvirt' }).configuration!;
}

function verdictOf(text: string): string[] {
  const one = simHost(kvm, (report) => {
    const [device] = report.devices;
    Object.assign(device!, { charDevice: { path: '/dev/vhost-vdpa-2', major: 250, minor: 2 } });
    Object.assign(device!.identity.config, { mac: '52:54:00:12:34:56' });
  });
  const other = structuredClone(one);
  there(other);
  return reasons(check(domain(text), other, { from: one }));
}

describe('domains of libvirt', () => {
  test('an ordinary one is decided', () => expect(verdictOf(ordinary())).toEqual([]));

  test.each([
    ["<iommu model='amd'/>", 'refused migration.other-device'],
    ["<crypto model='virtio' type='qemu'><backend model='builtin'/></crypto>", 'refused migration.other-device'],
    ["<sound model='virtio'/>", 'refused migration.other-device'],
    ["<sound model='usb'/>", 'refused migration.other-device'],
    ["<controller type='nvme' index='0'/>", 'refused migration.other-device'],
    [
      "<input type='passthrough' bus='virtio'><source evdev='/dev/input/event1'/></input>",
      'refused migration.other-device',
    ],
    ["<tpm model='tpm-tis'><backend type='passthrough'/></tpm>", 'unknown migration.other-device'],
    ["<vsock model='virtio'><cid auto='no' address='3'/></vsock>", 'unknown migration.other-device'],
    ["<interface type='hostdev'><mac address='52:54:00:00:00:01'/></interface>", 'unknown migration.other-device'],
    ['<smartcard/>', 'unknown migration.not-known'],
  ])('%s: %s', (devices, expected) => expect(verdictOf(ordinary(devices))).toContain(expected));

  test('what is not read of the rest', () => {
    expect(verdictOf(ordinary().replace('<os>', "<os firmware='efi'>"))).toContain('unknown migration.not-known');
  });
});

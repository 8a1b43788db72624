/** Domains as people write them: one thing different in each. All are for libvirt's QEMU driver on x86_64. */

import { escapeXml } from '../../src/render/xml.ts';

export interface Variant {
  readonly name: string;
  /** of the domain */
  readonly domain: string;
  /** FOLDER/vdpa stands for a vDPA device, FOLDER/disk.raw for a disk, VERSION for that of QEMU's own machine type */
  readonly xml: string;
}

interface Parts {
  readonly head?: string;
  readonly os?: string;
  readonly features?: string;
  readonly cpu?: string;
  readonly devices?: string;
  readonly usb?: string;
  readonly balloon?: string;
  readonly tail?: string;
  readonly memory?: string;
  readonly uuid?: string;
}

const uuid = '<uuid>11111111-2222-4333-8444-555555555555</uuid>';
const noUsb = "<controller type='usb' index='0' model='none'/>";
const memory = "<memory unit='MiB'>128</memory>";
const machine = "<type arch='x86_64' machine='pc-q35-VERSION'>hvm</type>";

function domain(parts: Parts): string {
  const { head = '<vcpu>1</vcpu>', os = machine, features = '<features><acpi/></features>', cpu = plainCpu } = parts;
  const { devices = '', usb = noUsb, balloon = "<memballoon model='none'/>", tail = '' } = parts;
  return `<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
<name>DOMAIN</name>
${parts.uuid ?? uuid}
${parts.memory ?? memory}
${head}
<os>${os}</os>
${features}
${cpu}
<devices>
<emulator>EMULATOR</emulator>
${usb}
${devices}
${balloon}
</devices>
${tail}
</domain>
`;
}

const plainCpu = "<cpu mode='custom' match='exact' check='none'><model fallback='forbid'>qemu64</model></cpu>";

const port =
  "<controller type='pci' index='1' model='pcie-root-port'><model name='pcie-root-port'/><target chassis='1' port='0x10'/><address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x0'/></controller>";
const behind = "<address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>";
const mac = "<mac address='52:54:00:0d:0a:00'/>";
const source = "<source dev='FOLDER/vdpa'/>";
const model = "<model type='virtio'/>";

/** A vDPA interface behind a root port of its own. */
function nic(inner: string, { mod = model, address = behind } = {}): string {
  return `${port}<interface type='vdpa'>${mac}${source}${mod}${inner}<alias name='ua-net0'/>${address}</interface>`;
}

function disk(inner: string, { driver = "name='qemu' type='raw'", attributes = '', before = '' } = {}): string {
  return `${port}<disk type='file' device='disk'${attributes}><driver ${driver}/><source file='FOLDER/disk.raw'/><target dev='vda' bus='virtio'/>${before}${inner}<alias name='ua-disk0'/>${behind}</disk>`;
}

const driver = (attributes: string, inner = ''): string => nic(`<driver ${attributes}>${inner}</driver>`);
const withOverride = (properties: string, drv = ''): string =>
  domain({
    devices: nic(drv),
    tail: `<qemu:override><qemu:device alias='ua-net0'><qemu:frontend>${properties}</qemu:frontend></qemu:device></qemu:override>`,
  });

const hostile = 'a name with commas and quotes';

const texts: Readonly<Record<string, string>> = {
  'plain NIC': domain({ devices: nic('') }),
  'no model': domain({ devices: nic('', { mod: '' }) }),
  'no model, with queues and ring sizes': domain({
    devices: nic("<driver queues='4' rx_queue_size='512' page_per_vq='on'/>", { mod: '' }),
  }),
  'non-transitional model': domain({ devices: nic('', { mod: "<model type='virtio-non-transitional'/>" }) }),
  'queues=4': domain({ devices: driver("queues='4'") }),
  'queues=1': domain({ devices: driver("queues='1'") }),
  'root port without a model name, as management writes it': domain({
    devices: nic('').replace("<model name='pcie-root-port'/>", ''),
  }),
  'page_per_vq=on': domain({ devices: driver("page_per_vq='on'") }),
  'page_per_vq=off': domain({ devices: driver("page_per_vq='off'") }),
  'packed=on': domain({ devices: driver("packed='on'") }),
  'iommu=on, ats=on': domain({ devices: driver("iommu='on' ats='on'") }),
  'ring sizes': domain({ devices: driver("rx_queue_size='512' tx_queue_size='1024'") }),
  'event_idx=off, ioeventfd=off': domain({ devices: driver("event_idx='off' ioeventfd='off'") }),
  'host offloads': domain({
    devices: driver("queues='2'", "<host csum='off' gso='off' tso4='off' tso6='off' ecn='off' ufo='off'/>"),
  }),
  'guest offloads': domain({
    devices: driver("queues='2'", "<guest csum='off' tso4='off' tso6='off' ecn='off' ufo='off'/>"),
  }),
  'mrg_rxbuf=off': domain({ devices: driver("queues='2'", "<host mrg_rxbuf='off'/>") }),
  'rss and hash report': domain({ devices: driver("queues='4' rss='on' rss_hash_report='on'") }),
  'name=vhost': domain({ devices: driver("name='vhost'") }),
  'no effect: bandwidth, backend, target': domain({
    devices: nic(
      "<bandwidth><inbound average='1000'/></bandwidth><target dev='vnet9'/><backend vhost='/dev/vhost-net'/>",
    ),
  }),
  'boot order': domain({ devices: nic("<boot order='1'/>") }),
  'no option ROM': domain({ devices: nic("<rom enabled='no'/>") }),
  'rombar off': domain({ devices: nic("<rom bar='off'/>") }),
  'ROM file': domain({ devices: nic("<rom file='/usr/share/qemu/pxe-virtio.rom'/>") }),
  'acpi index': domain({ devices: nic("<acpi index='7'/>") }),
  'on the root bus': domain({
    devices: nic('', { address: "<address type='pci' domain='0x0000' bus='0x00' slot='0x05' function='0x0'/>" }),
  }),
  multifunction: domain({
    devices: nic('', {
      address: "<address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0' multifunction='on'/>",
    }),
  }),
  'no address, no alias': domain({ devices: `<interface type='vdpa'>${mac}${source}${model}</interface>` }),
  'no MAC': domain({ devices: `<interface type='vdpa'>${source}${model}</interface>` }),
  'two NICs': domain({
    devices: `${nic("<driver queues='2'/>")}${nic('')
      .replace(
        /^.*<\/controller>/,
        port
          .replace("index='1'", "index='2'")
          .replace("chassis='1' port='0x10'", "chassis='2' port='0x11'")
          .replace("slot='0x02'", "slot='0x03'"),
      )
      .replaceAll('ua-net0', 'ua-net1')
      .replaceAll('0d:0a:00', '0d:0a:01')
      .replace("bus='0x01' slot='0x00'", "bus='0x02' slot='0x00'")
      .replace('FOLDER/vdpa', 'FOLDER/vdpa1')}`,
  }),
  teaming: domain({ devices: nic("<teaming type='persistent'/>") }),
  'override vectors and MTU': withOverride(
    "<qemu:property name='vectors' type='unsigned' value='4'/><qemu:property name='host_mtu' type='unsigned' value='1500'/>",
  ),
  'override that removes': withOverride("<qemu:property name='vectors' type='remove'/>", "<driver queues='2'/>"),
  'override with a bool': withOverride("<qemu:property name='packed' type='bool' value='true'/>"),
  'qemu:commandline': domain({
    devices: nic(''),
    tail: "<qemu:commandline><qemu:arg value='-device'/><qemu:arg value='pcie-root-port,id=own,chassis=9,bus=pcie.0,addr=0x9'/></qemu:commandline>",
  }),
  'user network': domain({
    devices: `${port}<interface type='user'>${mac}${model}<mtu size='9000'/><alias name='ua-net0'/>${behind}</interface>`,
  }),
  'file disk': domain({ devices: disk('') }),
  'file disk, queues': domain({ devices: disk('', { driver: "name='qemu' type='raw' queues='4' queue_size='256'" }) }),
  'file disk, cache=writethrough': domain({
    devices: disk('', { driver: "name='qemu' type='raw' cache='writethrough'" }),
  }),
  'file disk, cache=none': domain({ devices: disk('', { driver: "name='qemu' type='raw' cache='none' io='native'" }) }),
  'read-only disk with a serial number': domain({ devices: disk('<readonly/><serial>abc-1</serial>') }),
  'a serial number with blanks': domain({ devices: disk('<serial> abc 1 </serial>') }),
  'disk block sizes': domain({
    devices: disk('', { before: "<blockio logical_block_size='4096' physical_block_size='4096'/>" }),
  }),
  'disk virtio options': domain({
    devices: disk('', { driver: "name='qemu' type='raw' iommu='on' packed='on' page_per_vq='on' event_idx='off'" }),
  }),
  'boot from network by <os>': domain({ devices: nic(''), os: `${machine}<boot dev='network'/>` }),
  'boot menu': domain({
    devices: nic(''),
    os: `${machine}<bootmenu enable='yes' timeout='3000'/><bios rebootTimeout='5000'/>`,
  }),
  'direct kernel boot': domain({
    os: `${machine}<kernel>FOLDER/disk.raw</kernel><initrd>FOLDER/disk.raw</initrd><cmdline> console=ttyS0,115200 quiet  x="a,b" </cmdline>`,
  }),
  'odd memory': domain({ memory: "<memory unit='KB'>131073</memory>" }),
  'shared memory': domain({
    head: "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking><vcpu>1</vcpu>",
  }),
  'locked memory': domain({
    head: '<memoryBacking><locked/></memoryBacking><vcpu>1</vcpu>',
    memory: `${memory}<memtune><hard_limit unit='GiB'>2</hard_limit></memtune>`,
  }),
  'CPUs to plug': domain({ head: "<vcpu current='2'>4</vcpu>" }),
  topology: domain({
    head: '<vcpu>4</vcpu>',
    cpu: "<cpu mode='custom' match='exact' check='none'><model fallback='forbid'>qemu64</model><topology sockets='1' dies='1' cores='2' threads='2'/></cpu>",
  }),
  'CPU features': domain({
    cpu: "<cpu mode='custom' match='exact' check='none'><model fallback='forbid'>qemu64</model><feature policy='require' name='aes'/><feature policy='disable' name='svm'/><feature policy='force' name='pclmuldq'/></cpu>",
  }),
  'CPU maximum': domain({ cpu: "<cpu mode='maximum' check='none'/>" }),
  'no ACPI': domain({ features: '' }),
  'machine features': domain({ features: "<features><acpi/><apic/><vmport state='off'/><pae/></features>" }),
  'hyper-v': domain({ features: "<features><acpi/><hyperv><relaxed state='on'/></hyperv></features>" }),
  timers: domain({
    tail: "<clock offset='utc'><timer name='rtc' tickpolicy='catchup'/><timer name='hpet' present='no'/></clock>",
  }),
  'hpet, local time': domain({ tail: "<clock offset='localtime'><timer name='hpet' present='yes'/></clock>" }),
  'no suspend': domain({ tail: "<pm><suspend-to-mem enabled='no'/><suspend-to-disk enabled='no'/></pm>" }),
  'random numbers': domain({
    devices: `${port}<rng model='virtio'><rate bytes='1024' period='1000'/><backend model='random'>/dev/urandom</backend>${behind}</rng>`,
  }),
  balloon: domain({
    balloon: `${port}<memballoon model='virtio' autodeflate='on' freePageReporting='on'>${behind}</memballoon>`,
  }),
  'balloon of libvirt itself': domain({ balloon: '' }),
  'USB controller of libvirt itself': domain({ usb: '' }),
  'USB xHCI': domain({
    usb: `${port}<controller type='usb' index='0' model='qemu-xhci' ports='8'>${behind}</controller>`,
  }),
  'watchdog itco': domain({ devices: "<watchdog model='itco' action='reset'/>" }),
  'watchdog i6300esb': domain({ devices: "<watchdog model='i6300esb' action='reset'/>" }),
  'serial and console': domain({
    devices:
      "<serial type='pty'><target port='0'/></serial><console type='pty'><target type='serial' port='0'/></console>",
  }),
  'virtio-serial with a channel': domain({
    devices: `${port}<controller type='virtio-serial' index='0' ports='16'>${behind}</controller><channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>`,
  }),
  'VNC and VGA': domain({
    devices: "<graphics type='vnc' port='-1' autoport='yes'/><video><model type='vga'/></video>",
  }),
  'VNC alone': domain({ devices: "<graphics type='vnc' port='-1' autoport='yes'/>" }),
  tablet: domain({ devices: "<input type='tablet' bus='virtio'/>" }),
  'IOMMU of the guest': domain({
    features: "<features><acpi/><ioapic driver='qemu'/></features>",
    devices: `${driver("iommu='on' ats='on'")}<iommu model='intel'><driver intremap='on' iotlb='on'/></iommu>`,
  }),
  i440fx: domain({
    os: "<type arch='x86_64' machine='pc-i440fx-VERSION'>hvm</type>",
    devices:
      "<interface type='vdpa'><mac address='52:54:00:0d:0a:00'/><source dev='FOLDER/vdpa'/><model type='virtio'/><address type='pci' domain='0x0000' bus='0x00' slot='0x05' function='0x0'/></interface>",
  }),
  'machine alias': domain({ os: "<type arch='x86_64' machine='q35'>hvm</type>" }),
  'no UUID': domain({ uuid: '' }),
  'CPU of libvirt itself': domain({ cpu: '' }),
  'console alone': domain({ devices: "<console type='pty'/>" }),
  'apic eoi': domain({ features: "<features><acpi/><apic eoi='on'/></features>" }),
  'BIOS over serial': domain({
    os: `${machine}<bios useserial='yes'/>`,
    devices: "<serial type='pty'><target port='0'/></serial>",
  }),
  'CPUs one by one': domain({
    head: "<vcpu current='2'>4</vcpu><vcpus><vcpu id='0' enabled='yes' hotpluggable='no' order='1'/><vcpu id='1' enabled='yes' hotpluggable='yes' order='2'/><vcpu id='2' enabled='no' hotpluggable='yes'/><vcpu id='3' enabled='no' hotpluggable='yes'/></vcpus>",
  }),
  'pit delay': domain({ tail: "<clock offset='utc'><timer name='pit' tickpolicy='delay'/></clock>" }),
  'i440fx, suspend': domain({
    os: "<type arch='x86_64' machine='pc-i440fx-VERSION'>hvm</type>",
    tail: "<pm><suspend-to-mem enabled='yes'/><suspend-to-disk enabled='no'/></pm>",
  }),
  'i440fx, USB controller of libvirt itself': domain({
    os: "<type arch='x86_64' machine='pc-i440fx-VERSION'>hvm</type>",
    usb: '',
  }),
  sound: domain({ devices: "<sound model='ich9'/>" }),
  'SATA disk': domain({
    devices:
      "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='FOLDER/disk.raw'/><target dev='sda' bus='sata'/></disk>",
  }),
  'q35 of 7.2': domain({ os: "<type arch='x86_64' machine='pc-q35-7.2'>hvm</type>" }),
  [hostile]: domain({}),
};

export const variants: readonly Variant[] = Object.entries(texts).map(([name, xml], index) => {
  const title = name === hostile ? `a,b="c',guest=d ]]> -S` : `fidelity-${index}`;
  return { name, domain: title, xml: xml.replace('DOMAIN', escapeXml(title)) };
});

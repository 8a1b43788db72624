/** What libvirt must do with an XML for the rule that finds it to be right. */
import { domain, nic, source } from './samples.ts';

export interface LibvirtCase {
  readonly code: string;
  readonly xml: string;
  /** before <memory> */
  readonly head?: string;
  /** what libvirt says when it refuses; undefined: it takes the domain */
  readonly refuses?: RegExp;
  /** what it says when such a domain is to start; it says so before it starts QEMU */
  readonly starts?: RegExp;
  /** of the XML that it keeps */
  readonly keeps?: RegExp;
  readonly drops?: RegExp;
  /** only from that version on, as major.minor; before it, something else */
  readonly since?: string;
}

const memory = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>\n";
const disk = (drv: string): string =>
  `<disk type='vhostvdpa' device='disk'>${drv}<source dev='/dev/vhost-vdpa-3'/><target dev='vda' bus='virtio'/></disk>`;
const rawDisk = disk("<driver name='qemu' type='raw' cache='none'/>");
const cell = (access: string): string =>
  `<cpu><numa><cell id='0' cpus='0' memory='128' unit='MiB' memAccess='${access}'/></numa></cpu>\n`;
const all =
  "<driver queues='4' rx_queue_size='256' tx_queue_size='256' event_idx='off' ioeventfd='on' txmode='iothread' rss='on' rss_hash_report='on' page_per_vq='on'><host csum='off'/><guest csum='off'/></driver>";

/** name of the domain -> case */
export const libvirtCases: Readonly<Record<string, LibvirtCase>> = {
  sound: {
    code: '',
    xml: nic({ drv: "<driver queues='4' page_per_vq='on'/>" }),
    keeps: /queues='4'.*page_per_vq='on'/,
  },
  'no-model': {
    code: 'validate.libvirt-drops',
    xml: nic({ mod: '', drv: all }),
    keeps: /<model type='virtio'\/><driver page_per_vq='on'\/>/,
  },
  e1000e: {
    code: 'validate.libvirt-model',
    xml: nic({ mod: "<model type='e1000e'/>", drv: '' }),
    refuses: /invalid model for interface of type 'vdpa': 'e1000e'/,
  },
  mtu: {
    code: 'validate.libvirt-mtu',
    xml: nic({ more: "<mtu size='9000'/>" }),
    refuses: /setting MTU on interface type vdpa is not supported yet/,
  },
  coalesce: {
    code: 'validate.libvirt-coalesce',
    xml: nic({ more: "<coalesce><rx><frames max='3'/></rx></coalesce>" }),
    refuses: /coalesce settings on interface type vdpa are not supported/,
  },
  vlan: {
    code: 'validate.libvirt-vlan',
    xml: nic({ more: "<vlan><tag id='42'/></vlan>" }),
    keeps: /<vlan><tag id='42'\/><\/vlan>/,
    starts: /vlan tag not supported for this connection type/,
  },
  transient: {
    code: 'validate.libvirt-teaming',
    xml: nic({ more: "<teaming type='transient' persistent='ua-x'/>" }),
    refuses: /teaming transient interface must be type='hostdev', not 'vdpa'/,
  },
  yes: {
    code: 'validate.libvirt-switch',
    xml: nic({ drv: "<driver page_per_vq='yes'/>" }),
    refuses: /Invalid value for attribute 'page_per_vq' in element 'driver': 'yes'/,
  },
  'host-yes': {
    code: 'validate.libvirt-switch',
    xml: nic({ drv: "<driver><host csum='yes'/></driver>" }),
    refuses: /Invalid value for attribute 'csum' in element 'host': 'yes'/,
  },
  dashes: {
    code: 'validate.libvirt-attribute',
    xml: nic({ drv: "<driver page-per-vq='on'/>" }),
    drops: /page.per.vq/,
  },
  'queues-1': { code: 'validate.libvirt-queues', xml: nic({ drv: "<driver queues='1'/>" }), drops: /queues/ },
  'queues-0': { code: 'validate.libvirt-queues', xml: nic({ drv: "<driver queues='0'/>" }), drops: /queues/ },
  'queues-many': {
    code: 'validate.libvirt-queues',
    xml: nic({ drv: "<driver queues='many'/>" }),
    refuses: /Invalid value for attribute 'queues' in element 'driver': 'many'/,
  },
  'ring-300': {
    code: 'validate.ring-size',
    xml: nic({ drv: "<driver rx_queue_size='300'/>" }),
    refuses: /rx_queue_size has to be a power of two/,
  },
  'ring-128': {
    code: 'validate.ring-size',
    xml: nic({ drv: "<driver rx_queue_size='128'/>" }),
    // QEMU is the one that refuses it: real-qemu.test.ts
    keeps: /rx_queue_size='128'/,
  },
  'no-source': { code: 'validate.libvirt-source', xml: nic({ src: '' }), refuses: /requires a 'source' element/ },
  vhostuser: {
    code: 'validate.libvirt-source',
    xml: nic({ src: "<source type='unix' path='/tmp/s' mode='server'/>" }),
    refuses: /Missing required attribute 'dev' in element 'source'/,
  },
  multicast: {
    code: 'validate.mac-invalid',
    xml: nic({ mac: '53:54:00:0d:0a:00' }),
    refuses: /expected unicast mac address, found multicast/,
  },
  relative: {
    code: 'validate.device-path',
    xml: nic({ src: source.replace('/dev/', '') }),
    keeps: /<source dev='vhost-vdpa-0'\/>/,
  },
  placeholder: {
    code: 'validate.device-path',
    xml: nic({ src: source.replace('-0', '-N') }),
    keeps: /<source dev='\/dev\/vhost-vdpa-N'\/>/,
  },
  shared: {
    code: 'validate.device-shared',
    xml: nic() + nic({ mac: '52:54:00:00:00:02' }).replace('ua-net0', 'ua-net1'),
    keeps: /vhost-vdpa-0.*vhost-vdpa-0/,
  },
  hostdev: {
    code: 'validate.libvirt-hostdev',
    xml: "<hostdev mode='subsystem' type='vdpa'><source dev='/dev/vhost-vdpa-0'/></hostdev>",
    refuses: /(?:attribute|element|type).*'vdpa'/,
  },
  transitional: {
    code: 'validate.libvirt-model',
    xml: nic({ mod: "<model type='virtio-non-transitional'/>" }),
    keeps: /virtio-non-transitional/,
    since: '10.0',
  },
  'disk-memory': {
    code: 'validate.libvirt-disk-memory',
    xml: disk("<driver name='qemu' type='raw' cache='none'/>"),
    refuses: /'vhostvdpa' requires shared memory/,
    since: '10.0',
  },
  'disk-memfd': {
    code: 'validate.libvirt-disk-memory',
    xml: rawDisk,
    head: "<memoryBacking><source type='memfd'/></memoryBacking>\n",
    refuses: /'vhostvdpa' requires shared memory/,
    since: '10.0',
  },
  'disk-cell-private': {
    code: 'validate.libvirt-disk-memory',
    xml: rawDisk,
    head: `${memory}${cell('private')}`,
    refuses: /'vhostvdpa' requires shared memory/,
    since: '10.0',
  },
  'disk-cell-shared': { code: '', xml: rawDisk, head: cell('shared'), keeps: /vhostvdpa/, since: '10.0' },
  'disk-access-shared': { code: '', xml: rawDisk, head: memory, keeps: /vhostvdpa/, since: '10.0' },
  'disk-cache': {
    code: 'validate.libvirt-disk-cache',
    head: memory,
    xml: disk("<driver name='qemu' type='raw'/>"),
    refuses: /disk type 'vhostvdpa' requires cache mode 'directsync' or 'none'/,
    since: '10.0',
  },
  'disk-source': {
    code: 'validate.libvirt-disk-source',
    head: memory,
    xml: disk("<driver name='qemu' type='raw' cache='none'/>").replace(" dev='/dev/vhost-vdpa-3'", ''),
    refuses: /Missing required attribute 'dev' in element/,
    since: '10.0',
  },
};

/** The whole domain of a case. */
export function domainOf(name: string): string {
  const { xml = '', head = '' } = libvirtCases[name] ?? {};
  return domain(xml, { name, head });
}

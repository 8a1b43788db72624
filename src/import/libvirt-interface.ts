import { unknown, type Fact } from '../model/fact.ts';
import { commonProperties, optionOf, virtioDriver, virtioOptions, type Properties } from './libvirt-node.ts';
import { notRead } from './libvirt-not-read.ts';
import type { Complaint, Option } from './option.ts';
import { childOf, type XmlNode } from './xml-document.ts';

const netdevTypes: Readonly<Record<string, string>> = {
  vdpa: 'vhost-vdpa',
  bridge: 'tap',
  network: 'tap',
  ethernet: 'tap',
  direct: 'tap',
  user: 'user',
  vhostuser: 'vhost-user',
  client: 'socket',
  server: 'socket',
  mcast: 'socket',
  udp: 'socket',
};

/** Offloads: name in libvirt -> property of QEMU (qemu_command.c: qemuBuildNicDevProps()). */
const hostOffloads = {
  csum: 'csum',
  gso: 'gso',
  tso4: 'host_tso4',
  tso6: 'host_tso6',
  ecn: 'host_ecn',
  ufo: 'host_ufo',
  mrg_rxbuf: 'mrg_rxbuf',
};
const guestOffloads = {
  csum: 'guest_csum',
  tso4: 'guest_tso4',
  tso6: 'guest_tso6',
  ecn: 'guest_ecn',
  ufo: 'guest_ufo',
};

/** <interface>: -netdev and -device. */
export function interfaceOptions(node: XmlNode, complain: (complaint: Complaint) => void): Option[] {
  const type = node.attributes.get('type') ?? '';
  if (type === 'hostdev') return [notRead(node)];
  const model = childOf(node, 'model')?.attributes.get('type');
  const netdev = `libvirt-net-${node.place.line ?? 0}-${node.place.column ?? 0}`;
  const driver = virtioDriver('virtio-net', model ?? (type === 'vdpa' ? 'virtio' : undefined));
  const backEnd = backEndOf(node, type);
  if (driver === undefined) return [optionOf('netdev', { id: netdev, type: backEnd }, node), notRead(node)];
  const mac = childOf(node, 'mac')?.attributes.get('address');
  const properties: Properties = {
    driver,
    netdev,
    ...commonProperties(node),
    mac: mac ?? unknown('not-present', 'no MAC address is given: libvirt makes one up when the domain is defined'),
    ...virtioOptions(childOf(node, 'driver')),
    ...driverProperties(node, model, complain),
    host_mtu: childOf(node, 'mtu')?.attributes.get('size'),
    failover: childOf(node, 'teaming')?.attributes.get('type') === 'persistent' ? 'on' : undefined,
  };
  const dev = childOf(node, 'source')?.attributes.get('dev');
  const back = {
    id: netdev,
    type: backEnd,
    vhost: backEnd === 'tap' ? vhostOf(childOf(node, 'driver')?.attributes.get('name')) : undefined,
    vhostdev: type === 'vdpa' ? dev : undefined,
    // as many file descriptors for a tap, queues= for vhost-user; a vDPA device has its own number
    queues: type === 'vdpa' ? undefined : queuesOf(node, model),
  };
  return [optionOf('netdev', back, node), optionOf('device', properties, node)];
}

function backEndOf(node: XmlNode, type: string): Fact<string> {
  if (type === 'user' && childOf(node, 'backend')?.attributes.get('type') === 'passt') return 'stream';
  return (
    (Object.hasOwn(netdevTypes, type) ? netdevTypes[type] : undefined) ??
    unknown('not-supported', `what libvirt makes of an interface of type ${type} is not known here`)
  );
}

/** libvirt takes vhost-net where the host has it (qemu_interface.c: qemuInterfaceOpenVhostNet()). */
function vhostOf(driver: string | undefined): Fact<boolean> {
  return driver === undefined
    ? unknown('not-present', 'libvirt uses vhost-net where the host has it')
    : driver === 'vhost';
}

/**
 * Queues, ring sizes and offloads. libvirt reads them only where the model is already virtio when it parses the element
 * (domain_conf.c: virDomainNetDefParseXMLDriver()), and drops them without a word elsewhere.
 */
function driverProperties(
  node: XmlNode,
  model: string | undefined,
  complain: (complaint: Complaint) => void,
): Properties {
  const driver = childOf(node, 'driver');
  const get = (name: string): string | undefined => driver?.attributes.get(name);
  const offloads = [childOf(driver, 'host'), childOf(driver, 'guest')].some((one) => one !== undefined);
  const given = ['queues', 'rx_queue_size', 'tx_queue_size', 'event_idx', 'rss', 'rss_hash_report'].filter(
    (name) => get(name) !== undefined,
  );
  if (model === undefined) {
    if (offloads || given.length > 0) {
      const what = [...given, ...(offloads ? ['offloads'] : [])].join(', ');
      const message = `libvirt drops ${what} here without a word: <model type='virtio'/> is missing`;
      complain({ code: 'import.libvirt-drops', severity: 'warning', message, place: (driver ?? node).place });
    }
    return {};
  }
  const queues = queuesOf(node, model);
  const multiqueue = queues === undefined ? {} : { mq: 'on', vectors: 2 * queues + 2 };
  return {
    ...multiqueue,
    rx_queue_size: get('rx_queue_size'),
    tx_queue_size: get('tx_queue_size'),
    event_idx: get('event_idx'),
    rss: get('rss'),
    hash: get('rss_hash_report'),
    ...offloadsOf(childOf(driver, 'host'), hostOffloads),
    ...offloadsOf(childOf(driver, 'guest'), guestOffloads),
  };
}

/** Where there is more than one, and libvirt reads it. */
function queuesOf(node: XmlNode, model: string | undefined): number | undefined {
  const queues = Number(childOf(node, 'driver')?.attributes.get('queues') ?? 1);
  return model !== undefined && queues > 1 ? queues : undefined;
}

function offloadsOf(node: XmlNode | undefined, names: Readonly<Record<string, string>>): Properties {
  return Object.fromEntries(
    Object.entries(names).map(([name, property]) => [property, node?.attributes.get(name)] as const),
  );
}

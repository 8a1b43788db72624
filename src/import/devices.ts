import { isKnown, isUnknown, unknown, type Fact } from '../model/fact.ts';
import { deviceTypeOf } from '../model/device-type.ts';
import type { Guest } from '../model/generated/guest-configuration.ts';
import type { Collected } from './assemble.ts';
import { diskBound, genericBound, netBound } from './back-end.ts';
import { hostOnly } from './device-defaults.ts';
import { hasWriteCache, isReadOnly } from './drive.ts';
import { DeviceParts, type Setting } from './device-parts.ts';
import { defaultUnknown } from './machine-version.ts';
import { backendBytes } from './memory.ts';
import { knownText, OptionReader, type Option } from './option.ts';
import { canonical, type Scalar } from './option-values.ts';

/** virtio-net-pci over any netdev. */
export function interfaceOf(option: Option, setting: Setting): Collected<Guest['interfaces'][number]> {
  const parts = new DeviceParts(option, 'net', setting);
  const mq = parts.boolean('mq', false);
  const address = parts.raw('mac');
  return {
    device: {
      id: parts.id,
      address: parts.address,
      mac:
        address === undefined || isZeroMac(address)
          ? macByOrder(option, setting)
          : isUnknown(address)
            ? address
            : macOf(String(address)),
      queuePairs: pairsOf(parts, mq),
      mq,
      vectors: parts.integer('vectors', netVectors(option, setting)),
      pagePerVq: parts.pagePerVq,
      iommuPlatform: parts.boolean('iommu_platform', false),
      packed: parts.boolean('packed', false),
      rxQueueSize: parts.integer('rx_queue_size', 256),
      txQueueSize: parts.integer('tx_queue_size', 256),
      mtu: noneIfZero(parts.integer('host_mtu', null)),
      optionRom: romOf(parts, true),
      bootIndex: parts.bootIndex,
      transitional: parts.transitional,
      properties: parts.others(),
    },
    bound: netBound(option, setting),
  };
}

/**
 * A vDPA device decides it: QEMU ignores `queues=` of such a netdev. Without VIRTIO_NET_F_MQ the guest of one has one
 * pair; of others the number of queues is in the stream whatever mq is.
 */
function pairsOf(parts: DeviceParts, mq: Fact<boolean>): Fact<number> {
  const seen = parts.integer('queue-pairs', undefined, 1);
  if (seen !== undefined) return seen;
  const own = ownQueues(parts.option, parts.setting);
  if (own !== 'vhost-vdpa') return own;
  if (isUnknown(mq)) return mq;
  return mq ? unknown('not-present', 'max_vqp of the vDPA device decides it, and QEMU ignores queues=') : 1;
}

/** Queues of a netdev: queues=, or the number of file descriptors (net/tap.c: net_init_tap()). */
function ownQueues(device: Option, { netdevs, complain }: Setting): Fact<number> | 'vhost-vdpa' {
  if (!device.values.has('netdev')) return 1;
  const netdev = netdevs.get(knownText(device, 'netdev') ?? '');
  const type = knownText(netdev, 'type');
  if (!netdev || type === undefined) return unknown('not-present', 'what its netdev is, is not known');
  if (type === 'vhost-vdpa') return type;
  return knownText(netdev, 'fds')?.split(':').length ?? new OptionReader(netdev, complain).integer('queues', 1, 1);
}

/**
 * Since 6.0 counted by the queues of the back end (hw/virtio/virtio-net-pci.c: virtio_net_pci_realize()), 3 before. A
 * vDPA device has as many as it likes.
 */
function netVectors(option: Option, setting: Setting): Fact<number> {
  const { machine } = setting;
  if (!machine) return defaultUnknown('vectors');
  if (machine.version <= 502) return 3;
  const queues = ownQueues(option, setting);
  if (queues === 'vhost-vdpa') {
    return unknown('not-present', 'vectors is not given: QEMU counts the virtqueues of the vDPA device');
  }
  return isUnknown(queues) ? queues : 2 * queues + 2;
}

/** `romfile=` (empty) or rombar=0 take the ROM away. */
function romOf(parts: DeviceParts, usual: boolean): Fact<boolean> {
  const bar = parts.raw('rombar');
  const file = parts.option.values.get('romfile');
  if (bar !== undefined && canonical(bar) === 0) {
    parts.skip(['romfile']);
    return false;
  }
  if (file === undefined) return usual;
  if (isUnknown(file)) return file;
  if (file === '' || file === usualRom) parts.skip(['romfile']);
  return file !== '';
}

/** Of virtio-net-pci (hw/virtio/virtio-net-pci.c). Others have another size. */
const usualRom = 'efi-virtio.rom';

function noneIfZero(value: Fact<number> | null): Fact<number> | null {
  return value === 0 ? null : value;
}

function macByOrder(option: Option, { order }: Setting): Fact<string> {
  const place = order.mac.get(option) ?? 1;
  return unknown('not-present', `no MAC address is given: QEMU gives one by the order of NICs (${place})`);
}

/** QEMU takes it for none (net/net.c: qemu_macaddr_default_if_unset()). */
function isZeroMac(address: Fact<Scalar>): boolean {
  return typeof address === 'string' && /^(?:0{1,2}[:-]){5}0{1,2}$/.test(address);
}

function macOf(text: string): Fact<string> {
  const hex = /^(?:[0-9a-f]{1,2}[:-]){5}[0-9a-f]{1,2}$/i.test(text) ? text.toLowerCase().split(/[:-]/) : undefined;
  return hex?.map((part) => part.padStart(2, '0')).join(':') ?? unknown('malformed', `${text.slice(0, 40)} is no MAC`);
}

/** virtio-blk-pci. */
export function diskOf(option: Option, setting: Setting): Collected<Guest['disks'][number]> {
  const parts = new DeviceParts(option, 'block', setting);
  const queues = parts.integer('num-queues', autoQueues(setting), 1);
  const vectors = parts.integer('vectors', undefined);
  const extra = vectors !== undefined && isKnown(queues) && vectors !== queues + 1 ? { vectors } : {};
  return {
    device: {
      id: parts.id,
      address: parts.address,
      queues,
      readOnly: readOnlyOf(option, setting),
      bootIndex: parts.bootIndex,
      transitional: parts.transitional,
      properties: { ...parts.others(), ...extra, ...writeCacheOf(option, setting) },
    },
    bound: diskBound(option, setting),
  };
}

/** One queue per CPU since 5.2 (hw/virtio/virtio-pci.c: virtio_pci_optimal_num_queues()), one before. */
function autoQueues({ machine, cpuCount }: Setting): Fact<number> {
  if (!machine) return defaultUnknown('num-queues');
  return machine.version <= 501 ? 1 : cpuCount;
}

function readOnlyOf(option: Option, { blocks, complain }: Setting): Fact<boolean> {
  const drive = option.values.get('drive');
  if (drive !== undefined && isUnknown(drive)) return drive;
  const block = blocks.get(String(drive));
  if (!block) return unknown('not-present', 'the block device that it names is not in the configuration');
  return isReadOnly(block, complain);
}

/**
 * Without write-cache= a disk has that of its -drive (hw/block/block.c: blkconf_apply_backend_options()); a block node
 * always has one.
 */
function writeCacheOf(option: Option, { blocks, complain }: Setting): Record<string, Fact<Scalar>> {
  const own = option.values.get('write-cache') ?? 'auto';
  const drive = blocks.get(knownText(option, 'drive') ?? '');
  if (own !== 'auto' || drive?.name !== 'drive') return {};
  const cache = hasWriteCache(drive, complain);
  return cache === true ? {} : { 'write-cache': cache };
}

/** What the guest sees of the -drive or block node of a disk that is no virtio-blk-pci; a CD is read-only by itself. */
function driveOf(option: Option, setting: Setting): [string, Fact<Scalar>][] {
  const block = setting.blocks.get(knownText(option, 'drive') ?? '');
  if (!block) return [];
  const isCd = knownText(option, 'driver')?.endsWith('-cd') === true;
  const readOnly = isCd ? false : isReadOnly(block, setting.complain);
  const own: [string, Fact<Scalar>][] = readOnly === false ? [] : [['drive.read-only', readOnly]];
  return [...own, ...Object.entries(writeCacheOf(option, setting))];
}

/** vhost-vdpa-device-pci. */
export function vdpaDeviceOf(option: Option, setting: Setting): Collected<Guest['vdpaDevices'][number]> {
  const parts = new DeviceParts(option, 'generic', setting);
  return {
    device: {
      id: parts.id,
      address: parts.address,
      pagePerVq: parts.pagePerVq,
      iommuPlatform: parts.boolean('iommu_platform', false),
      queueSize: noneIfZero(parts.integer('queue-size', null)),
      bootIndex: parts.bootIndex,
      transitional: parts.transitional,
      properties: parts.others(),
    },
    bound: genericBound(option, setting),
  };
}

export function rootPortOf(option: Option, setting: Setting): Guest['rootPorts'][number] {
  const parts = new DeviceParts(option, 'root-port', setting);
  return {
    id: parts.id,
    address: parts.address,
    chassis: parts.integer('chassis', 0),
    port: parts.integer('port', 0),
    multifunction: parts.boolean('multifunction', false),
    properties: parts.others(),
  };
}

/** The RAM block of a device: it is in the stream by its name, which is the backend's id, and has to have the same size. */
function ramOf(reader: OptionReader, { objects }: Setting): [string, Fact<Scalar>][] {
  const id = reader.raw('memdev');
  if (id === undefined) return [];
  const backend = isUnknown(id) ? undefined : objects.get(String(id));
  const none = unknown('not-present', 'the memory backend is not in the configuration');
  return [
    ['memdev', id],
    ['memdev.size', backend ? backendBytes(backend) : none],
  ];
}

/** Any other device: its properties as they are written. */
export function otherDeviceOf(option: Option, setting: Setting): Guest['otherDevices'][number] {
  const reader = new OptionReader(option, setting.complain);
  const given = reader.text('driver', unknown('not-present', 'no driver is given'));
  const driver = isUnknown(given) ? given : deviceTypeOf(given);
  const id = reader.raw('id');
  const address = setting.tree.addressOf(option);
  const bus = reader.raw('bus');
  const place: [string, Fact<Scalar>][] =
    address === null && bus !== undefined ? [['bus', isUnknown(bus) ? bus : setting.tree.busName(String(bus))]] : [];
  reader.skip(address === null ? [] : ['addr']);
  const order = setting.order.place.get(option);
  if (order !== undefined) place.push(['order', order]);
  // the first port that is free (hw/char/serial-isa.c: serial_isa_realizefn())
  else if (driver === 'isa-serial' && !reader.has('index')) place.push(['index', 0]);
  if (setting.order.mac.has(option)) place.push(['mac', macByOrder(option, setting)]);
  place.push(...ramOf(reader, setting), ...driveOf(option, setting));
  const properties = [...place, ...reader.rest().map(([name, value]) => [name, canonical(value)] as const)]
    .filter(([name]) => !hostOnly.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    id: id === undefined || isUnknown(id) ? null : String(id),
    driver,
    address,
    properties: Object.fromEntries(properties),
  };
}

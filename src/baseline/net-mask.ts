import { netBits } from '../migration/net-features.ts';
import { closedMask, shadowableFeatures } from '../migration/shadow-virtqueue.ts';
import type { Attribute, DeviceRecord } from './class-tally.ts';

/** What every net device is to be provisioned with. */
export interface NetTarget {
  readonly mask: bigint;
  readonly queuePairs: number;
  /** null: no MTU is offered */
  readonly mtu: number | null;
  /** the devices have MAC addresses of their own, and a guest has one: each device has to be given the guest's */
  readonly macOfGuest: boolean;
}

const multiqueue = netBits('VIRTIO_NET_F_MQ', 'VIRTIO_NET_F_RSS');
const mtuBit = netBits('VIRTIO_NET_F_MTU');
const macBit = netBits('VIRTIO_NET_F_MAC');

/**
 * The largest features, queue pairs and MTU that every device can be given. A value that some device cannot be told
 * (its parent driver takes no such attribute) is taken away from all, together with the feature that carries it.
 * @param common features that every device offers
 * @param qemu the oldest QEMU of the hosts; undefined: none is known, and nothing is left out for its sake
 */
export function netTarget(
  common: bigint,
  records: readonly DeviceRecord[],
  qemu: string | undefined,
): NetTarget | undefined {
  let mask = qemu === undefined ? common : common & shadowableFeatures(qemu);
  const pairs = least(records.map(({ queuePairs }) => queuePairs));
  if (pairs === undefined) return undefined;
  let queuePairs = (mask & multiqueue) === 0n ? 1 : pairs;
  if (!canAllHave(records, 'max_vqp', (record) => record.queuePairs === queuePairs) || queuePairs === 1) {
    mask &= ~multiqueue;
    queuePairs = 1;
  }
  let mtu = (mask & mtuBit) === 0n ? null : (least(records.map((record) => record.mtu ?? undefined)) ?? null);
  if (mtu === null || !canAllHave(records, 'mtu', (record) => record.mtu === mtu)) {
    mask &= ~mtuBit;
    mtu = null;
  }
  return { mask: closedMask(mask), queuePairs, mtu, macOfGuest: macsDiffer(records) };
}

/** A device without one takes the guest's from QEMU (hw/net/virtio-net.c: virtio_net_get_config()). */
function macsDiffer(records: readonly DeviceRecord[]): boolean {
  const first = records.find(({ mac }) => hasMac(mac))?.mac;
  return records.some(({ mac }) => hasMac(mac) && mac !== first);
}

function hasMac(mac: string | undefined): boolean {
  return mac !== undefined && mac !== '00:00:00:00:00:00';
}

function canAllHave(
  records: readonly DeviceRecord[],
  attribute: Attribute,
  has: (record: DeviceRecord) => boolean,
): boolean {
  return records.every((record) => has(record) || (record.accepts?.includes(attribute) ?? false));
}

/** undefined where one of them is. */
export function least(values: readonly (number | undefined)[]): number | undefined {
  let smallest: number | undefined;
  for (const value of values) {
    if (value === undefined) return undefined;
    if (smallest === undefined || value < smallest) smallest = value;
  }
  return smallest;
}

/** What is still to be done to a device, and by which command; `unable`: what its parent driver does not take. */
export interface Provisioning {
  readonly command: string | undefined;
  readonly unable: readonly Attribute[];
}

/** The command that gives a device the target; no command where it has it already. */
export function provisioningOf(record: DeviceRecord, target: NetTarget): Provisioning {
  const hasMultiqueue = (target.mask & multiqueue) !== 0n;
  const features = `0x${target.mask.toString(16)}`;
  const wanted: Partial<Record<Attribute, string>> = {
    ...(record.features === features ? {} : { device_features: features }),
    ...(target.macOfGuest ? { mac: 'MAC' } : {}),
    ...(target.mtu === null || record.mtu === target.mtu ? {} : { mtu: String(target.mtu) }),
    ...(!hasMultiqueue || record.queuePairs === target.queuePairs ? {} : { max_vqp: String(target.queuePairs) }),
  };
  const missing = Object.keys(wanted) as Attribute[];
  if (missing.length === 0) return { command: undefined, unable: [] };
  const { accepts } = record;
  if (!accepts) return { command: undefined, unable: missing };
  // adding the device anew forgets what it has: tell it all that it takes
  const all: readonly [Attribute, string | undefined][] = [
    ['mac', target.macOfGuest ? 'MAC' : (target.mask & macBit) === 0n ? undefined : record.mac],
    ['mtu', target.mtu === null ? undefined : String(target.mtu)],
    ['max_vqp', hasMultiqueue ? String(target.queuePairs) : undefined],
    ['device_features', features],
  ];
  const options = all.flatMap(([name, value]) => (value !== undefined && accepts.includes(name) ? [name, value] : []));
  return {
    command: `vdpa dev del ${record.name}; vdpa dev add name ${record.name} mgmtdev ${record.management ?? 'MGMTDEV'} ${options.join(' ')}`,
    unable: missing.filter((name) => !accepts.includes(name)),
  };
}

import { knownText } from '../../import/option.ts';
import { canonical } from '../../import/option-values.ts';
import { controlVirtqueueOf, queuePairsOf } from '../../doorbell/virtqueue-role.ts';
import { childOf } from '../../import/xml-document.ts';
import { isKnown, isUnknown, type Fact } from '../../model/fact.ts';
import { refusesLargerRings } from '../../plan/rings.ts';
import type { GuestInterface } from '../../model/generated/guest-configuration.ts';
import { hasFeature } from '../../model/virtio-features.ts';
import { foreignKinds, guestKinds, type Hit, type ValidationRule } from '../rule.ts';
import type { Backing, Subject, SubjectDevice } from '../subject.ts';
import { atDevice, onEachBacking, quoted } from './hits.ts';

type Nic = Extract<SubjectDevice, { kind: 'net' }>;

/** QEMU's VIRTIO_QUEUE_MAX, and VIRTQUEUE_MAX_SIZE (include/hw/virtio/virtio.h). */
const most = 1024;

/** A rule on each NIC over vhost-vdpa. */
function onNics(check: (nic: Nic, guest: GuestInterface, subject: Subject) => readonly Hit[]): ValidationRule['check'] {
  return (subject) =>
    subject.devices.flatMap((device) => (device.kind === 'net' ? check(device, device.guest, subject) : []));
}

/** Number and size of virtqueues, and what goes with them. */
export const queueRules: readonly ValidationRule[] = [
  {
    code: 'validate.queue-pairs',
    severity: 'error',
    appliesTo: ['libvirt', 'libvirt-interface'],
    needsHost: true,
    asks: 'has the device as many queue pairs as queues= says?',
    source: 'QEMU net/vhost-vdpa.c: vhost_vdpa_get_max_queue_pairs(): the device decides',
    check: onNics((nic) => {
      const wanted = Number(childOf(nic.node, 'driver')?.attributes.get('queues') ?? NaN);
      const model = childOf(nic.node, 'model');
      if (!Number.isSafeInteger(wanted) || wanted < 1 || !model) return [];
      return onEachBacking(nic, ({ host, device }): Hit[] => {
        const pairs = queuePairsOf(device);
        if (pairs === undefined || pairs === wanted) return [];
        const message = `${nic.label}: queues is ${wanted}, but ${device.name} on ${host.report.host.name} has ${pairs} queue pairs, and QEMU takes those`;
        const severity = wanted > pairs ? undefined : ('warning' as const);
        return [
          atDevice(nic, message, {
            severity,
            fix: `queues='${pairs}', or provision ${device.name} with max_vqp ${wanted}`,
          }),
        ];
      });
    }),
  },
  {
    code: 'validate.mq-pairs',
    severity: 'warning',
    appliesTo: foreignKinds,
    asks: 'do mq and the queue pairs of the device go together?',
    source: 'QEMU hw/net/virtio-net.c: virtio_net_get_features(), virtio_net_device_realize(); virtio 1.3, 5.1.5',
    check: onNics(mqAndPairs),
  },
  {
    code: 'validate.vectors',
    severity: 'warning',
    appliesTo: guestKinds,
    asks: 'has every virtqueue an interrupt vector of its own?',
    source:
      'libvirt src/qemu/qemu_command.c: qemuBuildNicDevProps(): 2 * queues + 2; Linux drivers/virtio/virtio_pci_common.c: vp_find_vqs()',
    check: onNics(vectors),
  },
  {
    code: 'validate.ring-size',
    severity: 'error',
    appliesTo: foreignKinds,
    asks: 'are ring sizes powers of two that QEMU takes?',
    source:
      'QEMU hw/net/virtio-net.c: virtio_net_device_realize(): "must be a power of 2 between 256 and 1024"; hw/block/virtio-blk.c: virtio_blk_device_realize()',
    check: (subject) => subject.devices.flatMap((device) => ringSizes(device)),
  },
  {
    code: 'validate.ring-too-large',
    severity: 'error',
    appliesTo: guestKinds,
    needsHost: true,
    asks: 'does the device take rings of that size?',
    source:
      'Linux drivers/vhost/vdpa.c: VHOST_VDPA_GET_VRING_NUM; vhost_vdpa_vring_ioctl() refuses larger ones since 6.12.111, before it left them to the parent driver',
    check: onNics((nic, guest) => onEachBacking(nic, (backing) => ringsTooLarge(nic, guest, backing))),
  },
  {
    code: 'validate.mq-without-ctrl-vq',
    severity: 'error',
    appliesTo: foreignKinds,
    asks: 'is there a control virtqueue where a feature needs one?',
    source:
      'virtio 1.3, 5.1.3.1: MQ, RSS, CTRL_RX and others require CTRL_VQ; Linux drivers/net/virtio_net.c: virtnet_validate_features()',
    check: onNics((nic, guest) => (guest.properties['ctrl_vq'] === false ? withoutControl(nic, guest) : [])),
  },
  {
    code: 'validate.disk-queues',
    severity: 'error',
    appliesTo: foreignKinds,
    asks: 'has a disk from 1 to 1024 queues?',
    source:
      'QEMU hw/block/virtio-blk.c: virtio_blk_device_realize(); hw/virtio/virtio.c: virtio_add_queue() aborts above VIRTIO_QUEUE_MAX',
    check: ({ document }) =>
      (document.configuration?.guest.disks ?? []).flatMap(({ id, queues }, index): Hit[] => {
        if (!isKnown(queues) || (queues >= 1 && queues <= most)) return [];
        const path = `/disks/${index}`;
        const message = `${id ?? path.slice(1)}: number of queues must be from 1 to ${most}, or QEMU does not start; got ${queues}`;
        return [{ path, message, place: document.placeOf(path) }];
      }),
  },
];

function mqAndPairs(nic: Nic, { mq }: GuestInterface, subject: Subject): Hit[] {
  if (nic.backings.length === 0) {
    if (mq !== true || nic.option === undefined) return [];
    const hoped = hopedPairs(nic, subject);
    const queues = hoped === undefined ? '' : ` (queues=${hoped} does not count)`;
    const message = `${nic.label}: mq=on offers as many queue pairs as the vDPA device has${queues}, and no host report tells how many`;
    return [atDevice(nic, message, { severity: 'info', fix: 'give --host, or create the device with max_vqp N' })];
  }
  return onEachBacking(nic, ({ host, device }): Hit[] => {
    const pairs = queuePairsOf(device);
    if (pairs === undefined || !isKnown(mq)) return [];
    const where = `${device.name} on ${host.report.host.name}`;
    if (mq && pairs === 1) {
      const message = `${nic.label}: mq is on, but ${where} has one queue pair: the guest gets one`;
      return [atDevice(nic, message, { fix: `mq=off, or provision ${device.name} with max_vqp N` })];
    }
    if (mq || pairs === 1) return [];
    const message = `${nic.label}: ${where} has ${pairs} queue pairs, and the guest can use only the first, because mq is off`;
    return [atDevice(nic, message, { fix: `mq=on,vectors=${2 * pairs + 2}` })];
  });
}

/** What queues= of its netdev hopes for: QEMU ignores it, but it tells what is meant. */
function hopedPairs(nic: Nic, { options }: Subject): number | undefined {
  const netdev = knownText(nic.option, 'netdev');
  const back = options.find((option) => option.name === 'netdev' && knownText(option, 'id') === netdev);
  const queues = Number(knownText(back, 'queues') ?? NaN);
  return netdev !== undefined && Number.isSafeInteger(queues) && queues > 0 && queues <= most ? queues : undefined;
}

/** One vector for configuration changes, one per data virtqueue; the control virtqueue needs none in Linux. */
function vectors(nic: Nic, { vectors: given, mq, queuePairs }: GuestInterface, subject: Subject): Hit[] {
  if (!isKnown(given)) return [];
  const known = nic.backings.flatMap(({ device }) => {
    const pairs = mq === false ? 1 : queuePairsOf(device);
    return pairs === undefined ? [] : [{ pairs, control: controlVirtqueueOf(device) !== undefined }];
  });
  const [largest] = known.sort((a, b) => b.pairs - a.pairs);
  const pairs = largest?.pairs ?? (isKnown(queuePairs) ? queuePairs : undefined);
  if (pairs === undefined) {
    // with mq there are two pairs at least, or as many as somebody hoped for
    const least = Math.max(2, hopedPairs(nic, subject) ?? 2);
    if (mq !== true || given >= 2 * least + 1) return [];
    const message = `${nic.label}: vectors is ${given}, with mq=on: too few for ${least} queue pairs, which take ${2 * least + 2}; virtqueues would share interrupts`;
    return [atDevice(nic, message, { fix: `vectors=${2 * least + 2}, or as many as twice the pairs and two` })];
  }
  const all = 2 * pairs + 2;
  if (given >= all || (given === all - 1 && largest?.control === false)) return [];
  const fix = `vectors=${all}`;
  if (given === all - 1) {
    const message = `${nic.label}: vectors is ${given}: none is left for the control virtqueue; libvirt gives ${all} for ${pairs} queue pairs`;
    return [atDevice(nic, message, { severity: 'info', fix })];
  }
  const message = `${nic.label}: vectors must be ${all} for ${pairs} queue pairs, or virtqueues share interrupts; got ${given}`;
  return [atDevice(nic, message, { fix })];
}

function ringsTooLarge(nic: Nic, guest: GuestInterface, { host, device }: Backing): Hit[] {
  const largest = device.identity.vqSizeMax;
  if (!isKnown(largest)) return [];
  const { kernelRelease } = host.report.host;
  const refuses = refusesLargerRings(host.report.host) === true;
  const then = refuses
    ? `kernel ${kernelRelease} refuses them, and the device does not start`
    : `whether it takes larger ones, nobody checks`;
  return rings(guest).flatMap(([name, size]) => {
    if (!isKnown(size) || size <= largest) return [];
    const message = `${nic.label}: ${name} is ${size}, and the rings of ${device.name} have at most ${largest} descriptors: ${then}`;
    return [atDevice(nic, message, refuses ? {} : { severity: 'warning' })];
  });
}

/** property -> feature that needs the control virtqueue */
const controlled = {
  mq: 'VIRTIO_NET_F_MQ',
  rss: 'VIRTIO_NET_F_RSS',
  hash: 'VIRTIO_NET_F_HASH_REPORT',
  ctrl_rx: 'VIRTIO_NET_F_CTRL_RX',
  ctrl_vlan: 'VIRTIO_NET_F_CTRL_VLAN',
  ctrl_mac_addr: 'VIRTIO_NET_F_CTRL_MAC_ADDR',
  guest_announce: 'VIRTIO_NET_F_GUEST_ANNOUNCE',
} as const;

/** QEMU turns off none of them together with ctrl_vq, and Linux takes no device that offers one without it. */
function withoutControl(nic: Nic, { mq, properties }: GuestInterface): Hit[] {
  const asked = [
    ...(mq === true ? (['mq'] as const) : []),
    ...(['rss', 'hash'] as const).filter((name) => properties[name] === true),
  ];
  // on where nobody turned them off
  const usual = (['ctrl_rx', 'ctrl_vlan', 'ctrl_mac_addr', 'guest_announce'] as const).filter(
    (name) => !Object.hasOwn(properties, name),
  );
  const features = nic.backings.map(({ device }) => device.identity.features).filter(isKnown);
  const offered = [...asked, ...usual].filter((name) => features.some((set) => hasFeature(set, controlled[name])));
  const needing = features.length > 0 ? offered : asked.length > 0 ? asked : usual;
  if (needing.length === 0) return [];
  const message = `${nic.label}: ctrl_vq is off, and ${needing.join(', ')} needs the control virtqueue: Linux refuses such a device`;
  const fix = `ctrl_vq=on, or ${needing.map((name) => `${name}=off`).join(',')}`;
  // what is on by itself is offered only where the device has it
  return [atDevice(nic, message, { fix, ...(features.length > 0 || asked.length > 0 ? {} : { severity: 'warning' }) })];
}

function rings({ rxQueueSize, txQueueSize }: GuestInterface): [string, Fact<number>][] {
  return [
    ['rx_queue_size', rxQueueSize],
    ['tx_queue_size', txQueueSize],
  ];
}

function ringSizes(device: SubjectDevice): Hit[] {
  const given: [string, unknown, number][] =
    device.kind === 'net'
      ? rings(device.guest).map(([name, size]) => [name, size, 256])
      : device.kind === 'block'
        ? [['queue-size', propertyOf(device.guest.properties, 'queue-size'), 4]]
        : [];
  return given.flatMap(([name, size, least]) => {
    if (size === undefined || isUnknown(size) || isRingSize(size, least)) return [];
    const message = `${device.label}: ${name} must be a power of two from ${least} to ${most}, or QEMU does not start; got ${quoted(size)}`;
    return [atDevice(device, message)];
  });
}

function propertyOf(properties: Readonly<Record<string, Fact<string | number | boolean>>>, name: string): unknown {
  const value = Object.hasOwn(properties, name) ? properties[name] : undefined;
  return value === undefined ? undefined : canonical(value);
}

function isRingSize(size: unknown, least: number): boolean {
  return typeof size === 'number' && size >= least && size <= most && Number.isInteger(Math.log2(size));
}

import { parentDriverOf } from '../../doorbell/parent-driver.ts';
import { isKnown } from '../../model/fact.ts';
import { hasFeature } from '../../model/virtio-features.ts';
import type { VdpaDevice } from '../../model/generated/host-report.ts';
import { queuePairsOf } from '../../doorbell/virtqueue-role.ts';
import type { Migration, Pair } from '../migration.ts';
import { refusesLargerRings } from '../../plan/rings.ts';
import { largestRing } from '../rings.ts';
import { whyUnknown, type Hit, type MigrationRule } from '../rule.ts';
import { withDevice } from './device.ts';

/** Parents that neither give nor take the state of a virtqueue, other than a fresh one. */
const stateless: Readonly<Record<string, string>> = {
  'vp-vdpa': 'vp_vdpa_set_vq_state()',
  'alibaba-eni-vdpa': 'eni_vdpa_set_vq_state()',
};

/** State, number and size of virtqueues. */
export const queueRules: readonly MigrationRule[] = [
  {
    code: 'migration.no-virtqueue-state',
    severity: 'warning',
    effect: 'state-lost',
    asks: 'does the parent driver at the destination take the state of a virtqueue? Otherwise vhost does not start there, and QEMU drops what the guest sends (seen in the lab)',
    source:
      'Linux drivers/vdpa/virtio_pci/vp_vdpa.c: vp_vdpa_set_vq_state(); drivers/vdpa/alibaba/eni_vdpa.c: eni_vdpa_set_vq_state()',
    check: ({ pairs }) =>
      withDevice(pairs, ({ kind, path, label }, to) => {
        const driver = parentDriverOf(to) ?? '';
        const refuses = Object.hasOwn(stateless, driver) ? stateless[driver] : undefined;
        if (kind !== 'net' || refuses === undefined) return [];
        return [
          {
            path,
            message: `${label}: the parent driver of ${to.name} takes no virtqueue state (${refuses}): the device does not start at the destination, and the guest has no network until its driver resets it`,
          },
        ];
      }),
  },
  {
    code: 'migration.queue-pairs-differ',
    severity: 'error',
    effect: 'lost',
    asks: 'has the device as many queue pairs? QEMU takes them from the device, whatever queues= says',
    source:
      'QEMU hw/net/virtio-net.c: vmstate_virtio_net_device, max_queue_pairs; net/vhost-vdpa.c: vhost_vdpa_get_max_queue_pairs()',
    check: ({ pairs }) => withDevice(pairs, queuePairs),
  },
  {
    code: 'migration.vectors-by-device',
    severity: 'error',
    effect: 'lost',
    asks: 'where vectors is not set: does QEMU count as many for both devices?',
    source:
      'QEMU hw/virtio/virtio-net-pci.c: virtio_net_pci_realize(): two for each queue pair, and for the control virtqueue as if it were one, and two more; hw/pci/pci.c: get_pci_config_device()',
    check: ({ pairs }) => withDevice(pairs, vectors),
  },
  {
    code: 'migration.virtqueues-missing',
    severity: 'error',
    effect: 'no-start',
    asks: 'has the device the virtqueues that its queue pairs need?',
    source: 'QEMU 10.0.13 ends with a segmentation fault on such a device (seen in the lab)',
    check: ({ pairs }) =>
      withDevice(pairs, ({ kind, path, label }, to) => {
        const found = queuePairsOf(to);
        const { vqCount } = to.identity;
        if (kind !== 'net' || found === undefined || !isKnown(vqCount) || 2 * found <= vqCount) return [];
        return [
          {
            path,
            message: `${label}: ${to.name} says it has ${found} queue pairs, but it has only ${vqCount} virtqueues`,
          },
        ];
      }),
  },
  {
    code: 'migration.ring-size',
    severity: 'warning',
    effect: 'state-lost',
    asks: 'do the rings that the guest uses, or may take, fit the device? A kernel that refuses them leaves the guest without it',
    source:
      'Linux drivers/vhost/vdpa.c: vhost_vdpa_vring_ioctl() refuses larger rings since 6.12.111; QEMU hw/virtio/virtio.c: virtio_add_queue() of 10.0.13 offers 1024 descriptors whatever is set',
    check: (migration) => withDevice(migration.pairs, (pair, to) => ringSize(pair, to, migration)),
  },
];

function queuePairs(pair: Pair, to: VdpaDevice): Hit[] {
  if (pair.kind !== 'net') return [];
  const { path, label, guest, from } = pair;
  const had = (from && queuePairsOf(from)) ?? (isKnown(guest.queuePairs) ? guest.queuePairs : undefined);
  const there = queuePairsOf(to);
  if (had === undefined) {
    // with one pair in the device there is nothing to differ in, whatever the source has
    const why = from ? 'its device does not tell' : whyUnknown(guest.queuePairs);
    return [{ path, unknown: true, message: `${label}: the queue pairs of the source are not known: ${why}` }];
  }
  if (there === undefined) {
    return [{ path, unknown: true, message: `${label}: the queue pairs of ${to.name} are not known` }];
  }
  if (had === there) return [];
  return [
    {
      path,
      evidence: { guest: had, destination: there },
      message: `${label}: the guest has ${had} queue pairs, but ${to.name} has ${there}`,
      fix: `provision ${to.name} with max_vqp ${had}`,
    },
  ];
}

function vectors(pair: Pair, to: VdpaDevice): Hit[] {
  if (pair.kind !== 'net' || isKnown(pair.guest.vectors) || isKnown(pair.then.vectors)) return [];
  const { path, label, from } = pair;
  const [before, after] = [from && countedVectors(from), countedVectors(to)];
  if (before === undefined || after === undefined) {
    const whose = before === undefined ? 'the source' : to.name;
    const message = `${label}: vectors is not set, and how many QEMU counts for the device of ${whose} is not known`;
    return [{ path, unknown: true, message, fix: 'set vectors at both ends' }];
  }
  if (before === after) return [];
  return [
    {
      path,
      evidence: { guest: before, destination: after },
      message: `${label}: vectors is not set: QEMU gave ${before} at the source, and would give ${after} for ${to.name}`,
      fix: `set vectors=${before} at the destination`,
    },
  ];
}

/** Each vhost_dev is a peer of the NIC, the control virtqueue has one of its own. */
function countedVectors(device: VdpaDevice): number | undefined {
  const pairs = queuePairsOf(device);
  const { features } = device.identity;
  if (pairs === undefined || !isKnown(features)) return undefined;
  return 2 * (pairs + (hasFeature(features, 'VIRTIO_NET_F_CTRL_VQ') ? 1 : 0)) + 2;
}

function ringSize(pair: Pair, to: VdpaDevice, migration: Migration): Hit[] {
  const { path, label, from } = pair;
  const { vqSizeMax } = to.identity;
  const ring = largestRing(pair, migration.sourceQemu);
  if (ring === undefined || !isKnown(vqSizeMax) || ring.size <= vqSizeMax) return [];
  const { host } = migration.to.report;
  const refused = refusesLargerRings(host);
  // what the source takes is taken there too, but by a stricter kernel
  const asStrict = refused !== true || (migration.from && refusesLargerRings(migration.from.report.host) === true);
  if (asStrict && from && isKnown(from.identity.vqSizeMax) && from.identity.vqSizeMax <= vqSizeMax) return [];
  const has = ring.inUse ? `its rings have ${ring.size} descriptors` : `it may take rings of ${ring.size} descriptors`;
  const then =
    refused === true
      ? `kernel ${host.kernelRelease} refuses more, so the device does not start, and QEMU drops what the guest sends`
      : `whether kernel ${host.kernelRelease} and its driver take more is not known`;
  return [
    {
      path,
      unknown: !ring.inUse || refused !== true,
      evidence: { guest: ring.size, destination: vqSizeMax },
      message: `${label}: ${has}, and those of ${to.name} at most ${vqSizeMax}: ${then}`,
    },
  ];
}

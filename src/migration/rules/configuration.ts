import { isKnown } from '../../model/fact.ts';
import { parentDriverOf } from '../../doorbell/parent-driver.ts';
import type { VdpaDevice } from '../../model/generated/host-report.ts';
import type { Pair } from '../migration.ts';
import { whyUnknown, type Hit, type MigrationRule } from '../rule.ts';
import { withDevice } from './device.ts';

/** What the guest has read, or will read, in the configuration space of its device. */
export const configurationRules: readonly MigrationRule[] = [
  {
    code: 'migration.mac-differs',
    severity: 'error',
    effect: 'state-lost',
    asks: "is the MAC address of the device the guest's?",
    source: 'QEMU hw/net/virtio-net.c: virtio_net_get_config(): the guest reads the MAC of the vDPA device',
    check: ({ pairs }) => withDevice(pairs, mac),
  },
  {
    code: 'migration.mtu-differs',
    severity: 'error',
    effect: 'state-lost',
    asks: 'is the MTU the same, where the guest is offered one?',
    source: 'virtio 1.3, 5.1.4: mtu is read when the driver starts, and not again',
    check: ({ pairs }) => withDevice(pairs, mtu),
  },
  {
    code: 'migration.disk-smaller',
    severity: 'error',
    effect: 'state-lost',
    asks: 'has the disk the capacity and block size that the guest has read?',
    source: 'virtio 1.3, 5.2.4: capacity and blk_size',
    check: ({ pairs }) => withDevice(pairs, geometry),
  },
  {
    code: 'migration.disk-content',
    severity: 'warning',
    effect: 'unknown',
    asks: 'do both devices of a disk lead to the same data? No report can tell',
    source: 'QEMU migrates no data of a disk unless it is told to (block mirror)',
    check: ({ pairs }) =>
      withDevice(pairs, ({ kind, path, label }, to) =>
        kind === 'block'
          ? [{ path, unknown: true, message: `${label}: that ${to.name} leads to the same data cannot be seen` }]
          : [],
      ),
  },
];

const none = '00:00:00:00:00:00';

/** Parents that take the MAC address that QEMU writes to them when the VM starts. */
const writable = new Set(['vdpasim_net']);

function mac(pair: Pair, to: VdpaDevice): Hit[] {
  if (pair.kind !== 'net') return [];
  const { path, label, guest, from } = pair;
  const there = macOf(to);
  const own = isKnown(guest.mac) ? guest.mac : undefined;
  // what the guest reads now is its device's; QEMU's mac= counts where the device has none
  const has = (from && macOf(from)) ?? own;
  if (has === undefined) {
    return [
      { path, unknown: true, message: `${label}: the MAC address of the guest is not known: ${whyUnknown(guest.mac)}` },
    ];
  }
  if (there === undefined) {
    const { config } = to.identity;
    const why = isKnown(config) ? 'it is no net device' : whyUnknown(config);
    return [{ path, unknown: true, message: `${label}: the MAC address of ${to.name} is not known: ${why}` }];
  }
  if (there === has || there === none) return [];
  if (writable.has(parentDriverOf(to) ?? '') && own === has) return [];
  return [
    {
      path,
      evidence: { guest: has, destination: there },
      message: `${label}: the guest has MAC ${has}, but ${to.name} has ${there}: frames to the guest would not reach it`,
      fix: `provision ${to.name} with mac ${has}`,
    },
  ];
}

function macOf({ identity: { config } }: VdpaDevice): string | undefined {
  return isKnown(config) && config.class === 'net' ? config.mac : undefined;
}

function mtu(pair: Pair, to: VdpaDevice): Hit[] {
  if (pair.kind !== 'net' || !isKnown(pair.guest.mtu) || pair.guest.mtu === null) return [];
  const { path, label, from } = pair;
  const had = mtuOf(from) ?? pair.guest.mtu;
  const there = mtuOf(to);
  if (there === undefined || there === had) return [];
  return [
    {
      path,
      evidence: { guest: had, destination: there },
      message: `${label}: the guest has read MTU ${had}, but ${to.name} has ${there}: larger frames are dropped`,
      fix: `provision ${to.name} with mtu ${had}`,
    },
  ];
}

function mtuOf(device: VdpaDevice | undefined): number | undefined {
  const config = device?.identity.config;
  return config !== undefined && isKnown(config) && config.class === 'net' ? config.mtu : undefined;
}

function geometry(pair: Pair, to: VdpaDevice): Hit[] {
  if (pair.kind !== 'block') return [];
  const { path, label, from } = pair;
  const [before, after] = [geometryOf(from), geometryOf(to)];
  if (!before || !after) {
    return [{ path, unknown: true, message: `${label}: capacity and block size of both devices are not known` }];
  }
  const hits: Hit[] = [];
  if (after.sectors < before.sectors) {
    hits.push({
      path,
      message: `${label}: ${to.name} has ${after.sectors} sectors, and the guest has read ${before.sectors}`,
    });
  }
  if (after.blockSize !== before.blockSize) {
    hits.push({
      path,
      message: `${label}: blocks of ${to.name} have ${after.blockSize} bytes, and the guest has read ${before.blockSize}`,
    });
  }
  return hits;
}

function geometryOf(device: VdpaDevice | undefined): { sectors: bigint; blockSize: number } | undefined {
  const config = device?.identity.config;
  if (config === undefined || !isKnown(config) || config.class !== 'block') return undefined;
  // without VIRTIO_BLK_F_BLK_SIZE a block is a sector
  return { sectors: BigInt(config.capacity ?? 0), blockSize: config.blockSize ?? 512 };
}

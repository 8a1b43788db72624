import { isKnown } from '../../model/fact.ts';
import type { VdpaDevice } from '../../model/generated/host-report.ts';
import { hasFeature } from '../../model/virtio-features.ts';
import { controlIsolation } from '../../doorbell/control-isolation.ts';
import { isSince } from '../../model/qemu-version.ts';
import type { Migration, Pair } from '../migration.ts';
import { whyUnknown, type Hit, type MigrationRule } from '../rule.ts';
import { shadowRefusal } from '../shadow-virtqueue.ts';
import { withDevice } from './device.ts';

/** What the guest sets through the control virtqueue: MAC address, queue pairs, filters, offloads. */
export const controlRules: readonly MigrationRule[] = [
  {
    code: 'migration.control-state-lost',
    severity: 'warning',
    effect: 'state-lost',
    asks: 'can QEMU see what the guest sets through the control virtqueue, and set it again at the destination?',
    source:
      'QEMU net/vhost-vdpa.c: vhost_vdpa_net_cvq_start() shadows only an isolated control virtqueue; vhost_vdpa_net_cvq_load() does nothing for others',
    check: (migration) => withDevice(migration.pairs, (pair, to) => isolation(pair, to, migration)),
  },
  {
    code: 'migration.control-state-partly-lost',
    severity: 'warning',
    effect: 'state-lost',
    asks: 'does the QEMU of the destination restore all of it?',
    source:
      'QEMU net/vhost-vdpa.c: vhost_vdpa_net_cvq_load(): receive filters and offloads since 8.1, VLAN and RSS since 8.2',
    check: ({ pairs, to }) =>
      withDevice(pairs, (pair, device) => {
        const version = to.qemu?.capabilities.version;
        if (version === undefined || isSince(version, '8.2') || !hasControl(pair, device)) return [];
        return [
          {
            path: pair.path,
            message: `${pair.label}: QEMU ${version} does not restore VLAN filters and RSS${isSince(version, '8.1') ? '' : ', receive filters and offloads'} of the guest`,
          },
        ];
      }),
  },
];

/** True where the guest has, or may have, a control virtqueue. */
function hasControl(pair: Pair, device: VdpaDevice | undefined): boolean {
  if (pair.kind !== 'net') return false;
  const { properties } = pair.guest;
  if (properties['ctrl_vq'] === false || properties['ctrl_vq'] === 'off') return false;
  const taken = pair.running?.negotiatedFeatures;
  if (taken !== undefined && isKnown(taken)) return (BigInt(taken) & (1n << 17n)) !== 0n;
  const features = device?.identity.features;
  return features === undefined || !isKnown(features) || hasFeature(features, 'VIRTIO_NET_F_CTRL_VQ');
}

function isolation(pair: Pair, to: VdpaDevice, migration: Migration): Hit[] {
  const { path, label, from, binding, bindingThen } = pair;
  if (!hasControl(pair, from ?? to)) return [];
  const ends = [
    { device: from, where: 'source', shadowed: binding.shadowVirtqueues, qemu: migration.sourceQemu },
    {
      device: to,
      where: 'destination',
      shadowed: bindingThen.shadowVirtqueues,
      qemu: migration.to.qemu?.capabilities.version,
    },
  ];
  return ends.flatMap(({ device, where, shadowed, qemu }): Hit[] => {
    // with x-svq=on all virtqueues are shadowed, all the time
    if (shadowed === true) return [];
    if (!device) {
      return [
        {
          path,
          unknown: true,
          message: `${label}: whether the control virtqueue is isolated at the ${where} is not known: no report tells its device`,
        },
      ];
    }
    const kind = controlIsolation(device);
    if (!isKnown(kind)) {
      return [
        {
          path,
          unknown: true,
          message: `${label}: whether the control virtqueue of ${device.name} is isolated is not known: ${whyUnknown(kind)}`,
        },
      ];
    }
    const what =
      where === 'source'
        ? 'does not see what the guest sets through it'
        : 'does not restore what the guest set through it';
    if (kind === 'shared') {
      return [
        {
          path,
          message: `${label}: the control virtqueue of ${device.name} (${where}) has no group and address space of its own, so QEMU ${what}: MAC address, queue pairs, filters`,
          fix: 'ctrl_vq=off,ctrl_rx=off,ctrl_vlan=off,ctrl_mac_addr=off,guest_announce=off in the guest device, or a parent driver with a second address space',
        },
      ];
    }
    const { features } = device.identity;
    const refusal = isKnown(features) && qemu !== undefined ? shadowRefusal(BigInt(features.bits), qemu) : undefined;
    if (kind !== 'isolated' || !refusal || refusal.unsure || where === 'source') return [];
    return [
      {
        path,
        message: `${label}: shadow virtqueues refuse ${device.name} (${where}), so QEMU ${what}: ${refusal.text}`,
        fix: 'provision it with device_features that shadow virtqueues accept (vdpa-qemu baseline gives the command)',
      },
    ];
  });
}

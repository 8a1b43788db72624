import { isKnown } from '../../model/fact.ts';
import { hasFeature } from '../../model/virtio-features.ts';
import { netNames } from '../net-features.ts';
import { isSince } from '../../model/qemu-version.ts';
import type { Migration, Pair } from '../migration.ts';
import { whyUnknown, type Hit, type MigrationRule } from '../rule.ts';
import { shadowRefusal } from '../shadow-virtqueue.ts';

/** Whether QEMU can and will migrate the guest's devices away. */
export const migratabilityRules: readonly MigrationRule[] = [
  {
    code: 'migration.blocked',
    severity: 'error',
    effect: 'refused',
    asks: 'of a running VM: does QEMU itself tell a reason against it?',
    source: 'QEMU migration/migration.c: qmp_query_migrate(), blocked-reasons',
    check: ({ source }) =>
      (source.running?.migrationBlockedReasons ?? []).map((reason) => ({
        path: '',
        message: `QEMU refuses: ${reason}`,
      })),
  },
  {
    code: 'migration.not-migratable',
    severity: 'error',
    effect: 'refused',
    asks: 'has the guest a vhost-vdpa-device-pci?',
    source: 'QEMU hw/virtio/vdpa-dev.c: vmstate_vhost_vdpa_device, unmigratable',
    check: ({ pairs }) =>
      pairs.flatMap(({ kind, path, label }) =>
        kind === 'generic' ? [{ path, message: `${label} is a vhost-vdpa-device-pci, which QEMU cannot migrate` }] : [],
      ),
  },
  {
    code: 'migration.qemu-too-old',
    severity: 'error',
    effect: 'refused',
    asks: 'can the QEMU of the source migrate vhost-vdpa (8.0; with a control virtqueue 8.2; before that with x-svq=on only)?',
    source: 'QEMU net/vhost-vdpa.c: migration_blocker; hw/virtio/vhost.c: VHOST_F_LOG_ALL',
    check: (migration) => nets(migration, tooOld),
  },
  {
    code: 'migration.shadow-virtqueues-refused',
    severity: 'error',
    effect: 'refused',
    asks: 'do shadow virtqueues accept all that the device offers? Whether the guest took it does not matter',
    source:
      'QEMU net/vhost-vdpa.c: vhost_vdpa_net_valid_svq_features(); hw/virtio/vhost-shadow-virtqueue.c: vhost_svq_valid_features()',
    check: (migration) => nets(migration, refused),
  },
  {
    code: 'migration.no-suspend',
    severity: 'warning',
    effect: 'state-lost',
    asks: 'can the device be suspended (VHOST_BACKEND_F_SUSPEND)? QEMU resets it otherwise',
    source: 'QEMU hw/virtio/vhost-vdpa.c: vhost_vdpa_suspend(), vhost_vdpa_get_vring_base()',
    check: (migration) =>
      nets(migration, ({ path, label, from }) => {
        if (!from)
          return [
            {
              path,
              unknown: true,
              message: `${label}: whether its device can be suspended is not known: ${noReport(migration)}`,
            },
          ];
        const { backendFeatures } = from.identity;
        if (!isKnown(backendFeatures)) {
          return [
            {
              path,
              unknown: true,
              message: `${label}: whether ${from.name} can be suspended is not known: ${whyUnknown(backendFeatures)}`,
            },
          ];
        }
        return hasFeature(backendFeatures, 'VHOST_BACKEND_F_SUSPEND')
          ? []
          : [
              {
                path,
                message: `${label}: ${from.name} cannot be suspended, so QEMU resets it: buffers in flight are lost or used twice`,
              },
            ];
      }),
  },
  {
    code: 'migration.shadow-virtqueues-there',
    severity: 'error',
    effect: 'no-start',
    asks: 'with x-svq=on at the destination: do shadow virtqueues accept its device?',
    source: 'QEMU net/vhost-vdpa.c: net_init_vhost_vdpa(), vhost_vdpa_net_valid_svq_features()',
    check: ({ pairs, to }) =>
      pairs.flatMap(({ kind, path, label, to: device, bindingThen }) => {
        const features = device?.identity.features;
        const qemu = to.qemu?.capabilities.version;
        if (kind !== 'net' || bindingThen.shadowVirtqueues !== true || !device || qemu === undefined) return [];
        if (features === undefined || !isKnown(features)) return [];
        const refusal = shadowRefusal(BigInt(features.bits), qemu);
        return refusal
          ? [
              {
                path,
                unknown: refusal.unsure,
                message: `${label}: x-svq is on, and ${device.name} is refused: ${refusal.text}`,
              },
            ]
          : [];
      }),
  },
];

function nets(migration: Migration, check: (pair: Pair, migration: Migration) => Hit[]): Hit[] {
  return migration.pairs.flatMap((pair) => (pair.kind === 'net' ? check(pair, migration) : []));
}

/** A running QEMU has told its reasons itself, and one that is not known cannot be judged. */
function tooOld({ path, label, binding, from }: Pair, { source, sourceQemu }: Migration): Hit[] {
  if (source.running !== null || binding.shadowVirtqueues === true) return [];
  if (sourceQemu === undefined) {
    return [
      {
        path: '',
        unknown: true,
        message: `${label}: which QEMU runs the guest is not known, so neither whether it can migrate it`,
      },
    ];
  }
  if (!isSince(sourceQemu, '8.0')) {
    return [
      { path, message: `${label}: QEMU ${sourceQemu} cannot migrate vhost-vdpa without x-svq=on; 8.0 and newer can` },
    ];
  }
  if (isSince(sourceQemu, '8.2')) return [];
  const features = from?.identity.features;
  if (features !== undefined && isKnown(features)) {
    return hasFeature(features, 'VIRTIO_NET_F_CTRL_VQ')
      ? [
          {
            path,
            message: `${label}: QEMU ${sourceQemu} cannot migrate a device with a control virtqueue; 8.2 and newer can`,
          },
        ]
      : [];
  }
  return [
    {
      path,
      unknown: true,
      message: `${label}: QEMU ${sourceQemu} cannot migrate a device with a control virtqueue, and whether this has one is not known`,
    },
  ];
}

function refused({ path, label, from }: Pair, migration: Migration): Hit[] {
  const { source, sourceQemu } = migration;
  if (source.running !== null) return [];
  if (!from) {
    return [
      {
        path,
        unknown: true,
        message: `${label}: what its vDPA device offers is not known, so neither whether QEMU refuses to migrate it: ${noReport(migration)}`,
      },
    ];
  }
  const { features } = from.identity;
  if (!isKnown(features)) {
    return [
      { path, unknown: true, message: `${label}: what ${from.name} offers is not known: ${whyUnknown(features)}` },
    ];
  }
  // which QEMU it is, another rule asks
  const refusal = sourceQemu === undefined ? undefined : shadowRefusal(BigInt(features.bits), sourceQemu);
  if (!refusal) return [];
  const names = refusal.excess === 0n ? `lacks ${netNames(refusal.missing)}` : `offers ${netNames(refusal.excess)}`;
  return [
    {
      path,
      unknown: refusal.unsure,
      evidence: { offered: features.bits },
      message: `${label}: ${from.name} ${names}, and shadow virtqueues do not work with that: ${refusal.text}`,
      fix: 'provision it without (vdpa-qemu baseline gives device_features)',
    },
  ];
}

function noReport({ from }: Migration): string {
  return from
    ? `the report of host ${from.report.host.name} does not tell it`
    : 'no report of the source is given (--from)';
}

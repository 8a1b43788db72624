import { classOf } from '../../doorbell/virtqueue-role.ts';
import { isKnown } from '../../model/fact.ts';
import type { VdpaDevice } from '../../model/generated/host-report.ts';
import type { Migration, Pair } from '../migration.ts';
import { whyUnknown, type Hit, type MigrationRule } from '../rule.ts';

/** Is there a device, of the right class, that can be opened? */
export const deviceRules: readonly MigrationRule[] = [
  {
    code: 'migration.device-missing',
    severity: 'error',
    effect: 'no-start',
    asks: 'is there a vDPA device for each of the guest?',
    source: 'QEMU net/vhost-vdpa.c: net_init_vhost_vdpa() opens vhostdev=',
    check: ({ pairs, to }) =>
      pairs.flatMap(({ path, label, kind, to: device, assignment }) => {
        if (device) return [];
        const [named] = assignment.candidates;
        const others = to.report.devices.map(({ name }) => name);
        const known = others.length === 0 ? 'it has none' : `it has ${others.slice(0, 8).join(', ')}`;
        const what =
          named === undefined
            ? `no free vDPA ${kind === 'generic' ? '' : `${kind} `}device`
            : `no vDPA device ${named}`;
        return [{ path, message: `${label}: host ${to.report.host.name} has ${what}: ${known}` }];
      }),
  },
  {
    code: 'migration.device-class',
    severity: 'error',
    effect: 'no-start',
    asks: 'is it of the same class?',
    source: 'QEMU net/vhost-vdpa.c: vhost_vdpa_net_check_device_id()',
    check: ({ pairs }) =>
      withDevice(pairs, ({ path, label, kind }, to) => {
        if (kind === 'generic') return [];
        const found = classOf(to);
        if (found === kind) return [];
        if (found === 'unknown') {
          const why = whyUnknown(to.identity.virtioId);
          return [{ path, unknown: true, message: `${label}: the class of ${to.name} is not known: ${why}` }];
        }
        return [{ path, message: `${label} is a ${kind} device, but ${to.name} is of class ${found}` }];
      }),
  },
  {
    code: 'migration.device-not-bound',
    severity: 'error',
    effect: 'no-start',
    asks: 'is it bound to vhost_vdpa, so that it has a character device?',
    source: 'Linux drivers/vhost/vdpa.c: vhost_vdpa_probe()',
    check: ({ pairs }) =>
      withDevice(pairs, ({ path, label }, to) => {
        if (!isKnown(to.charDevice)) {
          return [{ path, unknown: true, message: `${label}: ${whyUnknown(to.charDevice)}` }];
        }
        if (to.charDevice !== null) return [];
        return [
          {
            path,
            message: `${label}: ${to.name} has no character device: it is not bound to vhost_vdpa`,
            fix: `echo vhost_vdpa > /sys/bus/vdpa/devices/${to.name}/driver_override, unbind it from its driver, then echo ${to.name} > /sys/bus/vdpa/drivers/vhost_vdpa/bind`,
          },
        ];
      }),
  },
  {
    code: 'migration.device-busy',
    severity: 'error',
    effect: 'no-start',
    asks: 'is it free?',
    source: 'Linux drivers/vhost/vdpa.c: vhost_vdpa_open() gives EBUSY to the second',
    check: (migration) => withDevice(migration.pairs, (pair, to) => busy(pair, to, migration)),
  },
  {
    code: 'migration.device-shared',
    severity: 'error',
    effect: 'no-start',
    asks: 'has each device of the guest one of its own?',
    source: 'Linux drivers/vhost/vdpa.c: vhost_vdpa_open() gives EBUSY to the second',
    check: ({ pairs }) =>
      withDevice(pairs, ({ path, label }, to) => {
        const first = pairs.find((pair) => pair.to === to);
        return first === undefined || first.path === path
          ? []
          : [{ path, message: `${label} and ${first.label} would both have ${to.name}, which can be opened once` }];
      }),
  },
  {
    code: 'migration.device-unusable',
    severity: 'error',
    effect: 'no-start',
    asks: 'can it be opened at all?',
    source: 'Linux drivers/vhost/vdpa.c: vhost_vdpa_alloc_domain() gives ENOTSUPP without a cache-coherent IOMMU',
    check: ({ pairs }) =>
      withDevice(pairs, ({ path, label }, { name, open }) =>
        !isKnown(open) && open.unknown === 'ENOTSUPP'
          ? [{ path, message: `${label}: ${name} cannot be opened: ${open.detail}` }]
          : [],
      ),
  },
];

/** Applies a rule to each guest device that has a vDPA device at the destination. */
export function withDevice(pairs: readonly Pair[], check: (pair: Pair, to: VdpaDevice) => readonly Hit[]): Hit[] {
  return pairs.flatMap((pair) => (pair.to ? check(pair, pair.to) : []));
}

/** A report may be older than the VM that has the device now; of what it did not try, nothing is known. */
function busy({ path, label }: Pair, { name, open, identity }: VdpaDevice, { to }: Migration): Hit[] {
  if (isKnown(open) || open.unknown === 'ENOTSUPP') return [];
  // a driver that has negotiated features uses the device
  if (open.unknown === 'EBUSY' || (open.unknown === 'not-asked' && isKnown(identity.negotiation))) {
    return [
      {
        path,
        message: `${label}: ${name} is in use on host ${to.report.host.name}: it can be opened once`,
        fix: 'name another device, or free this one and probe again',
      },
    ];
  }
  return [{ path, unknown: true, message: `${label}: whether ${name} is free is not known: ${open.detail}` }];
}

import { isKnown } from '../../model/fact.ts';
import { minorVersion, versionNumber } from '../../model/qemu-version.ts';
import { counterpartOf } from '../match-devices.ts';
import type { Migration } from '../migration.ts';
import type { Hit, MigrationRule } from '../rule.ts';

/** Machine type and QEMU at the destination. */
export const machineRules: readonly MigrationRule[] = [
  {
    code: 'migration.qemu-unknown',
    severity: 'warning',
    effect: 'unknown',
    asks: 'does the report of the destination know its QEMU?',
    source: 'schemas/host-report.schema.json: qemu',
    check: ({ to }) =>
      to.qemu
        ? []
        : [
            {
              path: '',
              unknown: true,
              message: `no QEMU is known on host ${to.report.host.name}`,
              fix: 'probe it again with --qemu PATH',
            },
          ],
  },
  {
    code: 'migration.machine-missing',
    severity: 'error',
    effect: 'no-start',
    asks: 'has that QEMU the machine type, by its versioned name?',
    source: 'QEMU query-machines; system/vl.c: select_machine()',
    check: machineMissing,
  },
  {
    code: 'migration.machine-deprecated',
    severity: 'info',
    effect: 'none',
    asks: 'is it deprecated there?',
    source: 'QEMU query-machines: deprecated',
    check: (migration) => {
      const { machine } = guestThere(migration);
      const found = migration.to.qemu?.capabilities.machines.find(({ name }) => name === machine);
      return found?.deprecated === true
        ? [
            {
              path: '/machine',
              message: `machine type ${found.name} is deprecated in the QEMU of host ${migration.to.report.host.name}`,
            },
          ]
        : [];
    },
  },
  {
    code: 'migration.cpus-too-many',
    severity: 'error',
    effect: 'no-start',
    asks: 'does the machine type take as many CPUs?',
    source: 'QEMU query-machines: cpu-max',
    check: (migration) => {
      const { machine, cpu } = guestThere(migration);
      if (!isKnown(machine)) return [];
      const most = migration.to.qemu?.capabilities.machines.find(({ name }) => name === machine)?.cpuMax;
      return most !== undefined && isKnown(cpu.count) && cpu.count > most
        ? [
            {
              path: '/cpu/count',
              message: `the guest has ${cpu.count} CPUs, but ${machine} on host ${migration.to.report.host.name} takes ${most}`,
            },
          ]
        : [];
    },
  },
  {
    code: 'migration.qemu-older',
    severity: 'warning',
    effect: 'unknown',
    asks: 'is the QEMU of the destination as new as the source? Upstream promises the way to newer ones only',
    source: 'QEMU docs/devel/migration/compatibility.rst',
    check: ({ to, sourceQemu }) => {
      const there = to.qemu?.capabilities.version;
      if (sourceQemu === undefined || there === undefined || versionNumber(there) >= versionNumber(sourceQemu))
        return [];
      // within one stable line nothing of the stream may change
      if (minorVersion(there) === minorVersion(sourceQemu)) return [];
      return [{ path: '', unknown: true, message: `QEMU of the source is ${sourceQemu}, of the destination ${there}` }];
    },
  },
  {
    code: 'migration.qemu-lacks-vhost-vdpa',
    severity: 'error',
    effect: 'no-start',
    asks: 'has it the back ends that the guest needs?',
    source: 'QEMU qapi/net.json: NetdevVhostVDPAOptions; qapi/block-core.json: virtio-blk-vhost-vdpa',
    check: ({ pairs, to }) =>
      pairs.flatMap(({ kind, path, label }) => {
        const capabilities = to.qemu?.capabilities;
        const generic = 'vhost-vdpa-device-pci';
        const lacks = {
          net: capabilities?.netdevVhostVdpa === null && '-netdev vhost-vdpa',
          block: capabilities?.blockdevVirtioBlkVhostVdpa === false && 'block driver virtio-blk-vhost-vdpa',
          generic: capabilities?.deviceProperties[generic] === null && `device type ${generic}`,
        }[kind];
        return typeof lacks === 'string'
          ? [{ path, message: `${label}: QEMU of host ${to.report.host.name} has no ${lacks}` }]
          : [];
      }),
  },
  {
    code: 'migration.property-missing',
    severity: 'error',
    effect: 'no-start',
    asks: 'does it know the properties of virtio NICs and disks, vhost-vdpa devices and root ports, whatever is behind them?',
    source: 'QEMU device-list-properties; system/qdev-monitor.c: qdev_device_add()',
    check: propertiesMissing,
  },
];

function guestThere({ source, target }: Migration): Migration['source']['guest'] {
  return (target ?? source).guest;
}

const versioned = /-[0-9]+\.[0-9]+(\.[0-9]+)?$/;

function machineMissing(migration: Migration): Hit[] {
  const { machine } = guestThere(migration);
  const { report, qemu } = migration.to;
  const path = '/machine';
  if (!isKnown(machine)) {
    return [{ path, unknown: true, message: `the machine type is not known: ${machine.detail}` }];
  }
  if (!qemu) return [];
  const found = qemu.capabilities.machines.find(({ name }) => name === machine);
  if (!found) {
    const family = machine.replace(versioned, '-');
    const others = qemu.capabilities.machines.map(({ name }) => name).filter((name) => name.startsWith(family));
    const has = others.length === 0 ? 'none of its family' : others.slice(0, 12).join(', ');
    return [
      {
        path,
        message: `QEMU ${qemu.capabilities.version} of host ${report.host.name} has no machine type ${machine}; it has ${has}`,
      },
    ];
  }
  return versioned.test(machine)
    ? []
    : [{ path, unknown: true, message: `${machine} has no version: it may be another machine in another QEMU` }];
}

/** Lists of devices whose properties the report tells -> their driver. */
const listed = {
  rootPorts: 'pcie-root-port',
  interfaces: 'virtio-net-pci',
  disks: 'virtio-blk-pci',
  vdpaDevices: 'vhost-vdpa-device-pci',
} as const;

function propertiesMissing(migration: Migration): Hit[] {
  const { source, to } = migration;
  const capabilities = to.qemu?.capabilities;
  const there = guestThere(migration);
  return (['rootPorts', 'interfaces', 'disks', 'vdpaDevices'] as const).flatMap((list) => {
    const driver = listed[list];
    const known = capabilities?.deviceProperties[driver];
    if (!capabilities || !known) return [];
    return there[list].flatMap((device, index): Hit[] => {
      const at = counterpartOf(device, index, source.guest[list]);
      const path = at < 0 ? `/${list}` : `/${list}/${at}`;
      return wantedProperties(device)
        .filter((name) => !known.includes(name))
        .map((name) => ({
          path,
          message: `${device.id ?? `${list}/${index}`}: ${driver} of QEMU ${capabilities.version} on host ${to.report.host.name} has no property ${name}`,
        }));
    });
  });
}

type Listed = Migration['source']['guest'][keyof typeof listed][number];

/** Those that are written out for the values that the guest has; of what is not understood (`settings`) none. */
function wantedProperties(device: Listed): string[] {
  const set = device as { pagePerVq?: unknown; packed?: unknown; rxQueueSize?: unknown; txQueueSize?: unknown };
  const own: readonly [string, boolean][] = [
    ['page-per-vq', set.pagePerVq === true],
    ['packed', set.packed === true],
    ['rx_queue_size', typeof set.rxQueueSize === 'number' && set.rxQueueSize !== 256],
    ['tx_queue_size', typeof set.txQueueSize === 'number' && set.txQueueSize !== 256],
  ];
  const written = Object.entries(device.properties).flatMap(([name, value]) =>
    name === 'settings' && !isKnown(value) ? [] : [name],
  );
  return [...own.flatMap(([name, wanted]) => (wanted ? [name] : [])), ...written];
}

import { isKnown } from '../../model/fact.ts';
import { hasKvm } from '../../plan/accelerator.ts';
import { hostOf } from '../../plan/host.ts';
import { acceleratorAtStart, acceleratorNow } from '../accelerator-on.ts';
import { minorVersion, versionNumber } from '../../model/qemu-version.ts';
import type { Migration } from '../migration.ts';
import { whyUnknown, type Hit, type MigrationRule } from '../rule.ts';

/** Machine type, QEMU, CPU and accelerator at the destination. */
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
    asks: 'does it know the properties of the guest device?',
    source: 'QEMU device-list-properties; system/qdev-monitor.c: qdev_device_add()',
    check: ({ pairs, to }) =>
      pairs.flatMap((pair) => {
        const driver =
          pair.kind === 'net' ? 'virtio-net-pci' : pair.kind === 'block' ? 'virtio-blk-pci' : 'vhost-vdpa-device-pci';
        const known = to.qemu?.capabilities.deviceProperties[driver];
        if (!known) return [];
        return wantedProperties(pair.then)
          .filter((name) => !known.includes(name))
          .map((name) => ({
            path: pair.path,
            message: `${pair.label}: ${driver} of QEMU ${to.qemu?.capabilities.version ?? ''} on host ${to.report.host.name} has no property ${name}`,
          }));
      }),
  },
  {
    code: 'migration.accelerator',
    severity: 'error',
    effect: 'no-start',
    asks: 'can the accelerator of the guest be used there?',
    source: 'QEMU accel/kvm/kvm-all.c: kvm_init() opens /dev/kvm; the CPU state of KVM and TCG differs',
    check: accelerator,
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

/** Those that are written out for the values that the guest has. */
function wantedProperties(device: Migration['pairs'][number]['then']): string[] {
  const set = device as { pagePerVq?: unknown; packed?: unknown; rxQueueSize?: unknown; txQueueSize?: unknown };
  const own: readonly [string, boolean][] = [
    ['page-per-vq', set.pagePerVq === true],
    ['packed', set.packed === true],
    ['rx_queue_size', typeof set.rxQueueSize === 'number' && set.rxQueueSize !== 256],
    ['tx_queue_size', typeof set.txQueueSize === 'number' && set.txQueueSize !== 256],
  ];
  return [...own.flatMap(([name, wanted]) => (wanted ? [name] : [])), ...Object.keys(device.properties)];
}

function accelerator({ source, target, from, to }: Migration): Hit[] {
  const before = acceleratorNow(source, from);
  const after = acceleratorAtStart(target ?? source, to);
  const path = '';
  const architecture = (target ?? source).guest.architecture;
  if (isKnown(architecture) && to.qemu && to.qemu.capabilities.target !== architecture) {
    return [
      {
        path: '/architecture',
        message: `the guest is for ${architecture}, and QEMU of host ${to.report.host.name} is for ${to.qemu.capabilities.target}`,
      },
    ];
  }
  if (!isKnown(before) || !isKnown(after)) {
    const fact = isKnown(before) ? after : before;
    return [{ path, unknown: true, message: `the accelerator is not known: ${whyUnknown(fact)}` }];
  }
  if (before !== after) {
    return [
      {
        path,
        message: `the accelerator is ${before} at the source and ${after} at the destination: a guest does not migrate between them`,
      },
    ];
  }
  if (after !== 'kvm') return [];
  const { kvm } = to.report.host;
  if (!isKnown(kvm)) {
    return [
      { path, unknown: true, message: `whether host ${to.report.host.name} has KVM is not known: ${kvm.detail}` },
    ];
  }
  const machine = { name: '', architecture: isKnown(architecture) ? architecture : 'x86_64' } as const;
  return hasKvm(hostOf(to.report), machine) ? [] : [{ path, message: `host ${to.report.host.name} cannot use KVM` }];
}

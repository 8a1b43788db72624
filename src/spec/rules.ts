import type { Finding } from '../model/finding.ts';
import type { VmSpec } from '../model/generated/vm-spec.ts';
import { pointerOf } from '../model/pointer.ts';
import { bytesOf } from '../model/units.ts';

/** One breach of a rule: where (JSON pointer), and what was found. */
interface Breach {
  readonly path: string;
  readonly message: string;
  readonly fix?: string;
}

/** A rule on a spec that a schema cannot say. */
export interface SpecRule {
  readonly code: string;
  readonly severity: Finding['severity'];
  readonly check: (spec: VmSpec) => readonly Breach[];
}

const sections = ['interfaces', 'disks', 'vdpaDevices'] as const;

/** Every device of a spec with its pointer, in the order in which PCI addresses are given. */
function devicesOf(spec: VmSpec): { path: string; device: Device }[] {
  return sections.flatMap((section) =>
    (spec[section] ?? []).map((device: Device, index) => ({ path: pointerOf([section, index]), device })),
  );
}

type Device = { id: string; rootPort?: number; bootIndex?: number; vdpa?: string | Record<string, string> };

/** A rule that no two devices may have the same value. */
function unique(code: string, key: 'id' | 'rootPort' | 'bootIndex'): SpecRule {
  return {
    code,
    severity: 'error',
    check: (spec) => {
      const first = new Map<string | number, string>();
      const breaches: Breach[] = [];
      for (const { path, device } of devicesOf(spec)) {
        const value = device[key];
        if (value === undefined) continue;
        const other = first.get(value);
        if (other === undefined) first.set(value, device.id);
        else breaches.push({ path: `${path}/${key}`, message: `${key} ${value} is taken by ${other} already` });
      }
      return breaches;
    },
  };
}

/** Every rule, in the order of the documentation (docs/findings.md). */
export const specRules: readonly SpecRule[] = [
  unique('spec.duplicate-id', 'id'),
  {
    code: 'spec.reserved-id',
    severity: 'error',
    // ids that the renderers give to the board's own devices and backends
    check: (spec) =>
      devicesOf(spec)
        .filter(({ device: { id } }) => /^(pci\.\d+|pcie\.0|serial0|charserial0|qmp)$/.test(id))
        .map(({ path, device: { id } }) => ({
          path: `${path}/id`,
          message: `id ${id} is taken by the machine itself`,
        })),
  },
  unique('spec.duplicate-root-port', 'rootPort'),
  unique('spec.duplicate-boot-index', 'bootIndex'),
  {
    code: 'spec.too-many-devices',
    severity: 'error',
    check: (spec) => {
      const count = devicesOf(spec).length;
      return count > 28 ? [{ path: '', message: `${count} devices, but there are 28 PCIe root ports` }] : [];
    },
  },
  {
    code: 'spec.memory-granularity',
    severity: 'error',
    check: (spec) => {
      const bytes = bytesOf(spec.memory);
      if (bytes % 2 ** 20 === 0 && bytes <= Number.MAX_SAFE_INTEGER) return [];
      return [{ path: '/memory', message: `memory must be a multiple of 1 MiB below 8 PiB; got ${bytes} bytes` }];
    },
  },
  {
    code: 'spec.multicast-mac',
    severity: 'error',
    check: (spec) =>
      (spec.interfaces ?? []).flatMap(({ mac }, index) => {
        const path = pointerOf(['interfaces', index, 'mac']);
        if (mac === undefined) return [];
        if (/^(00:){5}00$/.test(mac)) return [{ path, message: 'the MAC address must not be all zeros' }];
        if (Number.parseInt(mac.slice(0, 2), 16) % 2 === 0) return [];
        return [{ path, message: `a NIC's MAC address must be unicast (even first byte); got ${mac}` }];
      }),
  },
  {
    code: 'spec.disk-source',
    severity: 'error',
    check: (spec) =>
      (spec.disks ?? []).flatMap((disk, index) => {
        const path = pointerOf(['disks', index]);
        if ((disk.file === undefined) === (disk.vdpa === undefined)) {
          const found = disk.file === undefined ? 'neither' : 'both';
          return [{ path, message: `a disk has either \`file\` or \`vdpa\`; got ${found}` }];
        }
        const misplaced = disk.vdpa === undefined ? (['attach', 'hostNotifier'] as const) : (['format'] as const);
        return misplaced
          .filter((key) => disk[key] !== undefined)
          .map((key) => ({
            path: `${path}/${key}`,
            message: `\`${key}\` goes with \`${disk.vdpa === undefined ? 'vdpa' : 'file'}\`, which this disk has not`,
          }));
      }),
  },
  {
    code: 'spec.read-only-device',
    severity: 'error',
    check: (spec) =>
      (spec.disks ?? []).flatMap(({ attach, readOnly }, index) =>
        attach === 'device' && readOnly !== undefined
          ? [
              {
                path: pointerOf(['disks', index, 'readOnly']),
                message: '`readOnly` has no effect with attach: device: the guest drives the vDPA device itself',
              },
            ]
          : [],
      ),
  },
  {
    code: 'spec.vdpa-device-shared',
    severity: 'error',
    check: (spec) => {
      const first = new Map<string, string>();
      const breaches: Breach[] = [];
      for (const { path, device } of devicesOf(spec)) {
        const { vdpa } = device;
        if (vdpa === undefined) continue;
        const uses = typeof vdpa === 'string' ? [`\n${vdpa}`] : Object.entries(vdpa).map((entry) => entry.join('\n'));
        for (const use of uses) {
          const other = first.get(use);
          if (other === undefined) first.set(use, device.id);
          else {
            const name = use.split('\n').at(-1) ?? '';
            breaches.push({
              path: `${path}/vdpa`,
              message: `vDPA device ${name} is taken by ${other} already: /dev/vhost-vdpa-N can be opened once`,
            });
          }
        }
      }
      return breaches;
    },
  },
  {
    code: 'spec.host-without-vdpa',
    severity: 'error',
    check: (spec) =>
      devicesOf(spec).flatMap(({ path, device: { vdpa } }) => {
        if (vdpa === undefined || typeof vdpa === 'string') return [];
        const without = (spec.migration?.hosts ?? []).filter((host) => !Object.hasOwn(vdpa, host));
        if (without.length === 0) return [];
        const message = `names no vDPA device for ${hostsText(without)} of migration.hosts`;
        return [{ path: `${path}/vdpa`, message }];
      }),
  },
  {
    code: 'spec.cpu-not-migratable',
    severity: 'warning',
    check: (spec) => {
      const model = spec.cpu?.model;
      if (model !== 'host' && model !== 'max') return [];
      return [
        {
          path: '/cpu/model',
          message: `CPU model ${model} is whatever the host has: the guest can move only between equal hosts`,
          fix: 'name a CPU model that every host has',
        },
      ];
    },
  },
];

/** `host a`, `hosts a, b`, `hosts a, b, c and 9997 more` */
function hostsText(hosts: readonly string[]): string {
  const more = hosts.length - 3;
  return `host${hosts.length === 1 ? '' : 's'} ${hosts.slice(0, 3).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

import { isVersioned, machineVersionOf } from '../../import/machine-version.ts';
import { knownText } from '../../import/option.ts';
import type { TextPlace } from '../../import/text-place.ts';
import { childOf } from '../../import/xml-document.ts';
import { isKnown } from '../../model/fact.ts';
import type { Hit, ValidationRule } from '../rule.ts';
import type { DocumentKind, ValidatedDocument } from '../document.ts';
import { overridesOf } from '../overrides.ts';
import type { Subject } from '../subject.ts';
import { atDevice } from './hits.ts';
import { isComplete } from './unread.ts';

/** Kinds that name a machine type. */
const kinds: readonly DocumentKind[] = ['libvirt', 'qemu-argv', 'guest-configuration', 'plan'];

/** The machine type, and what it decides. */
export const machineRules: readonly ValidationRule[] = [
  {
    code: 'validate.machine-unversioned',
    severity: 'warning',
    appliesTo: ['libvirt', 'qemu-argv'],
    asks: 'has the machine type a version?',
    source: 'QEMU hw/i386/pc_q35.c: an alias belongs to the newest version of each QEMU',
    check: (subject) => {
      const given = machineIn(subject);
      if (given === undefined ? !isComplete(subject.options) : isVersioned(given)) return [];
      const what =
        given === undefined ? 'no machine type is given' : `machine type ${given.slice(0, 60)} has no version`;
      const message = `${what}: the guest gets another machine from another QEMU, and cannot migrate to it`;
      return [atMachine(subject, message, 'write the versioned name, such as pc-q35-10.0')];
    },
  },
  {
    code: 'validate.machine-old',
    severity: 'warning',
    appliesTo: ['libvirt', 'qemu-argv'],
    asks: 'does the machine type not turn page-per-vq on by itself?',
    source: 'QEMU hw/core/machine.c: hw_compat_2_7: virtio-pci page-per-vq=on',
    check: ({ document, devices }) => {
      const machine = document.configuration?.guest.machine;
      if (machine === undefined || !isKnown(machine)) return [];
      const version = machineVersionOf(machine)?.version;
      if (version === undefined || version > 207) return [];
      return devices
        .filter((device) => device.kind !== 'block' && !saysPagePerVq(device, document))
        .map((device) =>
          atDevice(
            device,
            `${device.label}: machine types up to 2.7 turn page-per-vq on where it is not given; the machine type is ${machine}`,
            { fix: 'write page-per-vq=off, or on where every doorbell is safe' },
          ),
        );
    },
  },
  {
    code: 'validate.machine-missing',
    severity: 'error',
    appliesTo: kinds,
    needsHost: true,
    asks: 'has the QEMU of the host the machine type?',
    source: 'QEMU query-machines; system/vl.c: select_machine()',
    check: (subject) =>
      withMachine(subject, (machine, found, host) =>
        found ? [] : [atMachine(subject, `the QEMU of host ${host} has no machine type ${machine}`)],
      ),
  },
  {
    code: 'validate.machine-deprecated',
    severity: 'warning',
    appliesTo: kinds,
    needsHost: true,
    asks: 'is it not deprecated there?',
    source: 'QEMU query-machines: deprecated',
    check: (subject) =>
      withMachine(subject, (machine, found, host) =>
        found?.deprecated === true
          ? [
              atMachine(
                subject,
                `machine type ${machine} is deprecated in the QEMU of host ${host}: a later one will not have it`,
              ),
            ]
          : [],
      ),
  },
  {
    code: 'validate.page-per-vq-absent',
    severity: 'warning',
    appliesTo: ['libvirt', 'libvirt-interface', 'qemu-argv'],
    asks: 'is page-per-vq written out?',
    source:
      "libvirt src/conf/domain_conf.c: virDomainVirtioOptionsCheckABIStability(): \"'off' does not match source 'default'\"",
    check: ({ devices, isDomain, document }) =>
      devices
        .filter((device) => device.kind !== 'block' && !saysPagePerVq(device, document))
        .map((device) => {
          const name = document.kind === 'qemu-argv' ? 'page-per-vq=off' : "page_per_vq='off'";
          const message = `${device.label}: page-per-vq is not given; it is guest ABI, and libvirt refuses to migrate between "off" and none`;
          return atDevice(device, message, { severity: isDomain ? 'warning' : 'info', fix: `write ${name}, or on` });
        }),
  },
];

function saysPagePerVq({ option, node }: Subject['devices'][number], document: ValidatedDocument): boolean {
  if (option) return option.values.has('page-per-vq');
  const own = overridesOf(document, node).findLast(({ attributes }) => attributes.get('name') === 'page-per-vq');
  if (own) return own.attributes.get('type') !== 'remove';
  return childOf(node, 'driver')?.attributes.has('page_per_vq') ?? false;
}

/** As written; undefined: not given. */
function machineIn({ document, options }: Subject): string | undefined {
  if (document.xml) return childOf(childOf(document.xml, 'os'), 'type')?.attributes.get('machine');
  return knownText(
    options.findLast(({ name, values }) => name === 'machine' && values.has('type')),
    'type',
  );
}

function atMachine({ document, options, elements }: Subject, message: string, fix?: string): Hit {
  const more = fix === undefined ? {} : { fix };
  const type = childOf(childOf(document.xml, 'os'), 'type') ?? document.xml;
  if (type) return { path: elements.pathOf(type), message, place: type.place, ...more };
  const place: TextPlace | undefined = options.findLast(({ name }) => name === 'machine')?.place;
  const path = place?.word === undefined ? (document.kind === 'qemu-argv' ? '' : '/machine') : `/${place.word - 1}`;
  return { path, message, place, ...more };
}

function withMachine(
  { document, hosts }: Subject,
  check: (machine: string, found: { deprecated: boolean } | undefined, host: string) => Hit[],
): Hit[] {
  const machine = document.configuration?.guest.machine;
  if (machine === undefined || !isKnown(machine)) return [];
  return hosts.flatMap(({ report, qemu }) => {
    if (!qemu) return [];
    const found = qemu.capabilities.machines.find(({ name }) => name === machine);
    return check(machine, found, report.host.name);
  });
}

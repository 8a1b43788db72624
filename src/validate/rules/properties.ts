import { hostOnly, propertiesOf, type DeviceKind } from '../../import/device-defaults.ts';
import { knownText, type Option } from '../../import/option.ts';
import { deviceTypeOf } from '../../model/device-type.ts';
import type { HostReport } from '../../model/generated/host-report.ts';
import { optionKinds, type Hit, type ValidationRule } from '../rule.ts';
import type { Subject } from '../subject.ts';
import { overridesOf } from '../overrides.ts';
import { vhostUserOptions } from './command-line.ts';
import { atNode, atOption, quoted } from './hits.ts';

type Capabilities = Exclude<HostReport['qemu'][number]['capabilities'], { unknown: string }>;

/** Properties by name: does this QEMU have them? */
export const propertyRules: readonly ValidationRule[] = [
  {
    code: 'validate.property-unknown',
    severity: 'error',
    appliesTo: optionKinds,
    asks: 'does QEMU have every property of the vDPA devices? With a host report: that QEMU; without: any that is known here',
    source:
      'QEMU qom/object.c: "Property \'virtio-net-pci.page_per_vq\' not found"; device-list-properties, query-qmp-schema',
    check: (subject) => [
      ...subject.options.flatMap((option) => [
        ...unknownProperties(option, subject),
        ...unknownOfNetdev(option, subject),
      ]),
      ...overridden(subject),
    ],
  },
];

/** Not properties, but what -device itself reads. */
const ofDevice = new Set(['driver', 'id', 'bus']);

/** Properties that are read apart from the table of defaults. */
const others =
  'addr bootindex disable-legacy host_mtu iommu_platform mac mq netdev num-queues packed page-per-vq queue-size rombar romfile romsize rx_queue_size tx_queue_size vectors virtio-pci-bus-master-bug-migration migrate-extra port chassis romsize seg-max-adjust bios-chs-trans cyls heads secs lcyls lheads lsecs discard_granularity backend_defaults rss-hash class max-write-zeroes-sectors max-discard-sectors rsc_interval scsi use-disabled-flag use-started virtio-backend'.split(
    ' ',
  );

const kinds: readonly (readonly [RegExp, DeviceKind])[] = [
  [/^virtio-net-pci/, 'net'],
  [/^virtio-blk-pci/, 'block'],
  [/^vhost-vdpa-device-pci/, 'generic'],
];

/** Words of libvirt, and of other options, for a property of QEMU's. */
const meant: Readonly<Record<string, string>> = {
  iommu: 'iommu_platform',
  mtu: 'host_mtu',
  multiqueue: 'mq',
  queues: 'mq and vectors, or num-queues of a disk',
  ppvq: 'page-per-vq',
};

function unknownProperties(option: Option, subject: Subject): Hit[] {
  const given = option.name === 'device' ? knownText(option, 'driver') : undefined;
  if (given === undefined) return [];
  const driver = deviceTypeOf(given);
  return [...option.values.keys()]
    .filter((name) => !ofDevice.has(name))
    .flatMap((name) => {
      const verdict = judge(driver, name, subject);
      return verdict ? [atOption(option, ...verdict)] : [];
    });
}

/** <qemu:override> of the vDPA interfaces: a property that QEMU has not keeps the domain from starting. */
function overridden(subject: Subject): Hit[] {
  const { elements, document } = subject;
  return elements.interfaces
    .flatMap((node) => overridesOf(document, node))
    .flatMap((property) => {
      const verdict = judge('virtio-net-pci', property.attributes.get('name') ?? '', subject);
      return verdict ? [atNode(subject, property, verdict[0], { ...verdict[1], at: 'name' })] : [];
    });
}

type Verdict = [message: string, more: { readonly fix?: string; readonly severity?: 'warning' }];

/** undefined: nothing is wrong with it, as far as that is known. */
function judge(driver: string, name: string, { hosts }: Subject): Verdict | undefined {
  const capable = hosts.flatMap(({ qemu, report }) => (qemu ? [{ ...qemu, host: report.host.name }] : []));
  for (const { capabilities, host } of capable) {
    const known = vocabularyOf(listOf(capabilities, driver));
    if (!known || known.names.has(name)) continue;
    const message = `${driver} of QEMU ${capabilities.version} on host ${host} has no property ${quoted(name)}`;
    return [message, fixFor(name, known)];
  }
  if (capable.some(({ capabilities }) => listOf(capabilities, driver))) return undefined;
  const kind = kinds.find(([pattern]) => pattern.test(driver))?.[1];
  if (!kind || name.startsWith('x-')) return undefined;
  const known = knownHere[kind];
  if (known.names.has(name)) return undefined;
  const fix = fixFor(name, known);
  // a word of another program, or another spelling, is wrong in every QEMU
  if (fix.fix !== undefined) return [`${driver} has no property ${quoted(name)}, or QEMU refuses to start`, fix];
  return [`${driver} has no property ${quoted(name)} that is known here`, { severity: 'warning' }];
}

function listOf({ deviceProperties }: Capabilities, driver: string): readonly string[] | null {
  return (Object.hasOwn(deviceProperties, driver) ? deviceProperties[driver] : null) ?? null;
}

/** Names of properties, to be asked about many times. */
interface Vocabulary {
  readonly names: ReadonlySet<string>;
  /** a name without its hyphens and the like -> the first name that is so */
  readonly byPlain: ReadonlyMap<string, string>;
}

const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '');

function vocabulary(names: readonly string[]): Vocabulary {
  return { names: new Set(names), byPlain: new Map(names.toReversed().map((name) => [plain(name), name])) };
}

const ofReports = new WeakMap<readonly string[], Vocabulary>();

function vocabularyOf(names: readonly string[] | null): Vocabulary | null {
  if (!names) return null;
  const made = ofReports.get(names) ?? vocabulary(names);
  ofReports.set(names, made);
  return made;
}

const ownVocabulary = (kind: DeviceKind): Vocabulary => vocabulary([...propertiesOf(kind), ...hostOnly, ...others]);

/** What is known without a host report. */
const knownHere: Readonly<Record<DeviceKind, Vocabulary>> = {
  net: ownVocabulary('net'),
  block: ownVocabulary('block'),
  generic: ownVocabulary('generic'),
  'root-port': ownVocabulary('root-port'),
};

function fixFor(name: string, { byPlain }: Vocabulary): { readonly fix?: string } {
  const near = byPlain.get(plain(name)) ?? (Object.hasOwn(meant, name) ? meant[name] : undefined);
  return near === undefined ? {} : { fix: `write ${near}` };
}

/** QEMU qapi/net.json: NetdevVhostVDPAOptions. */
const netdevOptions: readonly string[] = ['type', 'id', 'vhostdev', 'vhostfd', 'x-svq', 'queues'];

/** The same for names whose letters are only in another order. */
const letters = (name: string): string => plain(name).split('').sort().join('');

function unknownOfNetdev(option: Option, { hosts }: Subject): Hit[] {
  if (option.name !== 'netdev' || knownText(option, 'type') !== 'vhost-vdpa') return [];
  if (!hosts.some(({ qemu }) => qemu?.capabilities.netdevVhostVdpa)) {
    return [...option.values.keys()]
      .filter((name) => ![...netdevOptions, ...vhostUserOptions].includes(name))
      .map((name) => {
        const near = ['vhostdev', 'vhostfd', 'x-svq', 'queues'].find((other) => letters(other) === letters(name));
        const message = `-netdev vhost-vdpa has no option ${quoted(name)}`;
        return near === undefined
          ? atOption(option, `${message} that is known here`, { severity: 'warning' })
          : atOption(option, `${message}, or QEMU refuses to start`, { fix: `write ${near}` });
      });
  }
  return hosts.flatMap(({ qemu, report }) => {
    const members = qemu?.capabilities.netdevVhostVdpa;
    if (!qemu || !members) return [];
    return [...option.values.keys()]
      .filter((name) => !['type', 'id', ...vhostUserOptions].includes(name) && !members.includes(name))
      .map((name) =>
        atOption(
          option,
          `-netdev vhost-vdpa of QEMU ${qemu.capabilities.version} on host ${report.host.name} has no option ${quoted(name)}`,
        ),
      );
  });
}

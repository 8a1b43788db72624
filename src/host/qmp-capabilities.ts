import { printable } from '../model/fact.ts';
import { compare } from '../model/finding.ts';
import type { QemuCapabilities } from '../model/generated/host-report.ts';
import { isDeviceNotFound, valueOf, type QmpCommand, type QmpOutcome } from './qmp-batch.ts';
import { QmpError } from './qmp-error.ts';
import { QmpSchema } from './qmp-schema.ts';
import { asCount, asFlag, asList, asObject, asText, member, optional } from './qmp-value.ts';

/** Device types whose properties are part of a vDPA guest's ABI, or that are needed to build it. Sorted. */
export const askedDeviceTypes: readonly string[] = [
  'pcie-root-port',
  'vhost-vdpa-device-pci',
  'virtio-blk-pci',
  'virtio-net-pci',
  'virtio-net-pci-non-transitional',
];

/** Commands that verifying and migration checks use where they are there. Sorted. */
export const commandsOfInterest: readonly string[] = [
  'device-list-properties',
  'human-monitor-command',
  'qom-get',
  'qom-list',
  'qom-list-get',
  'query-fdsets',
  'query-machines',
  'query-migrate',
  'query-migrate-capabilities',
  'query-pci',
  'query-rx-filter',
  'x-query-virtio',
  'x-query-virtio-queue-status',
  'x-query-virtio-status',
  'x-query-virtio-vhost-queue-status',
];

const blkDriver = 'virtio-blk-vhost-vdpa';

/**
 * What is asked of a QEMU that has no machine. Not qom-list-types: it loads every module, which has crashed a QEMU
 * whose module folder was of another build (assertion in util/module.c); device-list-properties loads one by name.
 */
export const capabilityQuestions: readonly QmpCommand[] = [
  // Whatever the path: the driver refuses cache.direct=off before it opens it (block/blkio.c).
  { execute: 'blockdev-add', arguments: { driver: blkDriver, 'node-name': 'asked', path: '/nonexistent' } },
  { execute: 'query-version' },
  { execute: 'query-target' },
  { execute: 'query-machines' },
  { execute: 'query-qmp-schema' },
  ...askedDeviceTypes.map((typename) => ({ execute: 'device-list-properties', arguments: { typename } })),
];

/** Limits of schemas/host-report.schema.json. */
const MAX_ITEMS = 4096;
const MAX_TEXT = 2000;

/**
 * The answers to capabilityQuestions, as a HostReport keeps them.
 * @throws QmpError `command` where one was refused (but DeviceNotFound is an answer); `protocol` where one is not what
 *   QEMU's QAPI schema says; `too-large` where there are more than a report may hold
 */
export function capabilitiesOf(outcomes: readonly QmpOutcome[]): QemuCapabilities {
  const [blkAnswer, version, target, machines, schemaAnswer, ...devices] = outcomes;
  const schema = new QmpSchema(valueOf(schemaAnswer));
  const versionInfo = asObject(valueOf(version), 'query-version');
  return {
    version: versionText(asObject(member(versionInfo, 'qemu'), 'query-version: qemu')),
    package: textOf(member(versionInfo, 'package'), 'query-version: package'),
    target: textOf(member(asObject(valueOf(target), 'query-target'), 'arch'), 'query-target: arch'),
    machines: bounded(asList(valueOf(machines), 'query-machines'), 'query-machines')
      .map(machineOf)
      .sort((a, b) => compare(a.name, b.name)),
    deviceProperties: Object.fromEntries(askedDeviceTypes.map((type, index) => [type, propertiesOf(devices[index])])),
    netdevVhostVdpa: schema.branchMembers('netdev_add', 'vhost-vdpa')?.map(cleaned) ?? null,
    blockdevVirtioBlkVhostVdpa:
      schema.branchMembers('blockdev-add', blkDriver) !== undefined && !isUnknownDriver(blkAnswer),
    commands: commandsOfInterest.filter((name) => schema.hasCommand(name)),
  };
}

/**
 * The schema lists a driver that was configured as a module also where the module is not installed (Debian 13: it is in
 * qemu-block-extra); block.c then says "Unknown driver".
 */
function isUnknownDriver(outcome: QmpOutcome | undefined): boolean {
  return outcome?.ok === false && outcome.error.description?.startsWith('Unknown driver') === true;
}

function versionText(qemu: Readonly<Record<string, unknown>>): string {
  const parts = ['major', 'minor', 'micro'].map((name) => asCount(member(qemu, name), `query-version: qemu.${name}`));
  if (parts.some((part) => part > 9999)) throw new QmpError('protocol', `query-version: ${parts.join('.')}`);
  return parts.join('.');
}

/** MachineInfo (qapi/machine.json). */
function machineOf(entry: unknown): QemuCapabilities['machines'][number] {
  const info = asObject(entry, 'query-machines: a machine');
  const alias = optional(member(info, 'alias'), textOf, 'query-machines: alias');
  const cpuMax = optional(member(info, 'cpu-max'), asCount, 'query-machines: cpu-max');
  return {
    name: textOf(member(info, 'name'), 'query-machines: name'),
    ...(alias === undefined ? {} : { alias }),
    ...(member(info, 'is-default') === true ? { default: true as const } : {}),
    deprecated: optional(member(info, 'deprecated'), asFlag, 'query-machines: deprecated') ?? false,
    ...(cpuMax === undefined ? {} : { cpuMax }),
  };
}

/** The names of ObjectPropertyInfo (qapi/qom.json), sorted; null: there is no such device type. */
function propertiesOf(outcome: QmpOutcome | undefined): string[] | null {
  if (isDeviceNotFound(outcome)) return null;
  return bounded(asList(valueOf(outcome), 'device-list-properties'), 'device-list-properties')
    .map((entry) => textOf(member(asObject(entry, 'a property'), 'name'), 'device-list-properties: name'))
    .sort(compare);
}

export function textOf(value: unknown, what: string): string {
  return cleaned(asText(value, what));
}

function cleaned(text: string): string {
  return printable(text.slice(0, MAX_TEXT)).slice(0, MAX_TEXT);
}

export function bounded(list: readonly unknown[], what: string): readonly unknown[] {
  if (list.length > MAX_ITEMS) throw new QmpError('too-large', `${what}: ${list.length} entries`);
  return list;
}

import { printable } from '../model/fact.ts';
import type { Baseline, ClassBaseline, HostSample } from '../model/generated/baseline.ts';

/** How many provisioning commands are shown; --verbose and --json have all. */
const mostCommands = 20;

/** What all hosts can serve, who limits it, the commands that make it so, and keys for a spec. */
export async function renderBaseline(baseline: Baseline, verbose: boolean): Promise<string> {
  const { hosts, architecture, pageSize, machine, qemu, cpu } = baseline;
  const lines = [
    `${hosts.count} ${hosts.count === 1 ? 'host' : 'hosts'}: ${namesOf(hosts)}`,
    `architecture ${architecture ?? 'differs'}, pages of ${pageSize ?? 'different or unknown'} bytes, KVM on ${cpu.kvm === 'unknown' ? 'an unknown number' : cpu.kvm} of them`,
    `machine type ${machine.newest ?? 'none in common'}${qemu.oldest === null ? '' : `, QEMU ${qemu.oldest} and newer`}`,
    ...[...machine.limits, ...qemu.limits].map(({ message }) => `  ${message}`),
    ...baseline.classes.flatMap((one) => ['', ...classLines(one, verbose)]),
  ].map((line) => printable(line));
  const spec = baseline.spec === null ? '' : `\nfor a spec:\n${await yamlOf(baseline.spec)}`;
  return `${lines.join('\n')}\n${spec}`;
}

type Row = readonly [name: string, value: string];

function classLines(one: ClassBaseline, verbose: boolean): string[] {
  const net: readonly Row[] = [
    ['queue pairs', String(one.queuePairs ?? 'unknown')],
    ['MTU', String(one.mtu ?? 'none')],
  ];
  const block: readonly Row[] = [
    ['queues', String(one.queues ?? 'unknown')],
    ['capacity', one.capacity === null ? 'unknown' : `${BigInt(one.capacity)} sectors`],
  ];
  const provision: readonly Row[] = one.provision === null ? [] : [['device_features', featuresOf(one.provision)]];
  const rows: readonly Row[] = [
    ['features', featuresOf(one.features)],
    ...provision,
    ...(one.class === 'net' ? net : block),
    ['ring size', String(one.ringSize ?? 'unknown')],
    ['page-per-vq', one.pagePerVqReason],
    ['migration', [one.migration, ...one.migrationReasons].join('; ')],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const shown = verbose ? one.provisioning : one.provisioning.slice(0, mostCommands);
  const more = one.provisioning.length - shown.length;
  return [
    `${one.class}: ${one.devices} devices on ${one.hosts.count} ${one.hosts.count === 1 ? 'host' : 'hosts'}`,
    ...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`),
    ...(one.limits.length === 0 ? [] : ['  limited by:', ...one.limits.map(({ message }) => `    ${message}`)]),
    ...(one.provisioning.length === 0 ? [] : ['  to provision:']),
    ...shown.map(({ host, command }) => `    ${host}: ${command}`),
    ...(more > 0 ? [`    and ${more} more (--verbose or --json shows them)`] : []),
  ];
}

function featuresOf(set: ClassBaseline['features']): string {
  if (set === null) return 'unknown';
  const names = set.names.map((name) => name.replace(/^VIRTIO_(NET_F_|BLK_F_|RING_F_|F_)/, ''));
  return `${set.bits}${names.length === 0 ? '' : ` ${names.join(' ')}`}`;
}

function namesOf({ count, names }: HostSample): string {
  return names.length < count ? `${names.join(', ')} and ${count - names.length} more` : names.join(', ');
}

async function yamlOf(spec: NonNullable<Baseline['spec']>): Promise<string> {
  const { stringify } = await import('yaml');
  return stringify(spec, { lineWidth: 0 });
}

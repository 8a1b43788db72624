import { assessDevice } from '../doorbell/assess.ts';
import { isKnown } from '../model/fact.ts';
import type { GuestConfiguration } from '../model/generated/guest-configuration.ts';
import type { HostReport, VdpaDevice } from '../model/generated/host-report.ts';
import type { Assignment, Destination, MigrationCheck } from '../model/generated/migration-check.ts';
import type { ParentRow } from '../model/generated/parent-knowledge.ts';
import type { VdpaReference } from '../model/generated/vm-spec.ts';
import { candidatesFor, findDevice, namedDevice, refuseUnknownIds, type Choice } from './assign.ts';
import { guestDevices, type GuestDevice } from './guest-devices.ts';
import { matchByRank } from './match.ts';
import type { End, Migration, Pair } from './migration.ts';
import { qemuOn } from './qemu-on.ts';
import { apply } from './rule.ts';
import { pairRules, rules } from './rules/index.ts';
import { rankOf, sortMigrationFindings, summaryOf, verdictOf, worstVerdict } from './verdict.ts';

export interface MigrationOptions {
  /** report of the source host; without it what depends on it is told as unknown */
  readonly from?: HostReport | undefined;
  /** the configuration that the destination would start with; left out: the source's */
  readonly with?: GuestConfiguration | undefined;
  /** id of a guest device -> vDPA device of the destinations, by name or /dev/vhost-vdpa-N */
  readonly devices?: Readonly<Record<string, string>> | undefined;
  /** id of a guest device -> what its spec says (name, or host -> name) */
  readonly references?: Readonly<Record<string, VdpaReference>> | undefined;
  /** ids of guest devices for which host notifiers are demanded (hostNotifier: require) */
  readonly require?: readonly string[] | undefined;
  /** the operator's own rows on parent drivers, as for assessHost() */
  readonly parents?: readonly ParentRow[] | undefined;
}

/**
 * Whether a guest can migrate to each of some hosts, and if not, why and how it would fail. Pure.
 * @param source the guest: from a spec, a libvirt domain, a QEMU command line, or a running QEMU, where the features
 * that the guest really took are known
 * @param to reports of the destinations, made while their devices were idle
 * @returns per destination `can`, `can-with-loss`, `cannot` or `unknown`, with findings that name the source of each
 * rule. Paths point into `guest` of the source.
 * @throws VdpaQemuError usage where `devices` names one that the guest does not have; bad-input where a report lists a
 *   virtqueue twice
 */
export function checkMigration(
  source: GuestConfiguration,
  to: readonly HostReport[],
  options: MigrationOptions = {},
): MigrationCheck {
  refuseUnknownIds(Object.keys(options.devices ?? {}), guestDevices(source, options.with));
  const destinations = to.map((report) => checkDestination(source, report, options));
  return {
    schemaVersion: 1,
    kind: 'MigrationCheck',
    source: {
      name: source.name,
      origin: source.origin,
      digest: source.digest,
      host: options.from?.host.name ?? null,
      running: source.running !== null,
    },
    with: options.with ? { name: options.with.name, origin: options.with.origin, digest: options.with.digest } : null,
    verdict: worstVerdict(destinations.map(({ verdict }) => verdict)),
    destinations,
  };
}

function checkDestination(source: GuestConfiguration, report: HostReport, options: MigrationOptions): Destination {
  const target = options.with;
  const from = options.from && { report: options.from, qemu: qemuOn(options.from, source) };
  const to: End = { report, qemu: qemuOn(report, target ?? source) };
  const base: Omit<Migration, 'pairs'> = {
    source,
    target,
    from,
    to,
    sourceQemu: runningVersion(source) ?? from?.qemu?.capabilities.version,
  };
  const migration: Migration = { ...base, pairs: pairUp(base, options) };
  const findings = sortMigrationFindings(rules.flatMap((rule) => apply(rule, migration)));
  const verdict = verdictOf(findings);
  return {
    host: report.host.name,
    verdict,
    summary: summaryOf(verdict, findings),
    devices: migration.pairs.map(({ assignment }) => assignment),
    findings,
  };
}

/** `10.0.13 (Debian ..)` -> `10.0.13` */
function runningVersion({ running }: GuestConfiguration): string | undefined {
  return running === null ? undefined : /^\d+\.\d+(\.\d+)?/.exec(running.qemuVersion)?.[0];
}

type Base = Omit<Migration, 'pairs'>;

function pairUp(base: Base, options: MigrationOptions): Pair[] {
  const naming = {
    devices: options.devices ?? {},
    references: options.references ?? {},
    hasTarget: options.with !== undefined,
  };
  const devices = guestDevices(base.source, base.target);
  const settled = { required: new Set(options.require ?? []), parents: options.parents };
  const choices = devices.map((device) => ({ device, choice: namedDevice(device, base.to.report, naming) }));
  const taken = new Set(choices.flatMap(({ choice }) => choice.device ?? []));
  const settle = ({ device, choice }: (typeof choices)[number]): Unsettled => {
    const pairOf: PairOf = (to, assignment) => makePair(device, to, base, settled, assignment);
    if (choice.named !== undefined) return { pairOf, choice, ranks: [] };
    const candidates = new Set(candidatesFor(device, base.to.report, taken));
    const ranks = base.to.report.devices.map((to) => (candidates.has(to) ? trial(pairOf, to, base) : undefined));
    return { pairOf, choice, ranks };
  };
  const unsettled = choices.map(settle);
  const columns = matchByRank(unsettled.map(({ ranks }) => ranks));
  return unsettled.map(({ pairOf, choice, ranks }, row) => {
    const { chosenBy, named } = choice;
    if (named !== undefined) return pairOf(choice.device, { chosenBy, candidates: [choice.device?.name ?? named] });
    const chosen = base.to.report.devices[columns[row] ?? -1];
    if (!chosen) return pairOf(undefined, { chosenBy: 'none', candidates: [] });
    const rank = ranks[columns[row] ?? -1];
    const elsewhere = new Set(columns.filter((_, other) => other !== row));
    const others = base.to.report.devices.filter(
      (device, column) => device !== chosen && ranks[column] === rank && !elsewhere.has(column),
    );
    return pairOf(chosen, {
      chosenBy: others.length === 0 ? 'only' : 'any',
      candidates: [chosen, ...others].map(({ name }) => name),
    });
  });
}

type PairOf = (to: VdpaDevice | undefined, assignment: Pick<Assignment, 'chosenBy' | 'candidates'>) => Pair;

interface Unsettled {
  readonly pairOf: PairOf;
  readonly choice: Choice;
  /** how bad each device of the destination would be; undefined: it is none for this */
  readonly ranks: readonly (number | undefined)[];
}

/** How bad it would be with a device: what only this device decides. */
function trial(pairOf: PairOf, to: VdpaDevice, base: Base): number {
  const pairs = [pairOf(to, { chosenBy: 'only', candidates: [] })];
  return rankOf(verdictOf(pairRules.flatMap((rule) => apply(rule, { ...base, pairs }))));
}

function makePair(
  device: GuestDevice,
  to: VdpaDevice | undefined,
  base: Base,
  { required, parents }: { readonly required: ReadonlySet<string>; readonly parents: MigrationOptions['parents'] },
  { chosenBy, candidates }: Pick<Assignment, 'chosenBy' | 'candidates'>,
): Pair {
  const { path, binding, guest } = device;
  const from = base.from && sourceDevice(binding, base.from.report);
  return {
    ...device,
    from,
    to,
    fromDoorbells: base.from && from ? assessDevice(base.from.report.host, from, { parents }) : undefined,
    toDoorbells: to && assessDevice(base.to.report.host, to, { parents }),
    required: guest.id !== null && required.has(guest.id),
    assignment: {
      device: path,
      id: guest.id,
      vdpa: to?.name ?? null,
      charDevice: to && isKnown(to.charDevice) ? (to.charDevice?.path ?? null) : null,
      chosenBy,
      candidates,
    },
  };
}

function sourceDevice(binding: GuestDevice['binding'], report: HostReport): VdpaDevice | undefined {
  const { vdpa, charDevice } = binding;
  const byName = vdpa === null ? undefined : findDevice(report, vdpa);
  return byName ?? (isKnown(charDevice) && charDevice !== null ? findDevice(report, charDevice) : undefined);
}

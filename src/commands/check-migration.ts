import { readDocument } from '../host/documents.ts';
import { kindOf, maxConfigurationBytes, type ConfigurationKind } from '../import/read.ts';
import { refuseManyPairs } from '../import/limits.ts';
import { checkMigration } from '../migration/check-migration.ts';
import { guestDevices } from '../migration/guest-devices.ts';
import { VdpaQemuError } from '../model/error.ts';
import { printable } from '../model/fact.ts';
import { firstOfEach } from '../model/first-of-each.ts';
import type { HostReport } from '../model/generated/host-report.ts';
import type { MigrationCheck } from '../model/generated/migration-check.ts';
import { documentLabel } from '../model/standard-input.ts';
import { renderJson } from '../render/json.ts';
import { inVerdictColour, renderMigrationCheck, withoutColour } from '../render/migration-check-text.ts';
import type { ExitCode, GlobalOptions, Io } from './io.ts';
import { checkOneOrigin, type MonitorOptions } from './monitor.ts';
import {
  guestFromMonitor,
  guestFromText,
  type GuestText,
  type GuestTextOptions,
  type ReadGuest,
} from './read-guest.ts';
import { readParents } from './read-parents.ts';
import { readReports } from './read-reports.ts';
import { deliver } from './result.ts';

export interface CheckMigrationOptions extends GlobalOptions, MonitorOptions {
  /** spec, plan, libvirt domain XML or QEMU command line */
  readonly file: string | undefined;
  readonly as: ConfigurationKind | undefined;
  /** what the destination would start with */
  readonly with: string | undefined;
  readonly from: string | undefined;
  readonly to: readonly string[];
  /** ID=NAME */
  readonly device: readonly string[];
  /** verdicts besides `can` that are no failure */
  readonly allow: readonly string[];
  /** files with the operator's own rows on parent drivers */
  readonly parents: readonly string[];
}

/**
 * Checks a migration to each of some hosts. Exit code 0 where the guest can go to all of them and keeps what it has (or
 * the verdict is one that --allow names), 1 where it cannot, would lose something, or that is not known.
 */
export async function checkMigrationCommand(options: CheckMigrationOptions, io: Io): Promise<ExitCode> {
  checkOneOrigin(options, 'a configuration');
  if (options.to.length === 0) throw new VdpaQemuError('usage', 'say where to: --to REPORT');
  const allowed = new Set(['can', ...options.allow]);
  for (const word of options.allow) {
    if (!allowable.has(word)) {
      throw new VdpaQemuError('usage', `--allow takes can-with-loss or unknown, not ${printable(word)}`);
    }
  }
  const devices = devicesIn(options.device);
  const from = options.from === undefined ? undefined : oneReport(await readReports([options.from]), options.from);
  const to = await readReports(options.to);
  const rows = await readParents(options.parents);
  const reading = { ...options, rows };
  const source = await sourceOf(reading, from, to, io);
  if (typeof source === 'number') return source;
  const target = targetOf(reading, from, to, io);
  if (typeof target === 'number') return target;
  refuseManyPairs(guestDevices(source.configuration, target?.configuration).length, to.length);
  const check = checkMigration(source.configuration, to, {
    from,
    with: target?.configuration,
    devices,
    references: source.references,
    require: source.require,
    parents: rows,
  });
  const told = withFirstFindings(check);
  if (options.json) deliver(renderJson(told), options, io);
  else {
    const paint = options.color && io.color && options.output === undefined ? inVerdictColour : withoutColour;
    deliver(renderMigrationCheck(told, paint, options), options, io);
  }
  return check.destinations.every(({ verdict }) => allowed.has(verdict)) ? 0 : 1;
}

/** The verdicts were made of all. */
function withFirstFindings(check: MigrationCheck): MigrationCheck {
  const destinations = check.destinations.map((one) => ({ ...one, findings: firstOfEach(one.findings) }));
  return { ...check, destinations };
}

/** What would surely fail cannot be allowed. */
const allowable = new Set(['can-with-loss', 'unknown']);

async function sourceOf(
  options: CheckMigrationOptions & GuestTextOptions,
  from: HostReport | undefined,
  to: readonly HostReport[],
  io: Io,
): Promise<ReadGuest | Exclude<ExitCode, 0>> {
  if (options.file === undefined) return await guestFromMonitor(options, io);
  const text = textOf(options.file, options.as);
  if (!from && (text.as ?? kindOf(text.text)) === 'spec') {
    throw new VdpaQemuError('usage', 'a spec takes the report of the host that the guest runs on: --from REPORT');
  }
  return guestFromText(text, from, to, options, io);
}

/** The configuration of a destination is bound to it, so where there are several the first is meant. */
function targetOf(
  options: CheckMigrationOptions & GuestTextOptions,
  from: HostReport | undefined,
  to: readonly HostReport[],
  io: Io,
): ReadGuest | Exclude<ExitCode, 0> | undefined {
  if (options.with === undefined) return undefined;
  const [own, ...others] = to;
  return guestFromText(textOf(options.with, undefined), own, from ? [from, ...others] : others, options, io);
}

function textOf(file: string, as: ConfigurationKind | undefined): GuestText {
  return { text: readDocument(file, maxConfigurationBytes), file: documentLabel(file), as };
}

function oneReport(reports: readonly HostReport[], file: string): HostReport {
  const [report] = reports;
  if (!report || reports.length > 1) {
    throw new VdpaQemuError(
      'usage',
      `--from takes the report of one host; ${printable(documentLabel(file))} has ${reports.length}`,
    );
  }
  return report;
}

function devicesIn(words: readonly string[]): Record<string, string> {
  const pairs = words.map((word) => {
    const at = word.indexOf('=');
    if (at < 1 || at === word.length - 1) {
      throw new VdpaQemuError('usage', `--device takes ID=NAME, not ${printable(word)}`);
    }
    return [word.slice(0, at), word.slice(at + 1)] as const;
  });
  return Object.fromEntries(pairs);
}

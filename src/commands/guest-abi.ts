import { readDocument } from '../host/documents.ts';
import { kindOf, maxConfigurationBytes, readGuestConfiguration, type ConfigurationKind } from '../import/read.ts';
import { VdpaQemuError } from '../model/error.ts';
import { hasErrors } from '../model/finding.ts';
import type { GuestConfiguration } from '../model/generated/guest-configuration.ts';
import { documentLabel } from '../model/standard-input.ts';
import { renderGuestConfiguration } from '../render/guest-configuration-text.ts';
import { renderJson } from '../render/json.ts';
import type { ExitCode, GlobalOptions, Io } from './io.ts';
import { checkOneOrigin, type MonitorOptions } from './monitor.ts';
import { guestFromMonitor } from './read-guest.ts';
import { readParents } from './read-parents.ts';
import { readReports } from './read-reports.ts';
import { deliver, tell } from './result.ts';

export interface GuestAbiOptions extends GlobalOptions, MonitorOptions {
  readonly file: string | undefined;
  readonly host: readonly string[];
  readonly on: string | undefined;
  /** files with the operator's own rows on parent drivers */
  readonly parents: readonly string[];
  readonly as: ConfigurationKind | undefined;
  /** only the digest */
  readonly digest: boolean;
}

/** Says what a configuration shows to the guest. Exit code 1 where only the digest is wanted, and there is none. */
export async function guestAbi(options: GuestAbiOptions, io: Io): Promise<ExitCode> {
  checkOneOrigin(options, 'a file');
  refuseIdle(options);
  const configuration =
    options.file === undefined
      ? (await guestFromMonitor(options, io)).configuration
      : await fromFile(options.file, options, io);
  if (typeof configuration === 'number') return configuration;
  if (options.digest) return deliverDigest(configuration, options, io);
  deliver(options.json ? renderJson(configuration) : renderGuestConfiguration(configuration), options, io);
  return 0;
}

/**
 * Options that would have no effect.
 * @throws VdpaQemuError usage
 */
function refuseIdle({ file, as, host, on, digest, json }: GuestAbiOptions): void {
  if (file === undefined && (as !== undefined || host.length > 0 || on !== undefined)) {
    throw new VdpaQemuError('usage', '--as, --host and --on belong to a file, not to a running VM');
  }
  if (digest && json) throw new VdpaQemuError('usage', '--digest is one line: --json does not go with it');
}

function deliverDigest({ digest, undetermined }: GuestConfiguration, options: GlobalOptions, io: Io): ExitCode {
  if (digest === null) {
    tell(
      undetermined
        .filter(({ inDigest }) => inDigest)
        .map(({ path, reason }) => ({ code: 'import.undetermined', severity: 'error', path, message: reason })),
      options,
      io,
    );
    return 1;
  }
  deliver(`${digest}\n`, options, io);
  return 0;
}

async function fromFile(
  file: string,
  options: GuestAbiOptions,
  io: Io,
): Promise<GuestConfiguration | Exclude<ExitCode, 0>> {
  const text = readDocument(file, maxConfigurationBytes);
  const kind = options.as ?? kindOf(text);
  // only a spec needs a host; without --host it is this one
  const reports = kind === 'spec' || options.host.length > 0 ? await readReports(options.host) : [];
  if (options.on !== undefined && !reports.some(({ host }) => host.name === options.on)) {
    throw new VdpaQemuError('usage', `--on ${options.on}: no host report is of that host`);
  }
  const parents = await readParents(options.parents);
  const read = readGuestConfiguration(text, { file: documentLabel(file), as: kind, reports, on: options.on, parents });
  tell(read.findings, options, io);
  if (!read.configuration) return read.findings.some(({ code }) => code.startsWith('spec.')) ? 2 : 1;
  return hasErrors(read.findings) ? 2 : read.configuration;
}

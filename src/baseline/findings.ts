import { sortFindings, type Finding, type Severity } from '../model/finding.ts';
import type { HostSample } from '../model/generated/baseline.ts';
import { hostsText } from './tally.ts';

/** Collects what is found while a baseline is made. */
export class BaselineFindings {
  readonly #all: Finding[] = [];

  add(code: string, severity: Severity, path: string, message: string, fix?: string): void {
    this.#all.push({ code, severity, path, message, ...(fix === undefined ? {} : { fix }) });
  }

  /** A property that is not known on some hosts: nothing is promised for them. */
  unknown(path: string, what: string, hosts: HostSample, severity: Severity): void {
    if (hosts.count === 0) return;
    this.add(
      'baseline.unknown',
      severity,
      path,
      `${what} of a device could not be read on ${hostsText(hosts)}, so the baseline does not hold there`,
      'probe as root while the device is idle',
    );
  }

  get sorted(): Finding[] {
    return sortFindings(this.#all);
  }
}

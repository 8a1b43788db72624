import type { HostReport } from '../model/generated/host-report.ts';
import type { ParentRow } from '../model/generated/parent-knowledge.ts';
import type { CompleteSpec } from '../spec/defaults.ts';
import type { PlanFindings } from './findings.ts';
import { hostOf, type Host } from './host.ts';

/**
 * The hosts on which the guest may run: those that the spec lists, else those whose reports are given. A guest ABI can
 * only be right for a domain that was seen whole, so a listed host without a report is an error.
 */
export function domainOf(
  spec: CompleteSpec,
  reports: readonly HostReport[],
  findings: PlanFindings,
  parents?: readonly ParentRow[],
): Host[] {
  const hosts: Host[] = [];
  const seen = new Set<string>();
  for (const report of reports) {
    const { name } = report.host;
    if (seen.has(name)) {
      findings.error('plan.host-twice', '/migration/hosts', `two reports are from a host named ${name}`);
      continue;
    }
    seen.add(name);
    if (spec.hosts !== null && !spec.hosts.includes(name)) {
      findings.warning(
        'plan.host-not-listed',
        '/migration/hosts',
        `the report of host ${name} is left out: migration.hosts does not list it`,
      );
      continue;
    }
    hosts.push(hostOf(report, parents));
  }
  for (const name of spec.hosts ?? []) {
    if (!seen.has(name)) {
      findings.error(
        'plan.host-without-report',
        '/migration/hosts',
        `no report of host ${name} is given, so the guest ABI cannot be made to fit it`,
        `run \`vdpa-qemu probe\` on ${name}`,
      );
    }
  }
  return hosts;
}

/** Plans for tests: a spec's body on reports, and what was found as one line each. */
import type { Finding } from '../../src/model/finding.ts';
import type { HostReport } from '../../src/model/generated/host-report.ts';
import type { VmPlan } from '../../src/model/generated/vm-plan.ts';
import { PlanFindings } from '../../src/plan/findings.ts';
import { hostOf, type HostDevice, type Host } from '../../src/plan/host.ts';
import { findDevice } from '../../src/plan/host.ts';
import { planVm, type PlanResult } from '../../src/plan/plan-vm.ts';
import { host, netConfig, reportWith, type Edit } from '../report-builder.ts';
import { specHead, specOf } from '../spec-builder.ts';

/** Found on every host here whose report was captured as is: 8 MiB may be locked there. */
const noise = 'plan.locked-memory-limit';

export function planOf(body: string, reports: readonly HostReport[], on?: string, head: string = specHead): PlanResult {
  return planVm(specOf(body, head), reports, on);
}

/** A plan that nothing forbids. */
export function soundPlan(body: string, reports: readonly HostReport[], on?: string, head?: string): VmPlan {
  const { plan, findings } = planOf(body, reports, on, head);
  if (!plan) throw new Error(`no plan: ${findings.map(({ message }) => message).join('; ')}`);
  return plan;
}

/** `error plan.x /interfaces/0/mac: text`, and the fix after `=>`; without the limit of locked memory. */
export function linesOf(findings: readonly Finding[]): string[] {
  return findings
    .filter(({ code }) => code !== noise)
    .map(
      ({ severity, code, path, message, fix }) =>
        `${severity} ${code} ${path}: ${message}${fix === undefined ? '' : ` => ${fix}`}`,
    );
}

export function findingsOf(body: string, reports: readonly HostReport[], on?: string, head?: string): string[] {
  return linesOf(planOf(body, reports, on, head).findings);
}

/** Two hosts with the captured devices and edits of their own; vp0 of the second has the MAC of the first's. */
export function twoHosts(onA: readonly Edit[] = [], onB: readonly Edit[] = []): HostReport[] {
  return [reportWith(host({ name: 'hostA' }), ...onA), reportWith(host({ name: 'hostB' }), ...onB)];
}

/** vp1 as if it were provisioned with the MAC of vp0, so that one guest can have either. */
export const sameMac: Edit = netConfig('vp1', { mac: '52:54:00:0d:0a:00' });

/** A device of a host as the planner sees it. */
export function hostDevice(name: string, ...edits: Edit[]): HostDevice {
  const found = findDevice(hostOf(reportWith(...edits)), name);
  if (!found) throw new Error(`no device ${name}`);
  return found;
}

export function planHost(...edits: Edit[]): Host {
  return hostOf(reportWith(...edits));
}

/** Runs one step of the planner and gives back what it found. */
export function foundBy(step: (findings: PlanFindings) => unknown): string[] {
  const findings = new PlanFindings();
  step(findings);
  return linesOf(findings.all);
}

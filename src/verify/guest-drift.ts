import { fromPlan } from '../import/from-plan.ts';
import { differencesOf, type Difference } from '../migration/differences.ts';
import { isUnknown } from '../model/fact.ts';
import type { Finding } from '../model/finding.ts';
import type { Guest } from '../model/generated/guest-configuration.ts';
import type { VmPlan } from '../model/generated/vm-plan.ts';

/** Devices whose place and presence driftOf() judges by their ids. */
const devicePlace = /^\/(?:interfaces|vdpaDevices)(?:\/\d+)?$/;

/**
 * Where the whole guest of a running VM differs from its plan's: CPU model, disks, root ports, what the plan leaves out ..
 * @param covered paths that were compared already
 */
export function guestDrift(plan: VmPlan, running: Guest | undefined, covered: ReadonlySet<string>): Finding[] {
  if (!running) {
    const message =
      'disks, the CPU model and the rest of the guest could not be compared with the plan: they were not asked for';
    return [{ code: 'verify.drift-unknown', severity: 'info', path: '', message }];
  }
  return differencesOf(fromPlan(plan).guest, running)
    .filter(({ path }) => !covered.has(path) && !devicePlace.test(path))
    .map((one) => findingOf(one, running));
}

function findingOf({ path, label, before, after }: Difference, running: Guest): Finding {
  // QOM shows other devices, but not their settings: those stand on the command line with the other options.
  const untold = path.startsWith('/otherDevices') ? [running.otherOptions] : [];
  const unknown = [after, before, ...untold].find(isUnknown);
  if (unknown) {
    const message = `${label} could not be compared with the plan: ${unknown.detail}`;
    return { code: 'verify.drift-unknown', severity: 'info', path, message };
  }
  const [found, planned] = [after, before].map((leaf) => (typeof leaf === 'object' ? 'not set' : String(leaf)));
  const message = `${label} is ${found} in the running VM and ${planned} in the plan`;
  return { code: 'verify.drift', severity: 'error', path, message };
}

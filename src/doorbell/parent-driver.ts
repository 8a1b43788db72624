import { isKnown } from '../model/fact.ts';
import type { VdpaDevice } from '../model/generated/host-report.ts';

/**
 * The name under which the parent driver is known: the driver of the parent device; where there is no parent
 * device (simulators, VDUSE), the management device. null: neither is known.
 */
export function parentDriverOf(device: VdpaDevice): string | null {
  if (isKnown(device.parent) && device.parent?.driver) return device.parent.driver;
  return isKnown(device.managementDevice) ? device.managementDevice : null;
}

import type { VdpaReference } from '../model/generated/vm-spec.ts';
import type { PlanFindings } from './findings.ts';
import { charDeviceOf, findDevice, nameOn, type Host, type HostDevice } from './host.ts';

/**
 * Finds the device that a spec names on every host of the domain. A host that has it not is named in an error.
 * @param path JSON pointer of the guest device in the spec
 */
export function locateDevices(
  reference: VdpaReference,
  path: string,
  hosts: readonly Host[],
  findings: PlanFindings,
): HostDevice[] {
  const place = `${path}/vdpa`;
  return hosts.flatMap((host) => {
    const name = nameOn(host, reference);
    if (name === undefined) {
      findings.error('plan.device-not-named', place, `names no vDPA device for host ${host.name}`);
      return [];
    }
    const found = findDevice(host, name);
    if (!found) {
      const others = host.report.devices.map((device) => device.name);
      const known = others.length === 0 ? 'it has none' : `it has ${others.slice(0, 8).join(', ')}`;
      findings.error('plan.device-missing', place, `host ${host.name} has no vDPA device ${name}: ${known}`);
      return [];
    }
    if (charDeviceOf(found.device) === undefined) {
      findings.error(
        'plan.device-not-bound',
        place,
        `vDPA device ${found.device.name} on host ${host.name} has no character device: it is not bound to vhost_vdpa`,
        `echo vhost_vdpa > /sys/bus/vdpa/devices/${found.device.name}/driver_override, unbind it from its driver, then echo ${found.device.name} > /sys/bus/vdpa/drivers/vhost_vdpa/bind`,
      );
      return [];
    }
    return [found];
  });
}

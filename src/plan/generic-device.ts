import { isKnown } from '../model/fact.ts';
import type { GuestAbi } from '../model/generated/guest-abi.ts';
import { classOf } from '../doorbell/virtqueue-role.ts';
import type { HostNotifierPolicy } from '../spec/defaults.ts';
import type { PlanFindings } from './findings.ts';
import type { Host, HostDevice } from './host.ts';
import { decidePagePerVq } from './page-per-vq.ts';

type GuestVdpaDevice = GuestAbi['vdpaDevices'][number];

/** What a vDPA device of any class needs to become a vhost-vdpa-device-pci. */
export interface GenericDevice {
  readonly id: string;
  readonly hostNotifier: HostNotifierPolicy;
  readonly queueSize: number | null;
  readonly bootIndex: number | null;
}

/** Plans one vhost-vdpa-device-pci. QEMU has it since 8.0 and marks it unmigratable (hw/virtio/vdpa-dev.c). */
export function planGenericDevice(
  spec: GenericDevice,
  path: string,
  rootPort: number,
  devices: readonly HostDevice[],
  findings: PlanFindings,
): GuestVdpaDevice {
  for (const { host } of devices) checkQemuHasIt(host, path, findings);
  for (const { host, device } of devices) {
    const { vqSizeMax } = device.identity;
    if (spec.queueSize === null || !isKnown(vqSizeMax) || spec.queueSize <= vqSizeMax) continue;
    findings.error(
      'plan.ring-too-large',
      `${path}/queueSize`,
      `queueSize is ${spec.queueSize}, but the rings of ${device.name} on ${host.name} have at most ${vqSizeMax} descriptors`,
    );
  }
  const classes = new Set(devices.map(({ device }) => classOf(device)));
  if (classes.size > 1) {
    findings.error(
      'plan.device-class',
      `${path}/vdpa`,
      `the hosts give devices of different classes: ${[...classes].join(', ')}`,
    );
  }
  findings.warning(
    'plan.not-migratable',
    path,
    `${spec.id} is a vhost-vdpa-device-pci, which QEMU cannot migrate: the guest is bound to its host`,
    devices.length > 1 ? 'leave it out of a VM that has to migrate' : undefined,
  );
  return {
    id: spec.id,
    rootPort,
    pagePerVq: decidePagePerVq(spec.hostNotifier, path, devices, 'device', findings),
    iommuPlatform: true,
    queueSize: spec.queueSize,
    bootIndex: spec.bootIndex,
  };
}

function checkQemuHasIt(host: Host, path: string, findings: PlanFindings): void {
  const known = host.qemu.filter(({ capabilities }) =>
    Object.hasOwn(capabilities.deviceProperties, 'vhost-vdpa-device-pci'),
  );
  if (known.length === 0) {
    findings.warning(
      'plan.qemu-unknown',
      path,
      `host ${host.name}: no QEMU is known there, so vhost-vdpa-device-pci could not be checked`,
    );
  } else if (known.every(({ capabilities }) => capabilities.deviceProperties['vhost-vdpa-device-pci'] === null)) {
    const versions = known.map(({ capabilities }) => capabilities.version).join(', ');
    findings.error(
      'plan.qemu-lacks-generic-device',
      path,
      `QEMU ${versions} on host ${host.name} has no vhost-vdpa-device-pci, which came with QEMU 8.0`,
      'update QEMU on that host',
    );
  }
}

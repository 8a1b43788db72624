import type { CompleteVdpaDisk } from '../spec/defaults.ts';
import { classOf } from '../doorbell/virtqueue-role.ts';
import type { PlanFindings } from './findings.ts';
import type { Host, HostDevice } from './host.ts';

/** How a vDPA disk reaches the guest: over the block driver virtio-blk-vhost-vdpa, or as vhost-vdpa-device-pci. */
export type Attachment = 'blockdev' | 'device';

/** Decides it for all hosts alike, since the guest sees the difference. undefined: an error was found. */
export function chooseAttachment(
  disk: CompleteVdpaDisk,
  path: string,
  devices: readonly HostDevice[],
  findings: PlanFindings,
): Attachment | undefined {
  for (const { host, device } of devices) {
    const found = classOf(device);
    if (found !== 'block') {
      const fix = found === 'net' ? 'list it under interfaces' : undefined;
      findings.error(
        'plan.device-class',
        `${path}/vdpa`,
        `a disk needs a block device, but ${device.name} on host ${host.name} is of class ${found}`,
        fix,
      );
      return undefined;
    }
  }
  const lacking = devices.filter(({ host }) => !hasBlockDriver(host));
  if (disk.attach === 'auto' && lacking.length > 0 && disk.readOnly) {
    findings.error(
      'plan.read-only-device',
      `${path}/readOnly`,
      `\`readOnly\` has no effect here: the QEMU of host ${lacking[0]?.host.name ?? ''} lacks the block driver virtio-blk-vhost-vdpa, so the guest would drive the vDPA device itself`,
    );
    return undefined;
  }
  if (disk.attach === 'auto') return lacking.length === 0 ? 'blockdev' : 'device';
  if (disk.attach === 'device') return 'device';
  for (const { host } of lacking) {
    findings.error(
      'plan.qemu-lacks-block-driver',
      `${path}/attach`,
      `attach is blockdev, but the QEMU of host ${host.name} has no block driver virtio-blk-vhost-vdpa (it needs libblkio)`,
      'attach: device (QEMU 8.0 and newer, not migratable)',
    );
  }
  return lacking.length === 0 ? 'blockdev' : undefined;
}

/** The block driver is a host matter: no doorbell of the device is ever shown to the guest. */
export function checkBlockdevPolicy(disk: CompleteVdpaDisk, path: string, findings: PlanFindings): void {
  if (disk.hostNotifier !== 'require') return;
  findings.error(
    'plan.host-notifier-required',
    `${path}/hostNotifier`,
    'hostNotifier is require, but a disk over virtio-blk-vhost-vdpa has no host notifiers: QEMU itself drives the device',
    'attach: device',
  );
}

function hasBlockDriver(host: Host): boolean {
  return host.qemu.some(({ capabilities }) => capabilities.blockdevVirtioBlkVhostVdpa);
}

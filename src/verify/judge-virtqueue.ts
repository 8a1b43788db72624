import type { ObservedDevice, ObservedVirtqueue, Observation } from '../model/generated/observation.ts';
import type { VirtqueueVerification } from '../model/generated/verification.ts';
import { isKnown, isUnknown } from '../model/fact.ts';
import type { DeviceContext } from './context.ts';
import { contradictions } from './contradiction.ts';
import { noPageFromBackEnd, obstacles, type Case } from './obstacles.ts';

export type Verdict = VirtqueueVerification['verdict'];
type Judgement = Pick<VirtqueueVerification, 'verdict' | 'reasons' | 'ruledOut' | 'notKnown'>;

/** QEMU places host notifiers 4096 bytes apart (hw/virtio/virtio-pci.c: virtio_pci_set_host_notifier_mr()). */
const stride = 4096;

/** Whether the host notifier of one virtqueue is active; where it is not, why. */
export function judgeVirtqueue(
  virtqueue: ObservedVirtqueue,
  device: ObservedDevice,
  context: DeviceContext,
  observation: Observation,
): VirtqueueVerification {
  const { index, role } = virtqueue;
  const one: Case = { virtqueue, device, context, observation };
  return { index, role, ...(isInstalled(virtqueue) ? judgeInstalled(one) : judgeAbsent(one)) };
}

/**
 * QEMU removes a vhost-vdpa region with its mapping; a vhost-user region may stay as an object without a container
 * (hw/virtio/vhost-user.c: "Don't init again after suspend").
 */
export function isInstalled({ hostNotifier }: ObservedVirtqueue): boolean {
  return hostNotifier !== null && hostNotifier.container !== null;
}

/**
 * The region is there. Is it where the guest writes, and does the guest write there? With modern-pio-notify=on the
 * capability of the I/O BAR stands before that of the memory BAR (hw/virtio/virtio-pci.c: virtio_pci_device_plugged()
 * adds it last, hw/pci/pci.c: pci_add_capability() puts it first), and Linux takes the first that it finds, of either
 * kind (drivers/virtio/virtio_pci_modern_dev.c: vp_modern_probe()).
 */
function judgeInstalled(one: Case): Judgement {
  const { virtqueue, device, context, observation } = one;
  const { index, hostNotifier } = virtqueue;
  const misplaced = misplacement(one);
  if (misplaced !== undefined) return judgement('unknown', 'verify.region-misplaced', misplaced);
  const against = contradictions(device, observation);
  if (against.length > 0) {
    const words = `QEMU has a host notifier although ${against.join(', and ')}: look again`;
    return judgement('unknown', 'verify.witnesses-disagree', words);
  }
  if (isKnown(device.guestFeatures) && !device.guestFeatures.includes('VIRTIO_F_VERSION_1')) {
    return judgement(
      'inactive',
      'verify.legacy-driver',
      'the guest driver did not negotiate VIRTIO_F_VERSION_1: it kicks through the legacy I/O BAR, not through the doorbell',
    );
  }
  if (device.properties['modern-pio-notify'] === true) {
    return judgement(
      'unknown',
      'verify.pio-notify',
      'there is a host notifier, but modern-pio-notify=on offers a doorbell in an I/O BAR, too, and first: a Linux guest kicks that one, through an eventfd; which one this guest kicks is not known',
    );
  }
  if (context.mapped?.has(index) === false && device.backend === 'vhost-vdpa') {
    return judgement(
      'unknown',
      'verify.witnesses-disagree',
      `QEMU has a host notifier, but the process has not mapped doorbell ${index} of ${context.charDevice ?? ''}`,
    );
  }
  const undecoded = notDecoded(one);
  if (undecoded !== undefined) return undecoded;
  if (isUnknown(device.guestFeatures) && mayBeLegacy(device)) {
    return judgement(
      'unknown',
      'verify.features-unknown',
      `there is a host notifier, but a driver may kick this transitional device through the legacy I/O BAR, and the negotiated features are not known: ${device.guestFeatures.detail}`,
    );
  }
  const witnesses = [
    `QEMU has installed ${hostNotifier?.name ?? ''} at its place in the notify region`,
    ...(context.mapped ? ['the process has mapped the doorbell'] : []),
    ...(context.inMemoryMap ? ["the guest's memory map holds it"] : []),
    ...(context.inMemoryMap?.get(index)?.kvm === true ? ['KVM holds the slot: a kick does not leave the guest'] : []),
  ];
  return {
    verdict: 'active',
    reasons: [{ code: 'verify.active', message: witnesses.join('; ') }],
    ruledOut: [],
    notKnown: [],
  };
}

/** The guest reaches the region through BAR 4, where it decodes that. */
function notDecoded({ virtqueue: { index }, device: { pci }, context: { inMemoryMap } }: Case): Judgement | undefined {
  const code = 'verify.bar-not-decoded';
  if (isKnown(pci) && pci.modernBar === null) {
    return judgement('inactive', code, 'the guest does not decode BAR 4, which holds the host notifier (query-pci)');
  }
  if (inMemoryMap?.has(index) === false) {
    const message = "the host notifier is not in the guest's memory map: the guest does not decode the BAR";
    return judgement('inactive', code, message);
  }
  if (isKnown(pci) || inMemoryMap) return undefined;
  const message = `there is a host notifier, but whether the guest decodes its BAR is not known: ${pci.detail}`;
  return judgement('unknown', 'verify.bar-unknown', message);
}

/**
 * A device with the PCI id of a transitional one has the legacy interface, too (virtio 1.3, 4.1.2.1); without it QEMU
 * counts from 0x1040 on (hw/virtio/virtio-pci.c: virtio_pci_realize()).
 */
function mayBeLegacy({ pci, disableLegacy }: ObservedDevice): boolean {
  if (isKnown(pci)) return pci.vendor !== 0x1af4 || pci.device < 0x1040;
  return disableLegacy !== 'on';
}

/** What is wrong with the place of the region, which nothing in QEMU should make. */
function misplacement({ virtqueue: { index, hostNotifier }, device }: Case): string | undefined {
  if (hostNotifier === null) return undefined;
  const { address, size, container } = hostNotifier;
  if (isUnknown(address) || isUnknown(size) || isUnknown(container)) {
    return 'a host notifier was there, and its place could not be read';
  }
  if (address !== index * stride || size !== stride) {
    return `the host notifier has ${size} bytes at ${address} of its container, not ${stride} at ${index * stride}`;
  }
  if (container?.startsWith(`${device.path}/virtio-pci-notify-`) === true) return undefined;
  return `the host notifier is in ${container ?? 'nothing'}, not in the notify region of ${device.path}`;
}

/** The region is not there, which is certain. The first obstacle on the ladder is the reason. */
function judgeAbsent(one: Case): Judgement {
  const { device, context } = one;
  const mappedAnyway = context.mapped?.has(one.virtqueue.index) === true && device.backend === 'vhost-vdpa';
  if (mappedAnyway) {
    return judgement(
      'unknown',
      'verify.witnesses-disagree',
      `the process has mapped the doorbell, but QEMU has no host notifier for it: look again, it may just be starting`,
    );
  }
  const found: { code: string; message: string; verdict: Verdict }[] = [];
  const ruledOut: string[] = [];
  const notKnown: string[] = [];
  for (const { code, verdict, check } of obstacles) {
    const result = check(one);
    if (result === undefined) continue;
    if ('no' in result) ruledOut.push(result.no);
    else if ('unclear' in result) notKnown.push(result.unclear);
    else found.push({ code, message: result.yes, verdict });
  }
  const [first] = found;
  if (first) {
    const reasons = found.map(({ code, message }) => ({ code, message }));
    return { verdict: first.verdict, reasons, ruledOut, notKnown };
  }
  if (isUnknown(device.status)) {
    const why = `there is no host notifier; whether the guest driver is up is not known: ${device.status.detail}`;
    return { verdict: 'unknown', reasons: [{ code: 'verify.driver-unknown', message: why }], ruledOut, notKnown };
  }
  if (device.backend === 'vhost-user') {
    return { verdict: 'inactive', reasons: [noPageFromBackEnd], ruledOut, notKnown };
  }
  const open = notKnown.length === 0 ? 'nothing that is known is in the way' : `not known: ${notKnown.join('; ')}`;
  const message = `kicks go through an eventfd, and why is not known; ${open}`;
  return { verdict: 'inactive', reasons: [{ code: 'verify.reason-unknown', message }], ruledOut, notKnown };
}

function judgement(verdict: Verdict, code: string, message: string): Judgement {
  return { verdict, reasons: [{ code, message }], ruledOut: [], notKnown: [] };
}

import { parentDriverOf } from '../doorbell/parent-driver.ts';
import { knowledgeOf } from '../doorbell/parents.ts';
import { doorbellPageOf } from '../doorbell/pci-layout.ts';
import { isKnown, isUnknown } from '../model/fact.ts';
import type { Unknown } from '../model/generated/host-report.ts';
import type { ObservedDevice, ObservedVirtqueue, Observation } from '../model/generated/observation.ts';
import type { VirtqueueVerification } from '../model/generated/verification.ts';
import { assessed, type DeviceContext } from './context.ts';
import { migrating } from './migrating.ts';

/** One virtqueue without a host notifier, and all that is known around it. */
export interface Case {
  readonly virtqueue: ObservedVirtqueue;
  readonly device: ObservedDevice;
  readonly context: DeviceContext;
  readonly observation: Observation;
}

/**
 * yes: it is in the way, and how; no: it was looked at and is not; unclear: it could not be looked at, and why;
 * undefined: it does not concern this virtqueue.
 */
type Answer = { readonly yes: string } | { readonly no: string } | { readonly unclear: string } | undefined;

export interface Obstacle {
  readonly code: string;
  readonly verdict: VirtqueueVerification['verdict'];
  readonly check: (one: Case) => Answer;
}

/**
 * What keeps QEMU from installing a host notifier, in the order in which QEMU itself meets it
 * (hw/virtio/vhost-vdpa.c: vhost_vdpa_dev_start(), vhost_vdpa_host_notifiers_init(); hw/virtio/virtio-pci.c:
 * virtio_pci_set_host_notifier_mr()). QEMU says nothing when it falls back to eventfds.
 */
export const obstacles: readonly Obstacle[] = [
  {
    code: 'verify.host-block-driver',
    verdict: 'inactive',
    check: ({ device }) =>
      device.attachment === 'blockdev'
        ? { yes: 'the disk is emulated over the host block driver virtio-blk-vhost-vdpa: there is no doorbell to map' }
        : undefined,
  },
  {
    code: 'verify.vm-stopped',
    verdict: 'not-yet',
    check: ({ observation: { runState } }) =>
      runState === 'running'
        ? { no: 'the VM is running' }
        : runState === 'unknown'
          ? { unclear: 'whether the VM is running (query-status)' }
          : runState === 'suspended'
            ? { unclear: 'whether somebody stopped the VM while its guest sleeps (suspended)' }
            : { yes: `the VM is ${runState}: QEMU stops the device and takes the host notifiers away meanwhile` },
  },
  {
    code: 'verify.driver-not-up',
    verdict: 'not-yet',
    check: ({ device: { status } }) =>
      isUnknown(status)
        ? unclear('the device status', status)
        : status.includes('DRIVER_OK')
          ? { no: 'the guest driver is up (DRIVER_OK)' }
          : {
              yes: `the guest driver is not up: device status is ${status.length === 0 ? '0' : status.join(', ')}, without DRIVER_OK`,
            },
  },
  { code: 'verify.vhost-not-started', verdict: 'inactive', check: vhostNotStarted },
  {
    code: 'verify.migrating',
    verdict: 'inactive',
    check: ({ observation, device }) => {
      const { status } = observation.migration;
      if (device.backend !== 'vhost-vdpa') return undefined;
      if (isUnknown(status)) return unclear('whether a migration is under way', status);
      if (status === null || !migrating.has(status)) return { no: 'no migration is under way' };
      return { yes: `a migration is under way (${status}): all virtqueues are shadowed until it ends` };
    },
  },
  {
    code: 'verify.shadow-virtqueues',
    verdict: 'inactive',
    check: ({ device: { shadowVirtqueues, backend } }) =>
      backend !== 'vhost-vdpa'
        ? undefined
        : isUnknown(shadowVirtqueues)
          ? unclear('x-svq', shadowVirtqueues)
          : shadowVirtqueues
            ? { yes: 'x-svq=on: QEMU shadows all virtqueues, and maps no doorbell then' }
            : { no: 'x-svq is off' },
  },
  {
    code: 'verify.page-per-vq-off',
    verdict: 'inactive',
    check: ({ device: { pagePerVq } }) =>
      isUnknown(pagePerVq)
        ? unclear('page-per-vq', pagePerVq)
        : pagePerVq
          ? { no: 'page-per-vq is on' }
          : { yes: 'page-per-vq is off: the notify region has 4 bytes per virtqueue, and a page does not fit' },
  },
  {
    code: 'verify.host-page-size',
    verdict: 'inactive',
    check: ({ context: { hostPageSize } }) =>
      hostPageSize === undefined
        ? { unclear: "the size of the host's pages (the process, or a host report, tells)" }
        : hostPageSize === 4096
          ? { no: 'the host has pages of 4096 bytes' }
          : { yes: `the host has pages of ${hostPageSize} bytes, and QEMU takes only doorbells of 4096` },
  },
  {
    code: 'verify.modern-off',
    verdict: 'inactive',
    check: ({ device: { disableModern } }) =>
      isUnknown(disableModern)
        ? unclear('disable-modern', disableModern)
        : disableModern
          ? { yes: 'disable-modern is on: there is no notify region' }
          : { no: 'the modern interface is on' },
  },
  {
    code: 'verify.not-pci',
    verdict: 'inactive',
    check: ({ device: { frontend } }) =>
      /-pci(-|$)/.test(frontend)
        ? undefined
        : { yes: `${frontend} is not on PCI: only virtio-pci can install a host notifier` },
  },
  {
    code: 'verify.qemu-too-old',
    verdict: 'inactive',
    check: ({ observation: { qemu }, device }) => {
      const [major = 0, minor = 0] = qemu.version.split('.').map(Number);
      if (device.backend !== 'vhost-vdpa' || major > 6 || (major === 6 && minor >= 1)) return undefined;
      return { yes: `QEMU ${qemu.version} maps no vDPA doorbells; 6.1 and newer do` };
    },
  },
  {
    code: 'verify.control-virtqueue',
    verdict: 'inactive',
    check: (one) => (one.virtqueue.role === 'control' ? controlVirtqueue(one) : undefined),
  },
  { code: 'verify.kernel-refuses', verdict: 'inactive', check: kernelRefuses },
  { code: 'verify.dropped-with-neighbour', verdict: 'inactive', check: droppedWithNeighbour },
];

/**
 * A vhost-user back end gives QEMU a page for each virtqueue that it wants to be kicked directly, and owes none
 * (hw/virtio/vhost-user.c: vhost_user_backend_handle_vring_host_notifier(), which refuses any but 4096 bytes). So where
 * nothing of QEMU's own is in the way, it is the reason.
 */
export const noPageFromBackEnd = {
  code: 'verify.vhost-user-gave-none',
  message: 'the vhost-user back end gave QEMU no doorbell page for this virtqueue, or one that QEMU refused',
} as const;

/**
 * QEMU starts the vhost_dev when the driver sets DRIVER_OK and the link is up (hw/net/virtio-net.c:
 * virtio_net_vhost_status()); where that fails it prints why, drops what the guest sends, and tells nobody else.
 */
function vhostNotStarted({ device, context, observation }: Case): Answer {
  const { vhostStarted, status, attachment, backend } = device;
  if (backend !== 'vhost-vdpa' || attachment !== 'netdev' || observation.runState !== 'running') return undefined;
  if (isUnknown(status) || !status.includes('DRIVER_OK')) return undefined;
  if (isUnknown(vhostStarted)) return unclear('whether QEMU has started the vDPA device', vhostStarted);
  if (vhostStarted) return { no: 'QEMU has started the vDPA device' };
  const most =
    context.facts && isKnown(context.facts.identity.vqSizeMax) ? context.facts.identity.vqSizeMax : undefined;
  const size = context.largestRing;
  const why =
    most !== undefined && size > most
      ? `the guest's rings have ${size} descriptors, and the device takes at most ${most}`
      : 'its log says why, unless the link is down';
  return { yes: `QEMU did not start the vDPA device, and what the guest sends is dropped: ${why}` };
}

/** The control virtqueue of a net device is a vhost_dev of its own with -netdev vhost-vdpa (net/vhost-vdpa.c). */
function controlVirtqueue({ virtqueue, device, context }: Case): Answer {
  const { guestFeatures } = device;
  if (device.backend === 'vhost-user') {
    return { yes: 'QEMU itself serves the control virtqueue of a vhost-user device' };
  }
  if (device.attachment === 'device') return undefined;
  if (isKnown(guestFeatures) && !guestFeatures.includes('VIRTIO_NET_F_CTRL_VQ')) {
    return { yes: 'the guest driver did not negotiate VIRTIO_NET_F_CTRL_VQ: the control virtqueue is not started' };
  }
  const expected = context.assessment?.expectedHostNotifiers.netdev;
  const control = context.assessment?.virtqueues.find(({ role }) => role === 'control');
  if (control?.kernel === 'mapped' && expected?.includes(control.index) === false) {
    return { yes: 'the control virtqueue is isolated: QEMU 8.0 and newer always shadow it' };
  }
  if (control !== undefined && control.verdict !== 'unknown') return undefined;
  if (refusalByLayout(context, virtqueue.index) !== undefined) return undefined;
  return {
    yes: 'the control virtqueue has a vhost_dev of its own: QEMU shadows it where it is isolated, and some parents have no doorbell for it; which of them is not known',
  };
}

/** From the host's report: the kernel's answer to the mapping, or, of a device in use, what its layout lets expect. */
function kernelRefuses({ virtqueue, device, context }: Case): Answer {
  if (device.backend !== 'vhost-vdpa') return undefined;
  const known = assessed(context, virtqueue);
  if (known !== undefined && known.verdict !== 'unknown' && known.kernel !== 'mapped') {
    return { yes: `the kernel refuses the mapping (${known.kernel}): ${known.reasons[0]?.message ?? ''}` };
  }
  if (known?.kernel === 'mapped') return { no: 'the kernel was seen to map this doorbell' };
  const word = refusalByLayout(context, virtqueue.index);
  if (word !== undefined) return { yes: `the kernel refuses the mapping: ${word}` };
  return { unclear: 'what the kernel says to the mapping (a host report, made while the device is idle, tells)' };
}

function unclear(what: string, { detail }: Unknown): Answer {
  return { unclear: `${what}: ${detail}` };
}

/** What the parent driver and PCI config space let expect, of a device that nobody could ask. */
function refusalByLayout({ facts, hostPageSize = 4096 }: DeviceContext, index: number): string | undefined {
  if (!facts) return undefined;
  const parent = knowledgeOf(parentDriverOf(facts));
  if (parent?.area === 'none') return `parent driver ${parent.driver} has no notification area (${parent.source})`;
  if (!isKnown(facts.pci) || facts.pci === null) return undefined;
  const page = doorbellPageOf(facts.pci, index, hostPageSize);
  if (typeof page === 'string' || page.multiplier === 0 || page.multiplier >= hostPageSize) return undefined;
  return `by PCI config space a doorbell has ${page.multiplier} bytes, not a page`;
}

/** All or nothing of a vhost_dev: a pair with -netdev, the whole device with vhost-vdpa-device (vhost_vdpa_host_notifiers_init()). */
function droppedWithNeighbour(one: Case): Answer {
  const { virtqueue, device } = one;
  const neighbour = refusedIn(one).find(
    ({ index, role }) =>
      index !== virtqueue.index &&
      (device.attachment === 'device' ||
        (role !== 'control' && virtqueue.role !== 'control' && index >> 1 === virtqueue.index >> 1)),
  );
  if (neighbour === undefined) return undefined;
  return {
    yes: `virtqueue ${neighbour.index} (${neighbour.role}) of the same vhost_dev cannot be mapped, and QEMU maps all or none: ${neighbour.why}`,
  };
}

interface Refused {
  readonly index: number;
  readonly role: string;
  readonly why: string;
}

const refusedBy = new WeakMap<DeviceContext, readonly Refused[]>();

/** The virtqueues of the device that the kernel refuses to map; worked out once for all of its virtqueues. */
function refusedIn(one: Case): readonly Refused[] {
  const before = refusedBy.get(one.context);
  if (before !== undefined) return before;
  const { virtqueues } = one.device;
  const found = (isUnknown(virtqueues) ? [] : virtqueues).flatMap((virtqueue) => {
    const answer = kernelRefuses({ ...one, virtqueue });
    const { index, role } = virtqueue;
    return answer && 'yes' in answer ? [{ index, role, why: answer.yes }] : [];
  });
  refusedBy.set(one.context, found);
  return found;
}

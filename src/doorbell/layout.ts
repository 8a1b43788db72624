import { isKnown } from '../model/fact.ts';
import type { Layout } from '../model/generated/assessment.ts';
import type { Host, VdpaDevice, Virtqueue } from '../model/generated/host-report.ts';
import { knownParentOf, pciMayTell, type KnownParent } from './known-parent.ts';
import { doorbellPageOf } from './pci-layout.ts';
import { controlVirtqueueOf } from './virtqueue-role.ts';

/** The doorbell layout of a device, in the words of the 2021 thread. The control virtqueue does not count. */
export function layoutOf(host: Host, device: VdpaDevice, known: KnownParent = knownParentOf(host, device)): Layout {
  if (!isKnown(device.virtqueues)) return 'unknown';
  const control = controlVirtqueueOf(device);
  const data = device.virtqueues.filter(({ index }) => index !== control);
  const layouts = new Set(data.map((virtqueue) => layoutOfVirtqueue(host, device, virtqueue, known)));
  // Where each doorbell has less than a page, the first one can still be page-aligned (refused for its size): the
  // others speak for it. One that is mapped has a page.
  if (
    layouts.has('per-vq-sub-page') &&
    !data.some(({ doorbell }) => doorbell === 'mapped') &&
    [...layouts].every((word) => word === 'per-vq-sub-page' || word === 'unknown')
  ) {
    return 'per-vq-sub-page';
  }
  const [only] = layouts;
  return layouts.size === 1 && only !== undefined ? only : layouts.size === 0 ? 'unknown' : 'mixed';
}

function layoutOfVirtqueue(host: Host, device: VdpaDevice, { index, doorbell }: Virtqueue, known: KnownParent): Layout {
  const { table, area } = known;
  const parent = table?.area === 'shared-page' ? table : area;
  if (parent?.area === 'none' || (parent === table && parent?.area === 'shared-page')) return parent.area;
  if (pciMayTell(known) && isKnown(device.pci) && device.pci !== null && isKnown(host.pageSize)) {
    const page = doorbellPageOf(device.pci, index, host.pageSize);
    if (typeof page !== 'string') {
      if (page.multiplier === 0) return 'shared-page';
      return page.multiplier >= host.pageSize ? 'page-per-vq' : 'per-vq-sub-page';
    }
  }
  if (typeof doorbell === 'object' && 'refused' in doorbell && doorbell.refused === 'EINVAL') return 'per-vq-sub-page';
  // an operator's row speaks only where PCI config space does not
  if (parent?.area === 'page-per-vq' || parent?.area === 'shared-page') return parent.area;
  return 'unknown';
}

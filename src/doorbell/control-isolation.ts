import { controlVirtqueueOf } from './virtqueue-role.ts';
import { isKnown, unknown, type Fact } from '../model/fact.ts';
import type { VdpaDevice } from '../model/generated/host-report.ts';
import { hasFeature } from '../model/virtio-features.ts';

/**
 * Whether QEMU can shadow the control virtqueue by itself: its group holds no data virtqueue, and the device has a
 * second address space for it (net/vhost-vdpa.c: vhost_vdpa_probe_cvq_isolation(), vhost_vdpa_net_cvq_start()). Where it
 * cannot, the state that the guest sets through it (MAC, queue pairs, filters) is not restored at the destination, and
 * nobody says so. `none`: the device has no control virtqueue.
 */
export function controlIsolation(device: VdpaDevice): Fact<'isolated' | 'shared' | 'none'> {
  const { features, backendFeatures, addressSpaceCount } = device.identity;
  if (!isKnown(features)) return features;
  if (!hasFeature(features, 'VIRTIO_NET_F_CTRL_VQ')) return 'none';
  if (isKnown(backendFeatures) && !hasFeature(backendFeatures, 'VHOST_BACKEND_F_IOTLB_ASID')) return 'shared';
  if (isKnown(addressSpaceCount) && addressSpaceCount < 2) return 'shared';
  const { virtqueues } = device;
  if (!isKnown(backendFeatures)) return backendFeatures;
  if (!isKnown(addressSpaceCount)) return addressSpaceCount;
  if (!isKnown(virtqueues)) return virtqueues;
  const control = controlVirtqueueOf(device);
  const own = virtqueues.find(({ index }) => index === control)?.group;
  if (own === undefined) return unknown('not-present', 'the group of the control virtqueue is not in the report');
  if (!isKnown(own)) return own;
  for (const { index, group } of virtqueues) {
    if (index === control) continue;
    if (group === undefined) return unknown('not-present', `the group of virtqueue ${index} is not in the report`);
    if (!isKnown(group)) return group;
    if (group === own) return 'shared';
  }
  return 'isolated';
}

import { hostOf } from '../../plan/host.ts';
import { obstaclesOf, type DoorbellObstacles } from '../../plan/page-per-vq.ts';
import { foreignKinds, guestKinds, type Hit, type ValidationRule } from '../rule.ts';
import type { Backing, Subject, SubjectDevice } from '../subject.ts';
import { atDevice } from './hits.ts';

type Checked = Exclude<SubjectDevice, { kind: 'block' }>;

/** What page-per-vq=on means on the host: QEMU maps whatever the kernel lets it map. */
export const doorbellRules: readonly ValidationRule[] = [
  {
    code: 'validate.doorbell-unsafe',
    severity: 'error',
    appliesTo: guestKinds,
    needsHost: true,
    asks: 'with page-per-vq=on, would the guest get no page that holds other registers?',
    source: 'Linux drivers/vhost/vdpa.c: vhost_vdpa_mmap() checks alignment and size only; docs/doorbell.md',
    check: (subject) =>
      withDoorbells(subject, true, (device, { danger, label }) =>
        danger?.verdict === 'unsafe'
          ? [
              atDevice(
                device,
                `${device.label}: page-per-vq is on, and the doorbell of ${label} virtqueue ${danger.index} (${danger.role}) is unsafe: ${reasonOf(danger)}`,
                { fix: 'page-per-vq=off on every host of the migration domain' },
              ),
            ]
          : [],
      ),
  },
  {
    code: 'validate.doorbell-unknown',
    severity: 'warning',
    appliesTo: guestKinds,
    needsHost: true,
    asks: 'is it known whether it is safe?',
    source: 'docs/findings.md: a doorbell that was not judged is never treated as safe',
    check: (subject) =>
      withDoorbells(subject, true, (device, { danger, label }) =>
        danger?.verdict === 'unknown'
          ? [
              atDevice(
                device,
                `${device.label}: page-per-vq is on, and the doorbell of ${label} virtqueue ${danger.index} (${danger.role}) is not known: ${reasonOf(danger)}`,
                { fix: 'probe the host as root while the device is idle, or write page-per-vq=off' },
              ),
            ]
          : [],
      ),
  },
  {
    code: 'validate.doorbell-unavailable',
    severity: 'warning',
    appliesTo: guestKinds,
    needsHost: true,
    asks: 'has page-per-vq=on an effect on the host?',
    source: 'QEMU hw/virtio/vhost-vdpa.c: vhost_vdpa_host_notifiers_init() falls back to eventfd without a word',
    check: (subject) =>
      withDoorbells(subject, true, (device, { obstacle, label }) =>
        obstacle?.verdict === 'unavailable'
          ? [
              atDevice(
                device,
                `${device.label}: page-per-vq is on, and kicks of ${label} virtqueue ${obstacle.index} (${obstacle.role}) go through eventfd all the same: ${reasonOf(obstacle)}`,
                { fix: 'keep it only where another host of the migration domain gains by it' },
              ),
            ]
          : [],
      ),
  },
  {
    code: 'validate.doorbell-unused',
    severity: 'info',
    appliesTo: foreignKinds,
    needsHost: true,
    asks: 'does page-per-vq=off leave no safe doorbell unused?',
    source: 'QEMU hw/virtio/virtio-pci.c: virtio_pci_set_host_notifier_mr() needs 4096 bytes per virtqueue',
    check: (subject) =>
      withDoorbells(subject, false, (device, { obstacle, danger, label }) =>
        obstacle === undefined && danger === undefined
          ? [
              atDevice(
                device,
                `${device.label}: every doorbell of ${label} is safe, and with page-per-vq=off kicks go through eventfd`,
                { fix: 'page-per-vq=on, if every host of the migration domain is as good' },
              ),
            ]
          : [],
      ),
  },
  {
    code: 'validate.shadow-virtqueues',
    severity: 'warning',
    appliesTo: foreignKinds,
    asks: 'are host notifiers not wanted together with shadow virtqueues?',
    source: 'QEMU hw/virtio/vhost-vdpa.c: vhost_vdpa_host_notifiers_init() returns at once with shadow_vqs_enabled',
    check: ({ devices }) =>
      devices.filter(isShadowed).map((device) => {
        const wanted = device.kind !== 'block' && device.guest.pagePerVq === true;
        const message = wanted
          ? `${device.label}: with x-svq=on no host notifier is ever active, and page-per-vq is on for them`
          : `${device.label}: x-svq=on copies every buffer through QEMU, and is an unstable option of QEMU's`;
        return atDevice(device, message, { fix: 'leave x-svq out: QEMU shadows by itself while it migrates' });
      }),
  },
  {
    code: 'validate.shadow-virtqueues-iommu',
    severity: 'error',
    appliesTo: ['libvirt', 'qemu-argv'],
    asks: 'are shadow virtqueues not combined with an IOMMU of the guest?',
    source: 'QEMU hw/virtio/vhost-vdpa.c: vhost_vdpa_iommu_region_add(): "SVQ can not work while IOMMU enable"',
    check: ({ devices, document }) => {
      const { guest } = document.configuration ?? {};
      const iommu =
        guest?.otherDevices.some(({ driver }) => typeof driver === 'string' && driver.includes('iommu')) === true;
      const arm = guest?.machineOptions['iommu'] === 'smmuv3';
      if (!iommu && !arm) return [];
      return devices
        .filter(isShadowed)
        .map((device) =>
          atDevice(device, `${device.label}: x-svq=on cannot work with an IOMMU of the guest: QEMU refuses it`),
        );
    },
  },
];

const isShadowed = ({ binding }: SubjectDevice): boolean => binding.shadowVirtqueues === true;

function withDoorbells(
  { devices }: Subject,
  on: boolean,
  check: (device: Checked, obstacles: DoorbellObstacles) => readonly Hit[],
): Hit[] {
  return devices.flatMap((device) => {
    if (device.kind === 'block' || device.guest.pagePerVq !== on || isShadowed(device)) return [];
    const granularity = device.kind === 'net' ? 'netdev' : 'device';
    return device.backings.flatMap((backing) => check(device, obstaclesOn(backing, granularity)));
  });
}

function obstaclesOn({ host, device, doorbells }: Backing, granularity: 'netdev' | 'device'): DoorbellObstacles {
  return obstaclesOf({ host: hostOf(host.report), device, assessment: doorbells }, granularity);
}

function reasonOf({ reasons }: { readonly reasons: readonly { readonly message: string }[] }): string {
  return reasons[0]?.message ?? 'no reason is known';
}

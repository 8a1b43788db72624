/** What is known of device models of QEMU that are not over vDPA, and in the way of a migration. */
export interface DeviceModel {
  readonly drivers: RegExp;
  /** no: QEMU refuses to migrate it; unknown: it depends on what the configuration does not show */
  readonly migrates: 'no' | 'unknown';
  readonly why: string;
}

/** From `unmigratable` and migrate_add_blocker() in the sources of QEMU 10.1; newer ones may do better. */
export const deviceModels: readonly DeviceModel[] = [
  { drivers: /^nvme$/, migrates: 'no', why: 'hw/nvme/ctrl.c: nvme_vmstate, unmigratable' },
  { drivers: /^amd-iommu$/, migrates: 'no', why: 'hw/i386/amd_iommu.c: vmstate_amdvi_sysbus, unmigratable' },
  { drivers: /^(virtio-snd|virtio-sound)(-pci|-device|$)/, migrates: 'no', why: 'hw/audio/virtio-snd.c, unmigratable' },
  { drivers: /^virtio-crypto(-pci|-device)?/, migrates: 'no', why: 'hw/virtio/virtio-crypto.c, unmigratable' },
  { drivers: /^virtio-input-host/, migrates: 'no', why: 'hw/input/virtio-input-host.c, unmigratable' },
  { drivers: /^(rocker|ufs|riscv-iommu-pci|hv-syndbg)$/, migrates: 'no', why: 'its vmstate is unmigratable' },
  {
    drivers: /^usb-(audio|mtp|net|serial|braille|uas|wacom-tablet)$/,
    migrates: 'no',
    why: 'hw/usb/dev-*.c, unmigratable',
  },
  {
    drivers: /^vhost-user-(gpio|i2c|input|rng|scmi|snd|vsock|device)(-pci|-device|$)/,
    migrates: 'no',
    why: 'hw/virtio/vhost-user-*.c, unmigratable',
  },
  {
    drivers: /^ivshmem-plain$/,
    migrates: 'unknown',
    why: 'hw/misc/ivshmem-pci.c: blocked but for the master, and what is shared is outside of the stream',
  },
  { drivers: /^ivshmem-doorbell$/, migrates: 'unknown', why: 'hw/misc/ivshmem-pci.c: blocked but for the master' },
  { drivers: /^vfio-/, migrates: 'unknown', why: 'hw/vfio/migration.c: the driver of the host device decides it' },
  { drivers: /^usb-(host|redir)$/, migrates: 'unknown', why: 'the device is outside of the guest' },
  { drivers: /^virtio-9p/, migrates: 'unknown', why: 'hw/9pfs/9p.c: blocked while the guest has it mounted' },
  { drivers: /^vhost-/, migrates: 'unknown', why: 'hw/virtio/vhost.c: the back end decides it' },
  { drivers: /^tpm-/, migrates: 'unknown', why: 'backends/tpm: a TPM of the host stays where it is' },
  {
    drivers: /^virtio-gpu(-gl|-rutabaga)|^virtio-vga(-gl|-rutabaga)/,
    migrates: 'unknown',
    why: 'hw/display/virtio-gpu-base.c: virgl is blocked',
  },
];

/** What is known of a driver; undefined: nothing is in the way, as far as it is known. */
export function deviceModelOf(driver: string): DeviceModel | undefined {
  return deviceModels.find(({ drivers }) => drivers.test(driver));
}

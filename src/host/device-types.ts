/**
 * Types of devices that guests have beside vDPA: a HostReport says of each whether a QEMU has it, for distributions
 * leave some out and put others into packages of their own.
 */
const plainTypes: readonly string[] = [
  'AC97',
  'ES1370',
  'VGA',
  'ahci-generic',
  'amd-iommu',
  'bochs-display',
  'ccid-card-emulated',
  'ccid-card-passthru',
  'cirrus-vga',
  'e1000',
  'e1000e',
  'hda-duplex',
  'hda-micro',
  'hda-output',
  'i6300esb',
  'ib700',
  'ich9-ahci',
  'ich9-intel-hda',
  'ich9-usb-ehci1',
  'ich9-usb-uhci1',
  'ich9-usb-uhci2',
  'ich9-usb-uhci3',
  'ide-cd',
  'ide-hd',
  'igb',
  'intel-hda',
  'intel-iommu',
  'ioh3420',
  'isa-applesmc',
  'isa-debug-exit',
  'isa-debugcon',
  'isa-parallel',
  'isa-serial',
  'ivshmem-doorbell',
  'ivshmem-plain',
  'lsi53c895a',
  'megasas',
  'megasas-gen2',
  'mptsas1068',
  'nec-usb-xhci',
  'nvdimm',
  'nvme',
  'nvme-ns',
  'pc-dimm',
  'pci-bridge',
  'pci-serial',
  'pci-testdev',
  'pcie-pci-bridge',
  'pcie-root-port',
  'piix3-usb-uhci',
  'pvpanic',
  'pvpanic-pci',
  'pvscsi',
  'pxb',
  'pxb-pcie',
  'qemu-xhci',
  'qxl',
  'qxl-vga',
  'ramfb',
  'rtl8139',
  'scsi-block',
  'scsi-cd',
  'scsi-generic',
  'scsi-hd',
  'sdhci-pci',
  'secondary-vga',
  'tpm-crb',
  'tpm-tis',
  'tpm-tis-device',
  'usb-audio',
  'usb-ccid',
  'usb-ehci',
  'usb-host',
  'usb-hub',
  'usb-kbd',
  'usb-mouse',
  'usb-mtp',
  'usb-redir',
  'usb-serial',
  'usb-storage',
  'usb-tablet',
  'usb-wacom-tablet',
  'vfio-pci',
  'vhost-scsi-pci',
  'vhost-user-blk-pci',
  'vhost-user-fs-pci',
  'vhost-user-scsi-pci',
  'vhost-user-vsock-pci',
  'vhost-vsock-pci',
  'virtconsole',
  'virtio-9p-pci',
  'virtio-balloon-pci',
  'virtio-blk-pci',
  'virtio-crypto-pci',
  'virtio-input-host-pci',
  'virtio-iommu-pci',
  'virtio-keyboard-pci',
  'virtio-mem-pci',
  'virtio-mouse-pci',
  'virtio-multitouch-pci',
  'virtio-net-pci',
  'virtio-pmem-pci',
  'virtio-rng-pci',
  'virtio-scsi-pci',
  'virtio-serial-pci',
  'virtio-sound-pci',
  'virtio-tablet-pci',
  'virtserialport',
  'vmcoreinfo',
  'vmgenid',
  'vmware-svga',
  'vmxnet3',
  'x3130-upstream',
  'xio3130-downstream',
];

/**
 * A type made of another one, which may be in a module of its own -> that one. Where it is not installed, QEMU ends
 * (qom/object.c: "missing object type 'virtio-gpu-gl-device'", seen with 7.2 of Debian 12) when asked for the first.
 */
const composedTypes: Readonly<Record<string, string>> = {
  'vhost-user-gpu-pci': 'vhost-user-gpu',
  'vhost-user-vga': 'vhost-user-gpu',
  'virtio-gpu-gl-pci': 'virtio-gpu-gl-device',
  'virtio-gpu-pci': 'virtio-gpu-device',
  'virtio-vga': 'virtio-gpu-device',
  'virtio-vga-gl': 'virtio-gpu-gl-device',
};

/**
 * Which of them a QEMU has. It loads modules by name, so ask it last: a module of another build can end it.
 * @param ask whether each of the given types is there, in their order
 */
export async function deviceTypesOf(
  ask: (types: readonly string[]) => Promise<readonly boolean[]>,
): Promise<Record<string, boolean>> {
  const there = new Set<string>();
  const look = async (types: readonly string[]): Promise<void> => {
    const answers = await ask(types);
    for (const [index, type] of types.entries()) if (answers[index] === true) there.add(type);
  };
  const composed = Object.entries(composedTypes);
  await look([...plainTypes, ...new Set(Object.values(composedTypes))]);
  await look(composed.flatMap(([type, part]) => (there.has(part) ? [type] : [])));
  const types = [...plainTypes, ...Object.keys(composedTypes)].sort();
  return Object.fromEntries(types.map((type) => [type, there.has(type)]));
}

/**
 * What the digest covers, by one rule: what the guest sees, or the migration stream carries, as far as the
 * configuration decides it. Each leaf of `guest` stands here with its reason; `*` is any item or any name.
 */
export const coverage: readonly { readonly path: string; readonly inDigest: boolean; readonly reason: string }[] = [
  { path: '/machine', inDigest: true, reason: 'chipset, firmware tables, and the layout of all migration sections' },
  { path: '/architecture', inDigest: true, reason: 'the instruction set of the guest' },
  {
    path: '/machineOptions/*',
    inDigest: true,
    reason: 'ACPI, interrupt controller and the like: devices of the board',
  },
  { path: '/uuid', inDigest: true, reason: 'SMBIOS and fw_cfg show it to the guest' },
  { path: '/cpu/model', inDigest: true, reason: 'CPUID, or the ID registers; the stream carries the CPU state' },
  { path: '/cpu/count', inDigest: true, reason: 'one migration section for each' },
  { path: '/cpu/sockets', inDigest: true, reason: 'CPUID and ACPI tables show the topology' },
  { path: '/cpu/cores', inDigest: true, reason: 'CPUID and ACPI tables show the topology' },
  { path: '/cpu/threads', inDigest: true, reason: 'CPUID and ACPI tables show the topology' },
  { path: '/memoryBytes', inDigest: true, reason: 'size of the RAM block in the stream' },
  {
    path: '/ramBlock',
    inDigest: true,
    reason: 'name of the RAM block in the stream (system/memory.c: qemu_ram_set_idstr())',
  },
  { path: '/rootPorts/*/id', inDigest: false, reason: 'a label of QEMU and libvirt' },
  { path: '/rootPorts/*/address', inDigest: true, reason: 'PCI topology; migration sections are named by it' },
  { path: '/rootPorts/*/chassis', inDigest: true, reason: 'slot capability in config space' },
  { path: '/rootPorts/*/port', inDigest: true, reason: 'link capability in config space' },
  { path: '/rootPorts/*/multifunction', inDigest: true, reason: 'header type in config space' },
  { path: '/rootPorts/*/properties/*', inDigest: true, reason: 'config space' },
  {
    path: '/interfaces/*/id',
    inDigest: false,
    reason: 'a label of QEMU and libvirt; sections are named by PCI address',
  },
  { path: '/interfaces/*/address', inDigest: true, reason: 'PCI topology; migration sections are named by it' },
  { path: '/interfaces/*/mac', inDigest: true, reason: 'virtio config space' },
  {
    path: '/interfaces/*/queuePairs',
    inDigest: false,
    reason:
      'the vDPA device decides it (net/vhost-vdpa.c: vhost_vdpa_get_max_queue_pairs()); what the configuration decides, mq and vectors, is covered',
  },
  { path: '/interfaces/*/mq', inDigest: true, reason: 'an offered feature' },
  { path: '/interfaces/*/vectors', inDigest: true, reason: 'MSI-X capability and table' },
  { path: '/interfaces/*/pagePerVq', inDigest: true, reason: 'size and layout of the notify BAR' },
  { path: '/interfaces/*/iommuPlatform', inDigest: true, reason: 'an offered feature' },
  { path: '/interfaces/*/packed', inDigest: true, reason: 'an offered feature' },
  { path: '/interfaces/*/rxQueueSize', inDigest: true, reason: 'queue_size register' },
  { path: '/interfaces/*/txQueueSize', inDigest: true, reason: 'queue_size register' },
  { path: '/interfaces/*/mtu', inDigest: true, reason: 'virtio config space, and an offered feature' },
  { path: '/interfaces/*/optionRom', inDigest: true, reason: 'ROM BAR; the ROM is a block in the stream' },
  { path: '/interfaces/*/bootIndex', inDigest: true, reason: 'boot order in fw_cfg' },
  { path: '/interfaces/*/transitional', inDigest: true, reason: 'legacy BAR and PCI device id' },
  { path: '/interfaces/*/properties/*', inDigest: true, reason: 'offered features, capabilities' },
  { path: '/disks/*/id', inDigest: false, reason: 'a label of QEMU and libvirt; sections are named by PCI address' },
  { path: '/disks/*/address', inDigest: true, reason: 'PCI topology; migration sections are named by it' },
  { path: '/disks/*/queues', inDigest: true, reason: 'virtio config space' },
  { path: '/disks/*/readOnly', inDigest: true, reason: 'an offered feature' },
  { path: '/disks/*/bootIndex', inDigest: true, reason: 'boot order in fw_cfg' },
  { path: '/disks/*/transitional', inDigest: true, reason: 'legacy BAR and PCI device id' },
  { path: '/disks/*/properties/*', inDigest: true, reason: 'offered features, geometry, serial number' },
  { path: '/vdpaDevices/*/id', inDigest: false, reason: 'a label of QEMU' },
  { path: '/vdpaDevices/*/address', inDigest: true, reason: 'PCI topology' },
  { path: '/vdpaDevices/*/pagePerVq', inDigest: true, reason: 'size and layout of the notify BAR' },
  { path: '/vdpaDevices/*/iommuPlatform', inDigest: true, reason: 'an offered feature' },
  { path: '/vdpaDevices/*/queueSize', inDigest: true, reason: 'queue_size register' },
  { path: '/vdpaDevices/*/bootIndex', inDigest: true, reason: 'boot order in fw_cfg' },
  { path: '/vdpaDevices/*/transitional', inDigest: true, reason: 'legacy BAR and PCI device id' },
  { path: '/vdpaDevices/*/properties/*', inDigest: true, reason: 'offered features, capabilities' },
  { path: '/otherDevices/*/id', inDigest: false, reason: 'a label of QEMU and libvirt' },
  { path: '/otherDevices/*/driver', inDigest: true, reason: 'another device is another migration section' },
  { path: '/otherDevices/*/address', inDigest: true, reason: 'PCI topology; migration sections are named by it' },
  { path: '/otherDevices/*/properties/*', inDigest: true, reason: 'in case the guest sees it' },
  { path: '/otherOptions/*', inDigest: true, reason: 'firmware, kernel, SMBIOS, NUMA, clock and the like' },
];

const excluded = coverage.filter(({ inDigest }) => !inDigest).map(({ path }) => path.slice(1).split('/'));

/**
 * True where the digest covers the leaf.
 * @param segments of its path in `guest`: [`interfaces`, 0, `mac`]
 */
export function isCovered(segments: readonly (string | number)[]): boolean {
  return !excluded.some(
    (pattern) =>
      pattern.length === segments.length &&
      pattern.every((part, index) => part === '*' || part === String(segments[index])),
  );
}

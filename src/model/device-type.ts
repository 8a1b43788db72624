/** Other names of devices (system/qdev-monitor.c: qdev_alias_table). */
const otherNames: Readonly<Record<string, string>> = {
  ac97: 'AC97',
  ahci: 'ich9-ahci',
  'e1000-82540em': 'e1000',
  es1370: 'ES1370',
  lsi: 'lsi53c895a',
};

/** Devices whose name without `-pci` is another name of the one on PCI; `virtio-vga` is a type of its own. */
const virtio: ReadonlySet<string> = new Set(
  '9p balloon blk gpu gpu-gl gpu-rutabaga input-host iommu keyboard mouse net rng scsi serial sound tablet'
    .split(' ')
    .map((name) => `virtio-${name}`),
);

/** The type (QOM) behind a name of -device: `virtio-net` is virtio-net-pci, `ahci` is ich9-ahci. */
export function deviceTypeOf(name: string): string {
  if (virtio.has(name)) return `${name}-pci`;
  return Object.hasOwn(otherNames, name) ? (otherNames[name] ?? name) : name;
}

/** Other names of devices (system/qdev-monitor.c: qdev_alias_table); those of virtio lose `-pci` alone. */
const otherNames: Readonly<Record<string, string>> = {
  ac97: 'AC97',
  ahci: 'ich9-ahci',
  'e1000-82540em': 'e1000',
  es1370: 'ES1370',
  lsi: 'lsi53c895a',
};

/** The type (QOM) behind a name of -device: `virtio-net` is virtio-net-pci, `ahci` is ich9-ahci. */
export function deviceTypeOf(name: string): string {
  if (Object.hasOwn(otherNames, name)) return otherNames[name] ?? name;
  return /^virtio-[a-z0-9]+$/.test(name) ? `${name}-pci` : name;
}

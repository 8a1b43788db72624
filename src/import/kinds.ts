/** What a text can be that describes a guest. */
export type ConfigurationKind = 'spec' | 'plan' | 'libvirt' | 'qemu-argv' | 'guest-configuration';

export const configurationKinds: readonly ConfigurationKind[] = [
  'spec',
  'plan',
  'libvirt',
  'qemu-argv',
  'guest-configuration',
];

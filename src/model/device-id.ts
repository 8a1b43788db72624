/**
 * The id of a device as a spec has it. libvirt wants aliases that are the user's own to begin with `ua-` (see aliasOf() in
 * render/libvirt-xml.ts), and QEMU then has them as ids.
 */
export function withoutAliasPrefix(id: string): string {
  return id.replace(/^ua-/, '');
}

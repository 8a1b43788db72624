/** A host notifier as QEMU names its memory region. */
export interface NotifierName {
  readonly backend: 'vhost-vdpa' | 'vhost-user';
  readonly virtqueue: number;
}

/**
 * The object name of a host notifier, a child of the virtio backend: `vhost-vdpa\x2fhost-notifier@0x55d0 mmaps\x5b3\x5d[0]`.
 * hw/virtio/vhost-vdpa.c: vhost_vdpa_host_notifier_init(), since QEMU 6.1; hw/virtio/vhost-user.c:
 * vhost_user_backend_handle_vring_host_notifier(). memory_region_do_init() escapes the slash and the brackets. The
 * pointer is that of the vhost_vdpa; the number is the virtqueue's absolute index; the end is QOM's array slot.
 */
export function parseNotifierName(name: string): NotifierName | undefined {
  const match =
    /^(vhost-vdpa|vhost-user)\\x2fhost-notifier@(?:0x[0-9a-f]+|\(nil\)) mmaps\\x5b(\d{1,4})\\x5d\[\d+\]$/.exec(name);
  return match === null ? undefined : of(match[1], match[2]);
}

/** The same, unescaped as `info mtree` prints it. */
export function parseRegionName(name: string): NotifierName | undefined {
  const match = /^(vhost-vdpa|vhost-user)\/host-notifier@(?:0x[0-9a-f]+|\(nil\)) mmaps\[(\d{1,4})\]$/.exec(name);
  return match === null ? undefined : of(match[1], match[2]);
}

/** `vhost-vdpa\x2fhost-notifier@.. mmaps\x5b3\x5d[0]` -> `vhost-vdpa/host-notifier@.. mmaps[3]` */
export function regionNameOf(objectName: string): string {
  return objectName
    .replace(/\[\d+\]$/, '')
    .replace(/\\x([0-9a-f]{2})/g, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
}

function of(backend: string | undefined, index: string | undefined): NotifierName {
  return { backend: backend === 'vhost-user' ? 'vhost-user' : 'vhost-vdpa', virtqueue: Number(index) };
}

/** Of our own elements in libvirt's <metadata>. */
export const ourNamespace = 'https://vdpa-qemu.dev/xmlns/1';

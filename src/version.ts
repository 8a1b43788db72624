declare global {
  var VDPA_QEMU_VERSION: string | undefined;
}

/** This package's version; the build writes it in, an unbuilt tree is 0.0.0. */
export const version: string = globalThis.VDPA_QEMU_VERSION ?? '0.0.0';

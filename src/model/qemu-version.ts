/** A QEMU version as a number that grows with it: 10.0.13 gives 10000013. */
export function versionNumber(version: string): number {
  const [major = 0, minor = 0, micro = 0] = version.split('.').map(Number);
  return major * 1_000_000 + minor * 1000 + micro;
}

/** The version at the end of a versioned machine type, such as pc-q35-10.0, as a number that grows with it. */
export function machineTypeNumber(name: string): number {
  return versionNumber(name.slice(name.lastIndexOf('-') + 1));
}

/** The older of two QEMU versions. */
export function olderVersion(a: string, b: string): string {
  return versionNumber(a) <= versionNumber(b) ? a : b;
}

/** 10.0.13 -> 10.0: within it nothing of the stream may change. */
export function minorVersion(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}

/** True from QEMU `since` on, such as `8.2`. */
export function isSince(version: string, since: string): boolean {
  return versionNumber(version) >= versionNumber(since);
}

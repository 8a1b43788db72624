import { VdpaQemuError } from '../model/error.ts';

/** The largest text that is read, in characters: a plan of hundreds of devices has some 100 KB. */
export const maxConfigurationBytes = 4 << 20;

/** A real command line has hundreds of words; ARG_MAX would hold about this many. */
export const maxWords = 100_000;
/** A real guest has some hundreds of options and some tens of devices; to compare devices takes time. */
export const maxOptions = 4096;
export const maxDevices = 1024;
/** Of all options together: some tens for each device. */
export const maxProperties = 40_000;

/** @throws VdpaQemuError bad-input where a text is too large to be read */
export function refuseLarge({ length }: string, label: string): void {
  if (length > maxConfigurationBytes) {
    throw new VdpaQemuError('bad-input', `${label}: larger than ${maxConfigurationBytes} bytes`);
  }
}

/** @throws VdpaQemuError bad-input where there are more of something than a guest has */
export function refuseMore(count: number, most: number, what: string, label: string): void {
  if (count > most) throw new VdpaQemuError('bad-input', `${label}: more than ${most} ${what}`);
}

/** PCI has 256 buses, and with PCI Express each device has one of its own. */
const maxVdpaDevices = 256;
/** Devices by destinations: ten thousand hosts for a guest with two, a second of time. */
const maxPairs = 20_000;

/** @throws VdpaQemuError bad-input where to check a migration would take minutes, and be of no guest that there is */
export function refuseManyPairs(vdpaDevices: number, destinations: number): void {
  if (vdpaDevices > maxVdpaDevices) {
    throw new VdpaQemuError(
      'bad-input',
      `a guest with ${vdpaDevices} vDPA devices: PCI has room for ${maxVdpaDevices}`,
    );
  }
  if (vdpaDevices * destinations > maxPairs) {
    const message = `${vdpaDevices} vDPA devices on ${destinations} destinations: check no more than ${Math.floor(maxPairs / vdpaDevices)} of them in one run`;
    throw new VdpaQemuError('bad-input', message);
  }
}

import { VdpaQemuError } from '../model/error.ts';

/** The largest text that is read, in characters: a plan of hundreds of devices has some 100 KB. */
export const maxConfigurationBytes = 4 << 20;

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

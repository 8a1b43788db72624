import type { HostReport } from '../model/generated/host-report.ts';
import { fromOptions, type Imported } from './from-options.ts';
import { architectureOf, commandLineOf } from './qemu-options.ts';
import type { Word } from './word.ts';

/**
 * What a QEMU command line shows to the guest.
 * @throws VdpaQemuError bad-input where there are more options, or devices, than a guest has
 */
export function fromQemuArgv(words: readonly Word[], label: string, reports: readonly HostReport[] = []): Imported {
  const { emulator, options, complaints, incomplete } = commandLineOf(words, label);
  const imported = fromOptions({
    origin: 'qemu-argv',
    options,
    emulator,
    architecture: architectureOf(emulator),
    incomplete,
    reports,
  });
  return { ...imported, complaints: [...complaints, ...imported.complaints] };
}

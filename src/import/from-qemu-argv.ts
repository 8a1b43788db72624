import type { HostReport } from '../model/generated/host-report.ts';
import { fromOptions, type Imported } from './from-options.ts';
import { architectureOf, commandLineOf } from './qemu-options.ts';
import type { Word } from './words.ts';

/** What a QEMU command line shows to the guest. */
export function fromQemuArgv(words: readonly Word[], reports: readonly HostReport[] = []): Imported {
  const { emulator, options, complaints } = commandLineOf(words);
  const imported = fromOptions({
    origin: 'qemu-argv',
    options,
    emulator,
    architecture: architectureOf(emulator),
    reports,
  });
  return { ...imported, complaints: [...complaints, ...imported.complaints] };
}

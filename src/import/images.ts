import type { GuestConfiguration } from '../model/generated/guest-configuration.ts';
import { isReadOnly } from './drive.ts';
import { knownText, type Option } from './option.ts';
import { booleanOf } from './option-values.ts';

type Image = NonNullable<GuestConfiguration['binding']['images']>[number];

/** Options that stand for -drive with their argument as its file. */
const short: ReadonlySet<string> = new Set(['hda', 'hdb', 'hdc', 'hdd', 'sd', 'mtdblock', 'fda', 'fdb']);

/** What is known of the images of disks: their format, and whether what is written to them stays. */
export function imagesOf(options: readonly Option[]): Image[] {
  const all = options.some(({ name }) => name === 'snapshot');
  return options.flatMap((option): Image[] => {
    if (option.name === 'blockdev') return ofBlockdev(option);
    if (option.name === 'drive') return ofDrive(option, all);
    return short.has(option.name) ? [{ name: null, file: option.text, ...formatOf(option.text), temporary: all }] : [];
  });
}

/** A node that lies upon another has a format, or filters; of vvfat, a directory as a disk, the writable alone counts. */
function ofBlockdev(option: Option): Image[] {
  const format = knownText(option, 'driver');
  if (format === undefined || (format === 'vvfat' && !isOn(option, 'rw'))) return [];
  const upon = ['file', 'file.driver', 'file.filename', 'file.node-name'].some((name) => option.values.has(name));
  if (!upon && format !== 'vvfat') return [];
  const file = knownText(option, 'file.filename') ?? null;
  return [{ name: knownText(option, 'node-name') ?? null, file, format, temporary: isOn(option, 'snapshot') }];
}

/** Flash is read into memory, and nothing is written to what is read-only. */
function ofDrive(option: Option, all: boolean): Image[] {
  const kind = knownText(option, 'if');
  const file = knownText(option, 'file') ?? knownText(option, 'file.filename') ?? null;
  const found = formatOf(file ?? '');
  const format = found.format ?? knownText(option, 'format') ?? knownText(option, 'driver') ?? null;
  // what is wrong with the option is said where the disk is read
  const readOnly = kind === 'pflash' || isReadOnly(option, () => undefined) === true;
  const own = option.values.get('snapshot');
  const temporary = !readOnly && (own === undefined ? all : isOn(option, 'snapshot'));
  return file === null && format === null ? [] : [{ name: knownText(option, 'id') ?? null, file, format, temporary }];
}

/** `fat:rw:/directory` (block/vvfat.c: vvfat_parse_filename()). */
function formatOf(file: string): Pick<Image, 'format'> {
  return { format: /^fat:(?:[a-z0-9]+:)*rw:/.test(file) ? 'vvfat' : null };
}

function isOn(option: Option, name: string): boolean {
  const value = option.values.get(name);
  return (typeof value === 'string' || typeof value === 'boolean') && booleanOf(value) === true;
}

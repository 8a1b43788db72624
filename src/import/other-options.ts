import { isUnknown, unknown, type Fact } from '../model/fact.ts';
import type { Unknown } from '../model/generated/guest-configuration.ts';
import { markOf } from './content-mark.ts';
import { backendBytes, objectOf } from './memory.ts';
import { hasWriteCache, isReadOnly } from './drive.ts';
import { knownText, type Complaint, type Option } from './option.ts';
import { shortGlobal } from './settings.ts';
import { optionTable } from './option-table.ts';
import { canonical, type Scalar } from './option-values.ts';

/** Keys of options that only the host sees, or that say nothing: base and clock of -rtc only set the clock at power-on. */
const hostKeys: Readonly<Record<string, readonly string[]>> = { rtc: ['base', 'clock'] };

/**
 * `-global ICH9-LPC.noreboot=off` is what libvirt from 9.1 on writes for the watchdog of q35; it is the default
 * from 8.0 on (pc_compat_7_2).
 */
const usualGlobals: ReadonlyMap<string, number> = new Map([
  ['ICH9-LPC.noreboot=off', 800],
  ['ICH9-LPC.noreboot=false', 800],
]);

/**
 * The options that the guest sees and that nothing else here reads: option -> its arguments, in their order. Arguments
 * of key=value form have sorted keys. `default-devices` stands where -nodefaults is missing: QEMU then adds a NIC, a VGA
 * adapter, a serial port and drives by its own choice. An option that is not known, or whose content is in another file,
 * is unknown, with the mark of its text.
 */
export function otherOptionsOf(
  options: readonly Option[],
  version: number | undefined,
  complain: (complaint: Complaint) => void,
): Record<string, string[] | Unknown> {
  const kept = new Map<string, string[]>();
  const strange = new Map<string, string[]>();
  const put = (to: Map<string, string[]>, name: string, text: string): void => {
    to.set(name, [...(to.get(name) ?? []), text]);
  };
  const failed = new Map<string, Unknown>();
  const withDefaults = !options.some(({ name }) => name === 'nodefaults');
  if (withDefaults) put(kept, 'default-devices', 'on');
  const said = merged(options);
  const serial = said.filter(({ name }) => name === 'serial');
  const isNone = (name: string): boolean =>
    !withDefaults && noneSays.has(name) && said.every((option) => option.name !== name || option.text === 'none');
  const takesDefaultAway = withDefaults && serial.every(({ text }) => text === 'none');
  for (const option of said) {
    const { name } = option;
    const text = name === 'global' ? shortGlobal(option.text) : option.text;
    const use = optionTable.get(name)?.use;
    // an object with a member `unknown` would itself be taken for one
    if (use === undefined) put(strange, name === 'unknown' ? `-${name}` : name, text);
    else if (name === 'readconfig') failed.set(name, unknown('not-asked', `what is in ${text} is not known`));
    else if (name === 'global') {
      const from = usualGlobals.get(text);
      // said twice it says no more
      const told = kept.get(name)?.at(-1) === text;
      if (!told && (from === undefined || version === undefined || version < from)) put(kept, name, text);
    } else if (name === 'serial') {
      // it takes the default serial port away
      if (takesDefaultAway && kept.get(name) === undefined) put(kept, name, text);
    } else if (Object.hasOwn(sorted, name)) {
      const words = sorted[name]?.(option, said, complain) ?? '';
      if (isUnknown(words)) failed.set(name, words);
      else if (words !== '') put(kept, name, words);
    } else if (use === 'keep' && !isNone(name)) put(kept, name, name === 'smbios' ? sortedSmbios(text) : text);
  }
  for (const [name, texts] of strange) failed.set(name, unknown('not-supported', notKnown(name, texts)));
  const found: [string, string[] | Unknown][] = [...kept, ...failed];
  return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Options whose `none` says nothing beside -nodefaults, where nothing else is said. */
const noneSays: ReadonlySet<string> = new Set(['net', 'nic', 'parallel', 'vga']);

/** Options of which there is one, whatever the number of arguments: of a property the last counts (system/vl.c). */
const single: ReadonlySet<string> = new Set(['boot', 'rtc']);

function merged(options: readonly Option[]): Option[] {
  const first = new Map<string, Option>();
  for (const option of options.filter(({ name }) => single.has(name))) {
    const { values = [] } = first.get(option.name) ?? {};
    first.set(option.name, { ...option, values: new Map([...values, ...option.values]) });
  }
  return [...options.filter(({ name }) => !single.has(name)), ...first.values()];
}

/**
 * Fields of one SMBIOS structure in one order; where one stands twice (`value=` of type 11) or a file is named, as
 * written.
 */
function sortedSmbios(text: string): string {
  const parts = text.split(',');
  const names = parts.map((part) => part.split('=', 1)[0] ?? '');
  const asWritten = text.includes(',,') || names.includes('file') || new Set(names).size < names.length;
  return asWritten ? text : parts.sort().join(',');
}

/** Keys of options -> what they say where they are not given (hw/nvram/fw_cfg.c, system/bootdevice.c, system/vl.c: configure_rtc()). */
const usualValues: Readonly<Record<string, Readonly<Record<string, Scalar>>>> = {
  boot: { menu: false, strict: false },
  rtc: { driftfix: 'none' },
};

/** Options of key=value form -> what the guest sees of one, with sorted keys; empty: nothing. */
const sorted: Readonly<
  Record<string, (option: Option, options: readonly Option[], complain: (complaint: Complaint) => void) => Fact<string>>
> = {
  boot: sortedText,
  rtc: sortedText,
  drive: ofDrive,
  numa: ofNode,
};

/** What of -drive is a guest device: `if=none` is read with the device, and flash with the machine. */
const driveKeys: ReadonlySet<string> = new Set(['if', 'index', 'bus', 'unit', 'media', 'snapshot']);

function ofDrive(option: Option, _: readonly Option[], complain: (complaint: Complaint) => void): Fact<string> {
  const kind = option.values.get('if');
  if (kind === 'none' || kind === 'pflash') return '';
  const seen = new Map([...option.values].filter(([key]) => driveKeys.has(key)));
  const [readOnly, cache] = [isReadOnly(option, complain), hasWriteCache(option, complain)];
  if (readOnly !== false && seen.get('media') !== 'cdrom') seen.set('read-only', readOnly);
  if (cache !== true) seen.set('write-cache', cache);
  return sortedText({ ...option, values: seen }) || 'if=default';
}

/** A node with memory of its own: the backend is a RAM block of the stream. */
function ofNode(option: Option, options: readonly Option[]): Fact<string> {
  const text = sortedText(option);
  const memdev = knownText(option, 'memdev');
  if (memdev === undefined || isUnknown(text)) return text;
  const backend = objectOf(options, memdev);
  const size = backend ? backendBytes(backend) : unknown('not-present', `there is no -object with id ${memdev}`);
  return isUnknown(size) ? size : `${text},memdev.size=${size}`;
}

function notKnown(name: string, texts: readonly string[]): string {
  return `whether the guest sees -${`${name} ${texts.join(' ')}`.trim().slice(0, 200)} is not known (${markOf(JSON.stringify(texts))})`;
}

function sortedText({ name, values }: Option): Fact<string> {
  const parts: string[] = [];
  for (const [key, value] of [...values].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (isUnknown(value)) return value;
    if ((hostKeys[name] ?? []).includes(key) || usualValues[name]?.[key] === canonical(value)) continue;
    parts.push(`${key}=${word(canonical(value) as Scalar)}`);
  }
  return parts.join(',');
}

function word(value: Scalar): string {
  return typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value);
}

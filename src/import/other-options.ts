import { isUnknown, unknown, type Fact } from '../model/fact.ts';
import type { Unknown } from '../model/generated/guest-configuration.ts';
import type { Option } from './option.ts';
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
 * adapter, a serial port and drives by its own choice.
 * @returns unknown where an option is not known, or its content is in another file
 */
export function otherOptionsOf(
  options: readonly Option[],
  version: number | undefined,
): Record<string, string[]> | Unknown {
  const kept = new Map<string, string[]>();
  const keep = (name: string, text: string): void => {
    kept.set(name, [...(kept.get(name) ?? []), text]);
  };
  if (!options.some(({ name }) => name === 'nodefaults')) keep('default-devices', 'on');
  for (const option of options) {
    const { name, text, values } = option;
    const rule = optionTable.get(name);
    if (!rule)
      return unknown('not-supported', text === '' && values.size === 0 ? notKnown(name) : notKnown(`${name} ${text}`));
    if (name === 'readconfig') return unknown('not-asked', `-readconfig ${text}: what is in that file is not known`);
    if (name === 'global') {
      const from = usualGlobals.get(text);
      // said twice it says no more
      const told = kept.get(name)?.at(-1) === text;
      if (!told && (from === undefined || version === undefined || version < from)) keep(name, text);
      continue;
    }
    if (name === 'boot' || name === 'rtc' || name === 'numa') {
      const sorted = sortedText(option);
      if (isUnknown(sorted)) return sorted;
      if (sorted !== '') keep(name, sorted);
    } else if (rule.use === 'keep') keep(name, text);
  }
  return Object.fromEntries([...kept].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function notKnown(option: string): string {
  return `whether the guest sees -${option.slice(0, 200)} is not known`;
}

function sortedText({ name, values }: Option): Fact<string> {
  const parts: string[] = [];
  for (const [key, value] of [...values].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (isUnknown(value)) return value;
    if ((hostKeys[name] ?? []).includes(key)) continue;
    parts.push(`${key}=${word(canonical(value) as Scalar)}`);
  }
  return parts.join(',');
}

function word(value: Scalar): string {
  return typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value);
}

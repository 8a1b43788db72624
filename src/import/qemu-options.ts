import path from 'node:path';
import type { Fact } from '../model/fact.ts';
import { printable, unknown } from '../model/fact.ts';
import { FirstOfEach } from '../model/first-of-each.ts';
import { maxDevices, maxOptions, maxProperties, refuseMore } from './limits.ts';
import type { Complaint, Option } from './option.ts';
import { aliases, optionTable } from './option-table.ts';
import { MalformedOption, parseOptionValues, type OptionValues } from './option-values.ts';
import { withNics } from './nic-option.ts';
import { withSettings } from './settings.ts';
import { asWritten, isUnexpanded, unexpanded, unexpandedValues } from './unexpanded.ts';
import type { Word } from './word.ts';

/** A QEMU command line, read. */
export interface CommandLine {
  /** null: the text begins with an option */
  readonly emulator: string | null;
  readonly options: readonly Option[];
  /** number of the word that each option begins with, also of those that cannot be read or say the same as another */
  readonly starts: readonly number[];
  readonly complaints: readonly Complaint[];
  /** why some of its options are not here */
  readonly incomplete: string | undefined;
}

const none: OptionValues = new Map();

/**
 * The options of a command line. What stands before QEMU's name (environment, prlimit, sudo) is passed over.
 * An option that cannot be read is a complaint of severity error.
 * @param label of the command line, for messages
 * @throws VdpaQemuError bad-input where there are more options, or devices, than a guest has
 */
export function commandLineOf(words: readonly Word[], label: string): CommandLine {
  const start = emulatorAt(words);
  const options: Option[] = [];
  const starts: number[] = [];
  const complaints = new FirstOfEach<Complaint>();
  let incomplete: string | undefined;
  const missing = (text: string, place: Word['place']): void => {
    const { detail } = unexpanded(text);
    incomplete ??= detail;
    complaints.add(notExpanded, () => ({ ...notExpanded, message: printable(detail), place }));
  };
  for (let at = start + 1; at < words.length; at++) {
    const word = words[at];
    if (!word) break;
    const { text, place } = word;
    if (isUnexpanded(text)) {
      missing(text, place);
      continue;
    }
    if (!text.startsWith('-') || text === '-') {
      complaints.add(stray, () => strayWord(text, word));
      continue;
    }
    starts.push(at + 1);
    const given = text.replace(/^--?/, '');
    const name = (Object.hasOwn(aliases, given) ? aliases[given] : undefined) ?? given;
    const rule = optionTable.get(name);
    const next = words[at + 1];
    if (!rule) {
      complaints.add(unknownKind, () => unknownOption(text, word));
      const takes = next !== undefined && !next.text.startsWith('-');
      if (takes) at++;
      options.push({ name, values: none, text: takes ? asWritten(next.text) : '', place });
      continue;
    }
    if (!rule.argument) {
      options.push({ name, values: none, text: '', place });
      continue;
    }
    if (!next) {
      complaints.add(noArgument, () => ({ ...noArgument, message: `-${given} needs an argument`, place }));
      break;
    }
    at++;
    const values = rule.use === 'read' && rule.implied !== null ? valuesOf(next.text, rule.implied) : none;
    if (rule.use !== 'host' && isUnexpanded(next.text)) {
      const known = values instanceof MalformedOption ? undefined : unexpandedValues(name, values, next.text);
      if (known) {
        const message = `-${given} ${printable(unexpanded(next.text).detail)}`;
        complaints.add(notExpanded, () => ({ ...notExpanded, message, place }));
        options.push({ name, values: known, text: '', place });
      } else missing(`-${given} ${next.text}`, place);
    } else if (values instanceof MalformedOption) {
      complaints.add(malformed, () => ({ ...malformed, message: `-${given} ${values.message}`, place }));
    } else options.push({ name, values, text: asWritten(next.text), place });
  }
  if (incomplete !== undefined) options.push(...untold(options, incomplete));
  refuseMore(options.length, maxOptions, 'options', label);
  refuseMore(options.filter(({ name }) => name === 'device').length, maxDevices, 'devices', label);
  const properties = options.reduce((sum, { values }) => sum + values.size, 0);
  refuseMore(properties, maxProperties, 'properties', label);
  const complain = (complaint: Complaint): void => complaints.add(complaint, () => complaint);
  const changed = withSettings(withNics(options, complain), complain);
  const emulator = words[start]?.text ?? null;
  return {
    emulator: emulator !== null && isUnexpanded(emulator) ? null : emulator,
    options: changed,
    starts,
    complaints: complaints.list(),
    incomplete,
  };
}

/** What QEMU has a default for, and may be among the options that are not here. */
function untold(options: readonly Option[], detail: string): Option[] {
  const properties = { machine: 'type', m: 'size', smp: 'cpus', cpu: 'model', uuid: 'uuid' };
  const missing = Object.entries(properties).filter(([name]) => !options.some((option) => option.name === name));
  return missing.map(([name, property]) => ({
    name,
    values: new Map([[property, unknown('not-expanded', detail)]]),
    text: '',
    place: {},
  }));
}

function valuesOf(text: string, implied: string | undefined): OptionValues | MalformedOption {
  try {
    return parseOptionValues(text, implied);
  } catch (thrown) {
    if (thrown instanceof MalformedOption) return thrown;
    throw thrown;
  }
}

/** Index of QEMU's own name; -1 where the text begins with an option. */
function emulatorAt(words: readonly Word[]): number {
  if (words[0]?.text.startsWith('-') !== false) return -1;
  const named = words.findIndex(({ text }) => /^qemu-(?:system-[a-z0-9_]+|kvm)$/.test(path.posix.basename(text)));
  return Math.max(0, named);
}

const stray = { code: 'import.stray-word', severity: 'error' } as const;
const noArgument = { code: 'import.no-argument', severity: 'error' } as const;
const malformed = { code: 'import.malformed-option', severity: 'error' } as const;
const notExpanded = { code: 'import.not-expanded', severity: 'warning' } as const;
const unknownKind = { code: 'import.option-unknown', severity: 'warning' } as const;

function strayWord(text: string, { place }: Word): Complaint {
  const word = printable(JSON.stringify(text.slice(0, 100)));
  return { ...stray, message: `${word} is no option, nor does one before it take it`, place };
}

function unknownOption(text: string, { place }: Word): Complaint {
  const option = printable(text.slice(0, 100));
  const message = `${option} is no option that is known here: whether the guest sees it cannot be said`;
  return { ...unknownKind, message, place };
}

/** The architecture that a QEMU emulates, by its name. */
export function architectureOf(emulator: string | null): Fact<string> {
  const match = /^qemu-system-([a-z0-9_]+)$/.exec(path.posix.basename(emulator ?? ''));
  return match?.[1] ?? unknown('not-present', 'the name of the QEMU binary does not tell the architecture');
}

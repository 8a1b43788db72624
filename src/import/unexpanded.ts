import { unknown, type Fact } from '../model/fact.ts';
import type { Unknown } from '../model/generated/host-report.ts';
import type { OptionValues, Scalar } from './option-values.ts';

/**
 * Stands before what a shell would have replaced: `mac=$MAC` is read as `mac=`, the mark and `$MAC`. A noncharacter,
 * which no property of QEMU has.
 */
export const unexpandedMark = '\uffff';

export function isUnexpanded(text: string): boolean {
  return text.includes(unexpandedMark);
}

/** The text as it was written. */
export function asWritten(text: string): string {
  return text.replaceAll(unexpandedMark, '');
}

export function unexpanded(text: string): Unknown {
  return unknown('not-expanded', `${asWritten(text).slice(0, 100)}: what a shell makes of it is not in the text`);
}

/** Without it, nothing else of such an option can be understood. */
const decisive: Readonly<Record<string, string>> = {
  device: 'driver',
  netdev: 'type',
  blockdev: 'driver',
  object: 'qom-type',
  numa: 'type',
};

/** Options whose argument is one text, and the property under which its importer looks for an unknown one. */
const whole: Readonly<Record<string, string>> = { uuid: 'uuid', cpu: 'model' };

/**
 * The properties of an option, with those unknown that a shell would have filled in.
 * @returns undefined where it is not even known which properties there are
 */
export function unexpandedValues(name: string, values: OptionValues, text: string): OptionValues | undefined {
  const only = Object.hasOwn(whole, name) ? whole[name] : undefined;
  if (only !== undefined) return new Map([[only, unexpanded(text)]]);
  const kind = Object.hasOwn(decisive, name) ? values.get(decisive[name] ?? '') : '';
  const names = [...values.keys()];
  if (names.length === 0 || names.some(isUnexpanded) || (typeof kind === 'string' && isUnexpanded(kind))) {
    return undefined;
  }
  return new Map(
    [...values].map(([key, value]): [string, Fact<Scalar>] => [
      key,
      typeof value === 'string' && isUnexpanded(value) ? unexpanded(value) : value,
    ]),
  );
}

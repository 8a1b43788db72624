import type { Option } from '../../import/option.ts';
import { optionKinds, type ValidationRule } from '../rule.ts';
import { atOption, quoted } from './hits.ts';

const isReadconfig = ({ name }: Option): boolean => name === 'readconfig';

/** False: more options stand in a file of -readconfig, and nothing can be said to be missing. */
export function isComplete(options: readonly Option[]): boolean {
  return !options.some(isReadconfig);
}

/** What is not in the document. */
export const unreadRules: readonly ValidationRule[] = [
  {
    code: 'validate.not-read',
    severity: 'warning',
    appliesTo: optionKinds,
    asks: 'do all options stand in the document?',
    source: 'QEMU system/vl.c: qemu_read_config_file()',
    check: ({ options }) =>
      options
        .filter(isReadconfig)
        .map((option) =>
          atOption(
            option,
            `not read: ${quoted(option.text)}; machine, devices and netdevs in that file are not checked`,
          ),
        ),
  },
];

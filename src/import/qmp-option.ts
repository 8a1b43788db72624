import type { Fact } from '../model/fact.ts';
import type { Option } from './option.ts';
import type { Scalar } from './option-values.ts';

/** An option made of what a running QEMU says of itself; it has no place in a text. */
export function option(name: string, values: Iterable<readonly [string, Fact<Scalar>]>, text = ''): Option {
  return { name, values: new Map(values), text, place: {} };
}

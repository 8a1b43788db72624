import { booleanOf, type Scalar } from '../../import/option-values.ts';
import { isUnknown, type Fact } from '../../model/fact.ts';

/**
 * Whether a value fits the type that QEMU tells of a property: `bool`, `uint16`, `int` .. Types that are not told apart
 * here (enumerations, sizes, links, and `addr`, which is an int32 that is written as SLOT.FUNCTION) take anything.
 * @param isJson in JSON a number is no text, and on is no bool (qapi/qobject-input-visitor.c)
 * @returns `NAME a uint16; got ..`, undefined: it fits
 */
export function valueProblem(name: string, value: Fact<Scalar>, type: string, isJson: boolean): string | undefined {
  if (isUnknown(value) || name === 'addr') return undefined;
  const got = `; got ${JSON.stringify(value).slice(0, 100)}`;
  if (type === 'bool' || type === 'boolean') {
    const fits = isJson ? typeof value === 'boolean' : booleanOf(value) !== undefined;
    return fits ? undefined : `${name} ${isJson ? 'true or false' : 'on or off'}${got}`;
  }
  const range = rangeOf(type);
  if (!range) return undefined;
  const number = isJson && typeof value !== 'number' ? undefined : wholeNumber(value);
  const fits = number !== undefined && number >= range[0] && number <= range[1];
  return fits ? undefined : `${name} a whole number from ${range[0]} to ${range[1]}${got}`;
}

function rangeOf(type: string): readonly [bigint, bigint] | undefined {
  const [, unsigned, bits] = /^(u?)int(8|16|32|64)?$/.exec(type) ?? [];
  if (unsigned === undefined) return undefined;
  // QAPI's `int` is an int64
  const width = BigInt(bits ?? '64');
  return unsigned === 'u' ? [0n, (1n << width) - 1n] : [-(1n << (width - 1n)), (1n << (width - 1n)) - 1n];
}

/** As strtoll() with base 0 reads it (util/cutils.c: qemu_strtoi64()). */
function wholeNumber(value: Scalar): bigint | undefined {
  const match = /^([+-]?)(0[xX][0-9a-fA-F]{1,16}|0[0-7]{1,22}|[0-9]{1,20})$/.exec(String(value));
  if (!match) return undefined;
  const [, sign, digits = ''] = match;
  const number = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits}` : digits);
  return sign === '-' ? -number : number;
}

import type { HostSample, Limit } from '../model/generated/baseline.ts';
import { featureSet, type FeatureVocabulary } from '../model/virtio-features.ts';
import { hostsText, type HostTable, type Tally } from './tally.ts';

/** The smallest of a property's values, and which hosts have no more. */
export function smallest(
  property: string,
  unit: string,
  values: Tally<number | undefined>,
  table: HostTable,
): { readonly value: number | undefined; readonly limits: Limit[]; readonly unknown: HostSample } {
  const unknown = table.sample(values.hostsWhere((value) => value === undefined));
  const known = values.values.filter((value) => value !== undefined);
  if (known.length === 0) return { value: undefined, limits: [], unknown };
  const value = Math.min(...known);
  const best = Math.max(...known);
  if (value === best) return { value, limits: [], unknown };
  const hosts = table.sample(values.hostsWhere((one) => one === value));
  const message = `${property} is ${value}${unit} because of ${hostsText(hosts)}; others have up to ${best}`;
  return { value, limits: [{ property, value, best, hosts, message }], unknown };
}

/** The features that all have, and for each that only some have, who lacks it. */
export function commonFeatures(
  words: Tally<string | undefined>,
  vocabulary: FeatureVocabulary,
  table: HostTable,
): { readonly common: bigint | undefined; readonly limits: Limit[]; readonly unknown: HostSample } {
  const unknown = table.sample(words.hostsWhere((word) => word === undefined));
  const bitsByWord = new Map(
    words.values.flatMap((word) => (word === undefined ? [] : [[word, BigInt(word)] as const])),
  );
  const known = [...bitsByWord.values()];
  if (known.length === 0) return { common: undefined, limits: [], unknown };
  const common = known.reduce((all, word) => all & word);
  const partial = known.reduce((all, word) => all | word, 0n) & ~common;
  const limits = bitsOf(partial).map((bit): Limit => {
    const [name = ''] = featureSet(bit, vocabulary).names;
    const lacking = new Set([...bitsByWord].flatMap(([word, bits]) => ((bits & bit) === 0n ? [word] : [])));
    const hosts = table.sample(words.hostsWhere((word) => word !== undefined && lacking.has(word)));
    return {
      property: name,
      value: false,
      best: true,
      hosts,
      message: `${name} is not offered on ${hostsText(hosts)}`,
    };
  });
  return { common, limits, unknown };
}

function bitsOf(word: bigint): bigint[] {
  const found: bigint[] = [];
  for (let bit = 1n; bit <= word; bit <<= 1n) if ((word & bit) !== 0n) found.push(bit);
  return found;
}

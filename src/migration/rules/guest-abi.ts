import { isKnown } from '../../model/fact.ts';
import { differencesOf, type Difference } from '../differences.ts';
import { featureSwitches } from '../features.ts';
import { guestAbiRows, type Row } from '../guest-abi-rows.ts';
import type { Migration, Pair } from '../migration.ts';
import type { Hit, MigrationRule } from '../rule.ts';

/** Of a NIC over vDPA: decided by the vDPA device, or a feature; other rules speak of them. */
const elsewhere = new RegExp(
  `^/interfaces/\\*/(queuePairs|iommuPlatform|packed|properties/(?!rss$|hash$)(${[...featureSwitches].join('|')}))$`,
);

/** The guest ABI of both configurations, leaf by leaf: libvirt accepts many of these differences without a word. */
export const guestAbiRules: readonly MigrationRule[] = guestAbiRows.map((row) => ({
  code: row.code,
  severity: row.severity,
  effect: row.effect,
  asks: `with --with: is it the same? ${row.what}`,
  source: row.source,
  check: (migration) =>
    differencesIn(migration).flatMap((difference) => (rowOf(difference) === row ? hitsOf(row, difference) : [])),
}));

const differences = new WeakMap<Migration, Difference[]>();

function differencesIn(migration: Migration): Difference[] {
  const { source, target } = migration;
  if (!target) return [];
  const known = differences.get(migration);
  if (known) return known;
  const overVdpa = new Set(migration.pairs.map(({ guest }) => guest));
  const found = differencesOf(source.guest, target.guest).filter(
    (difference) => !(isElsewhere(difference) && overVdpa.has(difference.device as Pair['guest'])),
  );
  differences.set(migration, found);
  return found;
}

function isElsewhere({ field, before, after }: Difference): boolean {
  if (field.endsWith('/vectors')) return !isKnown(before) && !isKnown(after);
  return elsewhere.test(field) || (field.endsWith('/mtu') && after === null);
}

function rowOf(difference: Difference): Row | undefined {
  return guestAbiRows.find(({ fields, about }) => fields.test(difference.field) && (about?.(difference) ?? true));
}

function hitsOf(row: Row, difference: Difference): Hit[] {
  const { path, label, before, after } = difference;
  if (!isKnown(before) || !isKnown(after)) {
    const where = isKnown(before) ? 'of the destination' : isKnown(after) ? 'of the source' : 'of either end';
    const { detail } = (isKnown(before) ? after : before) as { detail: string };
    return [{ path, unknown: true, message: `${label} ${where} is not known: ${detail}` }];
  }
  const holds = row.holds?.(difference) ?? true;
  if (holds === false) return [];
  const message = `${label} is ${shown(before)} at the source and ${shown(after)} at the destination: ${row.why}`;
  return [
    {
      path,
      message,
      unknown: holds === 'unknown' || row.effect === 'unknown',
      evidence: { source: before, destination: after },
    },
  ];
}

function shown(value: string | number | boolean | null): string {
  return value === null ? 'not there' : String(value);
}

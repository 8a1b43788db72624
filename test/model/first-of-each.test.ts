import { expect, test } from 'vitest';
import { firstOfEach, FirstOfEach, mostOfEach } from '../../src/model/first-of-each.ts';

interface Item {
  readonly code: string;
  readonly severity: string;
  readonly message: string;
  readonly fix?: string;
}

const items = (count: number, code = 'a.b', severity = 'error'): Item[] =>
  Array.from({ length: count }, (_, n) => ({ code, severity, message: `no. ${n}`, fix: 'do' }));

test('a hundred, and one that is told instead of counted', () => {
  expect(firstOfEach(items(mostOfEach))).toEqual(items(mostOfEach));
  expect(firstOfEach(items(mostOfEach + 1))).toEqual(items(mostOfEach + 1));
});

test('the rest is one finding of the same kind, without what was said of one of them', () => {
  const cut = firstOfEach(items(500));
  expect(cut.slice(0, mostOfEach)).toEqual(items(mostOfEach));
  expect(cut.slice(mostOfEach)).toEqual([
    { code: 'a.b', severity: 'error', message: '400 more of this kind: only the first 100 are told' },
  ]);
});

test('a list can be cut twice', () => {
  const cut = firstOfEach(items(500));
  expect(firstOfEach(cut)).toEqual(cut);
});

test('each code and severity by itself, in the order in which they came', () => {
  const mixed = [...items(500, 'a.b', 'info'), ...items(1), ...items(1, 'c.d'), ...items(500, 'a.b', 'info')];
  const cut = firstOfEach(mixed);
  expect(cut).toHaveLength(mostOfEach + 3);
  expect(cut[mostOfEach]?.message).toBe('900 more of this kind: only the first 100 are told');
  expect(cut.slice(mostOfEach + 1)).toEqual([...items(1), ...items(1, 'c.d')]);
});

test('what is not kept is not made', () => {
  const first = new FirstOfEach<Item>();
  let made = 0;
  for (const item of items(10_000)) {
    first.add(item, () => {
      made++;
      return item;
    });
  }
  expect(made).toBe(mostOfEach + 1);
  expect(first.list()).toHaveLength(mostOfEach + 1);
});

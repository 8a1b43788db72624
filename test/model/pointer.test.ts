import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fieldOf, pointerOf, segmentsOf } from '../../src/model/pointer.ts';

describe('RFC 6901', () => {
  test.each<[segments: (string | number)[], pointer: string]>([
    [[], ''],
    [[''], '/'],
    [['interfaces', 0, 'queuePairs'], '/interfaces/0/queuePairs'],
    [['a/b', 'm~n'], '/a~1b/m~0n'],
    [['~1', '~01'], '/~01/~001'],
  ])('%j is %s', (segments, pointer) => {
    expect(pointerOf(segments)).toBe(pointer);
    expect(segmentsOf(pointer)).toEqual(segments.map(String));
  });

  test('there and back', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (segments) => {
        expect(segmentsOf(pointerOf(segments))).toEqual(segments);
      }),
    );
  });
});

test.each([
  ['', ''],
  ['/memory', 'memory'],
  ['/interfaces/0/queuePairs', 'interfaces[0].queuePairs'],
  ['/migration/hosts/12', 'migration.hosts[12]'],
  ['/interfaces/0/vdpa/host~1a', 'interfaces[0].vdpa.host/a'],
])('fieldOf %j is %j', (pointer, field) => {
  expect(fieldOf(pointer)).toBe(field);
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compare, hasErrors, sortFindings, type Finding } from '../../src/model/finding.ts';

const finding = (severity: Finding['severity'], path: string, code: string, message = ''): Finding => ({
  severity,
  path,
  code,
  message,
});

describe('sortFindings', () => {
  test('worst first, then by place, code and text', () => {
    const sorted = [
      finding('error', '/a', 'b'),
      finding('error', '/b', 'a'),
      finding('warning', '', 'z'),
      finding('warning', '/a', 'a', '1'),
      finding('warning', '/a', 'a', '2'),
      finding('warning', '/a', 'b', '0'),
      finding('info', '', 'a'),
    ];
    const given = [4, 6, 1, 5, 0, 3, 2].map((index) => sorted[index]!);
    expect(sortFindings(given)).toEqual(sorted);
  });

  test('the same findings always stand in the same order, and the list given is left as it was', () => {
    const some = fc.array(
      fc.record({
        severity: fc.constantFrom('error' as const, 'warning' as const, 'info' as const),
        path: fc.constantFrom('', '/a', '/B'),
        code: fc.constantFrom('a', 'b'),
        message: fc.constantFrom('x', 'y', 'ä'),
      }),
    );
    fc.assert(
      fc.property(some, (findings) => {
        const before = structuredClone(findings);
        expect(sortFindings([...findings].reverse())).toEqual(sortFindings(findings));
        expect(findings).toEqual(before);
      }),
    );
  });
});

test('hasErrors', () => {
  expect(hasErrors([])).toBe(false);
  expect(hasErrors([finding('warning', '', 'a'), finding('info', '', 'a')])).toBe(false);
  expect(hasErrors([finding('info', '', 'a'), finding('error', '', 'a')])).toBe(true);
});

test('compare goes by code unit, not by the locale', () => {
  expect(['b', 'ä', 'B', 'a', 'a'].sort(compare)).toEqual(['B', 'a', 'a', 'b', 'ä']);
});

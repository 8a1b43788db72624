import { expect, test } from 'vitest';
import { PlanFindings } from '../../src/plan/findings.ts';

test('findings stay in the order in which they were found, and only errors fail', () => {
  const findings = new PlanFindings();
  findings.info('a', '/a', 'first');
  findings.warning('b', '/b', 'second', 'do this');
  expect(findings.failed).toBe(false);
  findings.error('c', '/c', 'third', 'do that');
  findings.error('d', '/d', 'fourth');
  expect(findings.failed).toBe(true);
  expect(findings.all).toEqual([
    { code: 'a', severity: 'info', path: '/a', message: 'first' },
    { code: 'b', severity: 'warning', path: '/b', message: 'second', fix: 'do this' },
    { code: 'c', severity: 'error', path: '/c', message: 'third', fix: 'do that' },
    { code: 'd', severity: 'error', path: '/d', message: 'fourth' },
  ]);
});

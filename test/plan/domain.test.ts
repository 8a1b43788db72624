import { describe, expect, test } from 'vitest';
import { domainOf } from '../../src/plan/domain.ts';
import { named, reportWith } from '../report-builder.ts';
import { specOf } from '../spec-builder.ts';
import { foundBy } from './planning.ts';

function domain(body: string, ...names: string[]) {
  let hosts: string[] = [];
  const reports = names.map((name) => reportWith(named(name)));
  const findings = foundBy((found) => (hosts = domainOf(specOf(body), reports, found).map(({ name }) => name)));
  return { hosts, findings };
}

describe('the migration domain', () => {
  test('is all hosts whose reports are given, where the spec lists none', () => {
    expect(domain('', 'a', 'b')).toEqual({ hosts: ['a', 'b'], findings: [] });
  });

  test('is the hosts that the spec lists', () => {
    expect(domain('migration: {hosts: [b, a]}', 'a', 'b')).toEqual({ hosts: ['a', 'b'], findings: [] });
  });

  test('a listed host without a report', () => {
    expect(domain('migration: {hosts: [a, b]}', 'a')).toEqual({
      hosts: ['a'],
      findings: [
        'error plan.host-without-report /migration/hosts: no report of host b is given, so the guest ABI cannot be made to fit it => run `vdpa-qemu probe` on b',
      ],
    });
  });

  test('a report of a host that is not listed', () => {
    expect(domain('migration: {hosts: [a]}', 'a', 'c')).toEqual({
      hosts: ['a'],
      findings: [
        'warning plan.host-not-listed /migration/hosts: the report of host c is left out: migration.hosts does not list it',
      ],
    });
  });

  test('two reports from hosts of one name', () => {
    expect(domain('', 'a', 'a')).toEqual({
      hosts: ['a'],
      findings: ['error plan.host-twice /migration/hosts: two reports are from a host named a'],
    });
  });
});

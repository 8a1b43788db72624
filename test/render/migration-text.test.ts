import { expect, test } from 'vitest';
import type { Baseline } from '../../src/model/generated/baseline.ts';
import type { MigrationCheck } from '../../src/model/generated/migration-check.ts';
import { renderBaseline } from '../../src/render/baseline-text.ts';
import { renderMigrationCheck, withoutColour } from '../../src/render/migration-check-text.ts';

const check: MigrationCheck = {
  schemaVersion: 1,
  kind: 'MigrationCheck',
  source: { name: null, origin: 'qmp', digest: null, host: null, running: true },
  with: null,
  verdict: 'cannot',
  destinations: [
    {
      host: 'l2\u001b[31m',
      verdict: 'cannot',
      summary: 'it\u001b[31m fails\u202e',
      devices: [
        { device: '/interfaces/0', id: null, vdpa: null, charDevice: null, chosenBy: 'none', candidates: [] },
        {
          device: '/interfaces/1',
          id: 'net1',
          vdpa: 'vp0',
          charDevice: null,
          chosenBy: 'any',
          candidates: ['vp0', 'vp1'],
        },
      ],
      findings: [
        {
          code: 'migration.device-missing',
          severity: 'error',
          effect: 'no-start',
          path: '',
          message: 'none\u0007',
          source: 'QEMU',
        },
        {
          code: 'migration.features-grow',
          severity: 'info',
          effect: 'none',
          path: '',
          message: 'more',
          source: 'virtio',
        },
      ],
    },
  ],
};

test('what is not known is said, and nothing can steer a terminal', () => {
  expect(renderMigrationCheck(check, withoutColour, { quiet: false, verbose: false })).toBe(
    [
      'unnamed guest: running, source host not reported, guest ABI not fully known',
      '',
      'l2\\x1b[31m: cannot',
      '  it\\x1b[31m fails\\u{202e}',
      '  interfaces/0 -> no device, there is none',
      '  net1 -> vp0, one of several that come into question: vp0, vp1',
      '  - does not start: none\\x07 [migration.device-missing]',
      '',
    ].join('\n'),
  );
});

test('--verbose has notes and sources, --quiet only what decides', () => {
  const verbose = renderMigrationCheck(check, withoutColour, { quiet: false, verbose: true });
  expect(verbose).toContain('  - note: more [migration.features-grow]\n    source: virtio\n');
  expect(renderMigrationCheck(check, withoutColour, { quiet: true, verbose: true })).not.toContain('more');
});

test('a baseline of which little is known', async () => {
  const hosts = { count: 1, names: ['a'] };
  const baseline: Baseline = {
    schemaVersion: 1,
    kind: 'Baseline',
    hosts,
    architecture: null,
    pageSize: null,
    machine: { newest: null, common: [], limits: [] },
    qemu: { oldest: null, newest: null, limits: [] },
    cpu: { models: [], kvm: 'unknown' },
    classes: [
      {
        ...{ class: 'block', hosts, devices: 1, features: { bits: '0x0', names: [] }, provision: null },
        ...{ queuePairs: null, queues: null, ringSize: null, mtu: null, capacity: null, pagePerVq: false },
        ...{ pagePerVqReason: 'off', migration: 'unknown', migrationReasons: [], limits: [], provisioning: [] },
      },
    ],
    spec: null,
    findings: [],
  };
  expect(await renderBaseline(baseline, false)).toBe(
    [
      '1 host: a',
      'architecture differs, pages of different or unknown bytes, KVM on an unknown number of them',
      'machine type none in common',
      '',
      'block: 1 devices on 1 host',
      '  features     0x0',
      '  queues       unknown',
      '  capacity     unknown',
      '  ring size    unknown',
      '  page-per-vq  off',
      '  migration    unknown',
      '',
    ].join('\n'),
  );
});

import { describe, expect, test } from 'vitest';
import { assessHost } from '../../src/doorbell/assess.ts';
import { unknown } from '../../src/model/fact.ts';
import type { Assessment, DeviceAssessment } from '../../src/model/generated/assessment.ts';
import { coloured, plain, renderAssessment } from '../../src/render/assessment-text.ts';
import { renderFinding } from '../../src/render/findings-text.ts';
import { host, reportWith } from '../report-builder.ts';

const report = reportWith();
const head = 'l1: x86_64, kernel 6.12.107, 4096-byte pages';

function assessmentOf(...devices: DeviceAssessment[]): Assessment {
  return { schemaVersion: 1, kind: 'Assessment', host: 'l1', devices, findings: [] };
}

type Row = DeviceAssessment['virtqueues'][number];

function row(index: number, role: string, verdict: Row['verdict'], ...messages: string[]): Row {
  const reasons = messages.map((message) => ({ code: 'doorbell.x', by: 'kernel' as const, message }));
  return { index, role, verdict, kernel: 'mapped', exclusivity: 'none', reasons };
}

const device: DeviceAssessment = {
  name: 'vp0',
  class: 'net',
  parentDriver: 'vp-vdpa',
  layout: 'page-per-vq',
  verdict: 'safe',
  virtqueues: [
    row(0, 'rx0', 'safe', 'one', 'two'),
    row(1, 'tx0', 'safe', 'one', 'two'),
    row(10, 'control', 'unknown', 'three'),
  ],
  pageSizes: [],
  expectedHostNotifiers: { netdev: [], device: [] },
  summary: 'all is well',
  advice: ['do this', 'then that'],
};

describe('renderAssessment', () => {
  test('a table per device: a reason that repeats is said once', () => {
    expect(renderAssessment(assessmentOf(device), report, plain)).toBe(
      [
        head,
        '',
        'vp0  net, parent vp-vdpa, doorbells page-per-vq: safe',
        '  all is well',
        '  vq  role     kernel  verdict  by      reason',
        '  0   rx0      mapped  safe     kernel  one; two',
        '  1   tx0      mapped  safe     kernel  (as above)',
        '  10  control  mapped  unknown  kernel  three',
        '  -> do this',
        '  -> then that',
        '',
      ].join('\n'),
    );
  });

  test('a device without virtqueues, driver and advice has no table', () => {
    const bare: DeviceAssessment = { ...device, parentDriver: null, virtqueues: [], advice: [], verdict: 'unknown' };
    expect(renderAssessment(assessmentOf(bare, device), report, plain).split('\n').slice(0, 6)).toEqual([
      head,
      '',
      'vp0  net, parent unknown, doorbells page-per-vq: unknown',
      '  all is well',
      '',
      'vp0  net, parent vp-vdpa, doorbells page-per-vq: safe',
    ]);
  });

  test('a host without devices, and one whose page size is not known', () => {
    expect(renderAssessment(assessmentOf(), report, plain)).toBe(`${head}\nno vDPA devices\n`);
    const unknowing = reportWith(host({ pageSize: unknown('ENOENT', 'no getconf') }));
    expect(renderAssessment(assessmentOf(), unknowing, plain)).toBe(
      'l1: x86_64, kernel 6.12.107, page size unknown\nno vDPA devices\n',
    );
  });

  test.each([
    ['safe', 32],
    ['unavailable', 36],
    ['unsafe', 31],
    ['unknown', 33],
  ] as const)('%s is painted %i, and only the verdict', (verdict, colour) => {
    const painted = renderAssessment(
      assessmentOf({ ...device, verdict, virtqueues: [row(0, 'rx0', verdict, 'why')] }),
      report,
      coloured,
    );
    const word = verdict.padEnd(7);
    expect(painted).toContain(`doorbells page-per-vq: \u001b[${colour}m${verdict}\u001b[0m\n`);
    expect(painted).toContain(`  0   rx0   mapped  \u001b[${colour}m${word}\u001b[0m  kernel  why\n`);
    expect(painted.split('\u001b').length - 1).toBe(4);
    expect(plain(verdict, 'text')).toBe('text');
  });

  test('nothing of a report can steer the terminal', () => {
    const evil = 'a\u001b[2Jb\nc\u009b';
    const text = renderAssessment(
      assessmentOf({
        ...device,
        name: evil,
        class: evil,
        parentDriver: evil,
        summary: evil,
        advice: [evil],
        virtqueues: [{ ...row(0, evil, 'safe', evil), kernel: evil }],
      }),
      { ...report, host: { ...report.host, name: evil, kernelRelease: evil } },
      plain,
    );
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    expect(text.split('\n').length).toBe(8);
    expect(text.split('a\\x1b[2Jb\\x0ac\\x9b').length - 1).toBe(10);
  });

  test('the captured host: both verdicts, and what to do', () => {
    const text = renderAssessment(assessHost(report), report, plain);
    expect(text).toContain('vp0  net, parent vp-vdpa, doorbells page-per-vq: safe\n');
    expect(text).toContain('vp1  net, parent vp-vdpa, doorbells per-vq-sub-page: unavailable\n');
    expect(text.match(/^ {2}vq {2}role/gm)).toHaveLength(report.devices.length);
    expect(text).toMatch(/ {2}-> hostNotifier: auto/);
  });
});

describe('renderFinding', () => {
  const finding = { code: 'plan.x', severity: 'error', path: '', message: 'text' } as const;
  test.each([
    [finding, 'error: text [plan.x]\n'],
    [{ ...finding, path: '/memory' }, '/memory: error: text [plan.x]\n'],
    [{ ...finding, severity: 'warning' as const, fix: 'do it' }, 'warning: text [plan.x]\n  fix: do it\n'],
    [
      { ...finding, path: '/memory', place: { file: 'vm.yaml', line: 7, column: 5 } },
      'vm.yaml:7:5: error: text [plan.x]\n',
    ],
    [{ ...finding, message: 'a\u001b[31m\nb', fix: '\u009b' }, 'error: a\\x1b[31m\\x0ab [plan.x]\n  fix: \\x9b\n'],
  ])('%j', (input, text) => expect(renderFinding(input)).toBe(text));
});

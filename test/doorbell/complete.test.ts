/** A device is judged by all of its virtqueues, or not at all. */
import { describe, expect, test } from 'vitest';
import { assessDevice, assessHost } from '../../src/doorbell/assess.ts';
import { unknown } from '../../src/model/fact.ts';
import type { DeviceAssessment } from '../../src/model/generated/assessment.ts';
import {
  deviceOf,
  doorbells,
  host,
  identity,
  msix,
  onDevice,
  refused,
  reportWith,
  virtqueuesOf,
  type Edit,
} from '../report-builder.ts';

function assess(...edits: Edit[]): DeviceAssessment {
  const report = reportWith(...edits);
  return assessDevice(report.host, deviceOf(report, 'vp0'));
}

/** Lists these virtqueues of the captured three. */
const listed = (...indices: number[]): Edit =>
  onDevice('vp0', (found) => {
    const all = virtqueuesOf(found);
    found.virtqueues = indices.map((index) => ({ ...structuredClone(all[0]), index, doorbell: 'mapped' as const }));
  });

describe('a list with gaps', () => {
  test.each<[what: string, edits: Edit[], message: string]>([
    ['the first of three only', [listed(0)], 'the report has no answer for virtqueue 1 of 3'],
    ['without the control virtqueue', [listed(0, 1)], 'the report has no answer for virtqueue 2 of 3'],
    ['without the first', [listed(1, 2)], 'the report has no answer for virtqueue 0 of 3'],
    ['one too many', [listed(0, 1, 2, 3)], 'the report lists 4 virtqueues of a device with 3'],
    [
      'of unknown length',
      [identity('vp0', { vqCount: unknown('ENOTTY', 'VHOST_VDPA_GET_VQS_COUNT: ENOTTY') })],
      'how many virtqueues the device has is not known: VHOST_VDPA_GET_VQS_COUNT: ENOTTY',
    ],
  ])('%s: unknown', (_, edits, message) => {
    const { verdict, summary, virtqueues, advice } = assess(...edits);
    expect(verdict).toBe('unknown');
    expect(summary).toBe(`not known, so not to be trusted: ${message}`);
    expect(virtqueues.map((one) => [one.verdict, one.exclusivity, one.reasons[0]?.code])).toEqual(
      virtqueues.map(() => ['unknown', 'none', 'doorbell.virtqueues-incomplete']),
    );
    expect(advice).not.toContain('hostNotifier: auto (or require) gives page-per-vq=on');
  });

  test('what is refused does not count either: one that is missing may be mapped', () => {
    const edits = [doorbells('vp0', refused('ENOTSUPP')), identity('vp0', { vqCount: 3 })];
    expect(assess(...edits).verdict).toBe('unknown');
  });

  test('what is unsafe stays so', () => {
    expect(assess(listed(0), msix('vp0', { tableBar: 4, tableOffset: 0x3800 })).verdict).toBe('unsafe');
  });

  test('in any order it is whole', () => {
    expect(assess(listed(2, 0, 1)).verdict).toBe('safe');
    expect(assess(listed(2, 0, 1), host({ pageSize: 65536 })).verdict).toBe('unavailable');
  });
});

test('one virtqueue twice is no report', () => {
  const report = reportWith(listed(0, 0, 0));
  expect(() => assessHost(report)).toThrow('device vp0: virtqueue 0 is listed twice');
  expect(() => assessHost(report)).toThrow(expect.objectContaining({ code: 'bad-input' }) as Error);
});

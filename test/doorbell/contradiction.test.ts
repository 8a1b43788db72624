/** A witness who is proven wrong on one virtqueue vouches for none; what contradictions there are: assess-virtqueue.test.ts. */
import { expect, test } from 'vitest';
import { assessDevice } from '../../src/doorbell/assess.ts';
import type { VirtqueueAssessment } from '../../src/model/generated/assessment.ts';
import { device, deviceOf, doorbells, parentDriver, refused, reportWith, type Edit } from '../report-builder.ts';

function verdicts(...edits: Edit[]): VirtqueueAssessment[] {
  const report = reportWith(...edits);
  return assessDevice(report.host, deviceOf(report, 'vp0')).virtqueues;
}

const mlx5 = [device('vp0', { pci: null }), parentDriver('vp0', 'mlx5_core')];

test('the kernel maps the control virtqueue of mlx5, of which the row says that it has no area', () => {
  const [rx, tx, control] = verdicts(...mlx5);
  expect([rx?.verdict, tx?.verdict, control?.verdict]).toEqual(['unknown', 'unknown', 'unknown']);
  expect(rx?.reasons[0]).toMatchObject({ code: 'doorbell.witness-disproved', by: 'table' });
  expect(rx?.reasons[0]?.message).toMatch(
    /^who vouches for it is proven wrong on virtqueue 2 \(control\): mlx5_core has none for the control virtqueue/,
  );
  expect(rx?.exclusivity).toBe('none');
});

test('that it refuses it is as expected', () => {
  const [rx, tx] = verdicts(...mlx5, doorbells('vp0', 'mapped', 'mapped', refused('ENOTSUPP')));
  expect([rx?.verdict, tx?.verdict]).toEqual(['safe', 'safe']);
});

test("what the kernel refuses against expectation is in no guest's reach, and takes no other with it", () => {
  const [rx, tx] = verdicts(doorbells('vp0', 'mapped', refused('ENOTSUPP'), 'mapped'));
  expect([rx?.verdict, tx?.verdict]).toEqual(['safe', 'unavailable']);
});

import { describe, expect, test } from 'vitest';
import { layoutOf } from '../../src/doorbell/layout.ts';
import { parents } from '../../src/doorbell/parents.ts';
import { unknown } from '../../src/model/fact.ts';
import type { Layout } from '../../src/model/generated/assessment.ts';
import {
  busy,
  capability,
  device,
  deviceOf,
  doorbells,
  host,
  parentDriver,
  pci,
  refused,
  reportWith,
  type Edit,
} from '../report-builder.ts';

const sharedPage = parents.find(({ area }) => area === 'shared-page')!;
const noPci = device('vp0', { pci: null });
const unread = pci('vp0', { capabilities: unknown('EACCES', 'config: EACCES') });
const EINVAL = refused('EINVAL');
const ENOTSUPP = refused('ENOTSUPP');

describe('layoutOf', () => {
  test.each<[what: string, name: string, edits: Edit[], layout: Layout]>([
    ['the captured device with a page each', 'vp0', [], 'page-per-vq'],
    ['the captured device with 4 bytes each', 'vp1', [], 'per-vq-sub-page'],
    ['the simulators', 'sim0', [], 'none'],
    ['the simulated disk', 'blk0', [], 'none'],
    ['multiplier 0', 'vp0', [capability('vp0', 'notify', { notifyOffMultiplier: 0 })], 'shared-page'],
    ['multiplier of two pages', 'vp0', [capability('vp0', 'notify', { notifyOffMultiplier: 8192 })], 'page-per-vq'],
    ['4 KiB each, on a host with 64 KiB pages', 'vp0', [host({ pageSize: 65536 })], 'per-vq-sub-page'],
    ['mlx5, by its driver alone', 'vp0', [noPci, parentDriver('vp0', sharedPage.driver)], 'shared-page'],
    ['all refused as not aligned', 'vp0', [noPci, doorbells('vp0', EINVAL, EINVAL)], 'per-vq-sub-page'],
    ['the first refused for its size only', 'vp0', [noPci, doorbells('vp0', ENOTSUPP, EINVAL)], 'per-vq-sub-page'],
    ['some mapped, some not aligned', 'vp0', [noPci, doorbells('vp0', 'mapped', EINVAL)], 'mixed'],
    ['the same where PCI cannot be read', 'vp0', [unread, doorbells('vp0', 'mapped', EINVAL)], 'mixed'],
    ['the control virtqueue does not count', 'vp0', [noPci, doorbells('vp0', 'mapped', 'mapped', EINVAL)], 'unknown'],
    ['all mapped: a page each or one for all', 'vp0', [noPci], 'unknown'],
    ['all refused for their size', 'vp0', [noPci, doorbells('vp0', ENOTSUPP, ENOTSUPP)], 'unknown'],
    ['not tested', 'vp0', [noPci, doorbells('vp0', unknown('EBUSY', 'x'), unknown('EBUSY', 'x'))], 'unknown'],
    ['page size not known', 'vp0', [host({ pageSize: unknown('ENOSYS', 'x') })], 'unknown'],
    ['a device in use', 'vp0', [busy('vp0')], 'unknown'],
    ['a device without virtqueues', 'vp0', [doorbells('vp0')], 'unknown'],
  ])('%s', (_, name, edits, layout) => {
    const report = reportWith(...edits);
    expect(layoutOf(report.host, deviceOf(report, name))).toBe(layout);
  });
});

import { expect, test } from 'vitest';
import { controlIsolation } from '../../src/doorbell/control-isolation.ts';
import { unknown } from '../../src/model/fact.ts';
import { device, deviceOf, identity, onDevice, reportWith, virtqueuesOf, type Edit } from '../report-builder.ts';
import { offers } from '../migration/migrating.ts';

const why = unknown('EACCES', 'may not be read');
const isolation = (...edits: Edit[]) => controlIsolation(deviceOf(reportWith(...edits), 'sim0'));
const groups = (edit: (groups: { group?: unknown }[]) => void): Edit =>
  onDevice('sim0', (found) => edit(virtqueuesOf(found)));

test.each<[string, Edit[], unknown]>([
  ['as the simulator is', [], 'isolated'],
  ['no control virtqueue', [offers('sim0', 0x308010028n)], 'none'],
  [
    'no address spaces in the kernel',
    [identity('sim0', { backendFeatures: { bits: '0x10', names: ['VHOST_BACKEND_F_SUSPEND'] } })],
    'shared',
  ],
  ['one address space', [identity('sim0', { addressSpaceCount: 1 })], 'shared'],
  ['one group', [groups((list) => list.forEach((one) => (one.group = 0)))], 'shared'],
  ['features not known', [identity('sim0', { features: why })], why],
  ['kernel not known', [identity('sim0', { backendFeatures: why })], why],
  ['address spaces not known', [identity('sim0', { addressSpaceCount: why })], why],
  ['virtqueues not known', [device('sim0', { virtqueues: why })], why],
  ['own group not known', [groups((list) => (list[2]!.group = why))], why],
  ["data's group not known", [groups((list) => (list[0]!.group = why))], why],
  [
    'own group not told',
    [groups((list) => delete list[2]!.group)],
    expect.objectContaining({ unknown: 'not-present' }),
  ],
  [
    "data's group not told",
    [groups((list) => delete list[1]!.group)],
    expect.objectContaining({ unknown: 'not-present' }),
  ],
])('%s', (_, edits, expected) => {
  expect(isolation(...edits)).toEqual(expected);
});

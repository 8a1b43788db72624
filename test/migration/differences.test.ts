import { expect, test } from 'vitest';
import { unknown } from '../../src/model/fact.ts';
import type { Guest, Properties } from '../../src/model/generated/guest-configuration.ts';
import { differencesOf } from '../../src/migration/differences.ts';
import { simGuest } from './migrating.ts';

const settings = unknown('not-supported', 'what libvirt makes of <video> is not known here (a1)');

function withVga(properties: Properties): Guest {
  return { ...simGuest.guest, otherDevices: [{ id: 'video0', driver: 'VGA', address: '01.0', properties }] };
}

const found = (before: Properties, after: Properties): unknown[] =>
  differencesOf(withVga(before), withVga(after)).map(({ label, before: one, after: other }) => [label, one, other]);

test('a property of a device is the default where it is not given', () => {
  expect(found({}, { vgamem_mb: 16 })).toEqual([['video0 vgamem_mb', null, 16]]);
});

test('of a device whose settings were not read, what is not given is not known', () => {
  expect(found({ settings }, { vgamem_mb: 16 })).toEqual([
    ['video0 settings', settings, null],
    ['video0 vgamem_mb', settings, 16],
  ]);
  expect(found({ settings, vgamem_mb: 16 }, { settings })).toEqual([['video0 vgamem_mb', 16, settings]]);
  expect(found({ settings }, { settings })).toEqual([]);
});

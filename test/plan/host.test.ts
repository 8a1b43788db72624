import { describe, expect, test } from 'vitest';
import { unknown } from '../../src/model/fact.ts';
import { charDeviceOf, findDevice, hostOf, nameOn } from '../../src/plan/host.ts';
import { device, deviceOf, reportWith } from '../report-builder.ts';
import { planHost } from './planning.ts';

test('hostOf keeps the QEMUs whose abilities are known', () => {
  const report = reportWith(
    (edited) => void edited.qemu.unshift({ path: '/broken', capabilities: unknown('program', 'x') }),
  );
  expect(hostOf(report)).toMatchObject({ name: 'l1', qemu: [{ path: '/usr/bin/qemu-system-x86_64' }] });
});

test('nameOn', () => {
  expect(nameOn(planHost(), 'vp0')).toBe('vp0');
  expect(nameOn(planHost(), { l1: 'vp1', l2: 'vp0' })).toBe('vp1');
  expect(nameOn(planHost(), { l2: 'vp0' })).toBeUndefined();
});

test('findDevice gives the device and its verdict', () => {
  expect(findDevice(planHost(), 'vp0')).toMatchObject({ device: { name: 'vp0' }, assessment: { verdict: 'safe' } });
  expect(findDevice(planHost(), '/dev/vhost-vdpa-1')).toMatchObject({ device: { name: 'vp1' } });
  expect(findDevice(planHost(), '/vp0')).toBeUndefined();
});

describe('charDeviceOf', () => {
  test.each([
    ['captured', {}, '/dev/vhost-vdpa-0'],
    ['not bound', { charDevice: null }, undefined],
    ['not known', { charDevice: unknown('EACCES', 'x') }, undefined],
  ])('%s', (_, changes, path) => {
    expect(charDeviceOf(deviceOf(reportWith(device('vp0', changes)), 'vp0'))).toBe(path);
  });
});

import { describe, expect, test } from 'vitest';
import { unknown } from '../../src/model/fact.ts';
import type { VdpaReference } from '../../src/model/generated/vm-spec.ts';
import { locateDevices } from '../../src/plan/locate-devices.ts';
import { device, named, type Edit } from '../report-builder.ts';
import { foundBy, planHost } from './planning.ts';

function locate(reference: VdpaReference, ...hosts: Edit[][]) {
  let devices: string[] = [];
  const all = hosts.map((edits, index) => planHost(named('abc'[index]!), ...edits));
  const findings = foundBy((found) => {
    devices = locateDevices(reference, '/disks/0', all, found).map(
      ({ host, device: { name } }) => `${name} on ${host.name}`,
    );
  });
  return { devices, findings };
}

describe('a device is found', () => {
  test.each<[reference: VdpaReference, devices: string[]]>([
    ['vp0', ['vp0 on a', 'vp0 on b']],
    ['/dev/vhost-vdpa-0', ['vp0 on a', 'vp0 on b']],
    [{ a: 'vp0', b: 'vp1' }, ['vp0 on a', 'vp1 on b']],
    [{ a: 'vp0', b: '/dev/vhost-vdpa-1', z: 'vp9' }, ['vp0 on a', 'vp1 on b']],
  ])('%j', (reference, devices) => {
    expect(locate(reference, [], [])).toEqual({ devices, findings: [] });
  });
});

describe('a device is not found', () => {
  const none: Edit = (report) => void (report.devices = []);
  const many: Edit = (report) => {
    const [first] = report.devices;
    report.devices = Array.from({ length: 20 }, (_, index) => ({ ...structuredClone(first!), name: `d${index}` }));
  };
  test.each<[what: string, reference: VdpaReference, edits: Edit[], finding: string]>([
    [
      'no such name',
      'vp9',
      [],
      'error plan.device-missing /disks/0/vdpa: host a has no vDPA device vp9: it has blk0, sim0, vp0, vp1',
    ],
    [
      'no such node',
      '/dev/vhost-vdpa-7',
      [],
      'error plan.device-missing /disks/0/vdpa: host a has no vDPA device /dev/vhost-vdpa-7: it has blk0, sim0, vp0, vp1',
    ],
    [
      'no device at all',
      'vp0',
      [none],
      'error plan.device-missing /disks/0/vdpa: host a has no vDPA device vp0: it has none',
    ],
    [
      '.. among many',
      'vp0',
      [many],
      'error plan.device-missing /disks/0/vdpa: host a has no vDPA device vp0: it has d0, d1, d2, d3, d4, d5, d6, d7',
    ],
    [
      'none is named for the host',
      { b: 'vp0' },
      [],
      'error plan.device-not-named /disks/0/vdpa: names no vDPA device for host a',
    ],
    [
      '.. though every object has a constructor',
      { toString: 'vp0' },
      [],
      'error plan.device-not-named /disks/0/vdpa: names no vDPA device for host a',
    ],
  ])('%s', (_, reference, edits, finding) => {
    expect(locate(reference, edits)).toEqual({ devices: [], findings: [finding] });
  });

  const bind =
    'echo vhost_vdpa > /sys/bus/vdpa/devices/vp0/driver_override, unbind it from its driver, then echo vp0 > /sys/bus/vdpa/drivers/vhost_vdpa/bind';
  test.each<[what: string, edit: Edit]>([
    ['bound to virtio_vdpa', device('vp0', { driver: 'virtio_vdpa', charDevice: null })],
    ['its node could not be read', device('vp0', { charDevice: unknown('EACCES', 'x') })],
  ])('%s', (_, edit) => {
    expect(locate('vp0', [edit])).toEqual({
      devices: [],
      findings: [
        `error plan.device-not-bound /disks/0/vdpa: vDPA device vp0 on host a has no character device: it is not bound to vhost_vdpa => ${bind}`,
      ],
    });
  });

  test('the hosts that have it are found all the same', () => {
    expect(locate({ a: 'vp9', b: 'vp0' }, [], []).devices).toEqual(['vp0 on b']);
  });
});

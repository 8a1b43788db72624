import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { isPlainName, readVdpaBus, readVdpaDevice } from '../../src/host/sysfs.ts';
import { changedHost, l1Roots, plant, temporaryDirectory } from './fixtures.ts';

/** An empty host with this tree under /sys. */
function sysfs(tree: Readonly<Record<string, string>>) {
  const root = temporaryDirectory();
  plant(path.join(root, 'sys'), tree);
  return { sysfsRoot: path.join(root, 'sys'), devRoot: '/dev', procRoot: '/proc' };
}

describe('the captured host', () => {
  test('has four devices on the bus', () => {
    const { bus, names } = readVdpaBus(l1Roots);
    expect(bus).toBe(true);
    expect([...names].sort()).toEqual(['blk0', 'sim0', 'vp0', 'vp1']);
  });

  test('a PCI device', () => {
    expect(readVdpaDevice('vp0', l1Roots)).toEqual({
      name: 'vp0',
      driver: 'vhost_vdpa',
      charDevice: { path: path.join(l1Roots.devRoot, 'vhost-vdpa-0'), major: 251, minor: 0 },
      parent: { bus: 'pci', name: '0000:00:04.0', driver: 'vp-vdpa', iommuGroup: '4' },
      pciDirectory: path.join(l1Roots.sysfsRoot, 'devices/pci0000:00/0000:00:04.0'),
    });
  });

  test('a simulator has no parent', () => {
    expect(readVdpaDevice('sim0', l1Roots)).toMatchObject({
      charDevice: { major: 251, minor: 2 },
      parent: null,
      pciDirectory: null,
    });
  });
});

// These parents need hardware that the lab has not; the trees follow the paths that the drivers' sources give.
describe('parents that the lab has not', () => {
  test('an auxiliary device on a scalable function (mlx5), below a PCI function', () => {
    const pci = 'devices/pci0000:3a/0000:3a:00.0/0000:3b:00.0';
    const roots = sysfs({
      'bus/vdpa/devices/vdpa0': `-> ../../../${pci}/mlx5_core.sf.4/vdpa0`,
      [`${pci}/mlx5_core.sf.4/vdpa0/vhost-vdpa-0/dev`]: '511:0\n',
      [`${pci}/mlx5_core.sf.4/subsystem`]: '-> ../../../../../bus/auxiliary',
      [`${pci}/mlx5_core.sf.4/driver`]: '-> ../../../../../bus/auxiliary/drivers/mlx5_core.sf',
      [`${pci}/subsystem`]: '-> ../../../../bus/pci',
      [`${pci}/iommu_group`]: '-> ../../../../kernel/iommu_groups/77',
      'devices/pci0000:3a/0000:3a:00.0/subsystem': '-> ../../../bus/pci',
    });
    expect(readVdpaDevice('vdpa0', roots)).toMatchObject({
      driver: null,
      parent: { bus: 'auxiliary', name: 'mlx5_core.sf.4', driver: 'mlx5_core.sf', iommuGroup: '77' },
      pciDirectory: path.join(roots.sysfsRoot, pci),
    });
  });

  test('a VDUSE device hangs below a class device, which is no parent', () => {
    const roots = sysfs({
      'bus/vdpa/devices/d0': '-> ../../../devices/virtual/vduse/d0/d0',
      'devices/virtual/vduse/d0/d0/vhost-vdpa-1/dev': '511:1',
      'devices/virtual/vduse/d0/subsystem': '-> ../../../../class/vduse',
    });
    expect(readVdpaDevice('d0', roots)).toMatchObject({ parent: null, pciDirectory: null });
  });

  test('a parent without a driver', () => {
    const roots = sysfs({
      'bus/vdpa/devices/v': '-> ../../../devices/platform/x/v',
      'devices/platform/x/v/uevent': '',
      'devices/platform/x/subsystem': '-> ../../../bus/platform',
    });
    expect(readVdpaDevice('v', roots).parent).toEqual({ bus: 'platform', name: 'x', driver: null });
  });
});

describe('other states', () => {
  test('no vdpa bus', () => {
    expect(readVdpaBus({ sysfsRoot: temporaryDirectory() })).toEqual({ bus: false, names: [] });
  });

  test('a bus that cannot be read', () => {
    const roots = sysfs({ 'bus/vdpa/devices': 'a file' });
    expect(readVdpaBus(roots)).toEqual({ bus: expect.objectContaining({ unknown: 'ENOTDIR' }) as object, names: [] });
  });

  test('bound to virtio_vdpa: no character device', () => {
    const roots = changedHost((sys) => {
      rmSync(path.join(sys, 'devices/sim0/vhost-vdpa-2'), { recursive: true });
      rmSync(path.join(sys, 'devices/sim0/driver'));
      symlinkSync('../../bus/vdpa/drivers/virtio_vdpa', path.join(sys, 'devices/sim0/driver'));
    });
    expect(readVdpaDevice('sim0', roots)).toMatchObject({ driver: 'virtio_vdpa', charDevice: null });
  });

  test('a device that goes away meanwhile', () => {
    expect(readVdpaDevice('gone', l1Roots)).toMatchObject({
      driver: null,
      charDevice: { unknown: 'ENOENT' },
      parent: { unknown: 'ENOENT' },
      pciDirectory: { unknown: 'ENOENT' },
    });
  });

  test.each(['', '251', '251:0:1', 'x:y', '99999999999:0'])('the device number %j', (text) => {
    const roots = changedHost((sys) => writeFileSync(path.join(sys, 'devices/sim0/vhost-vdpa-2/dev'), text));
    expect(readVdpaDevice('sim0', roots).charDevice).toMatchObject({ unknown: 'malformed' });
  });

  test('no device number', () => {
    const roots = changedHost((sys) => rmSync(path.join(sys, 'devices/sim0/vhost-vdpa-2/dev')));
    expect(readVdpaDevice('sim0', roots).charDevice).toMatchObject({ unknown: 'ENOENT' });
  });

  test('hostile names of drivers and parents', () => {
    const roots = sysfs({
      'bus/vdpa/devices/v': '-> ../../../devices/a\u001b[31m/v',
      'devices/a\u001b[31m/v/driver': '-> ../../../bus/vdpa/drivers/evil\n',
      'devices/a\u001b[31m/subsystem': '-> ../../bus/platform',
    });
    expect(readVdpaDevice('v', roots)).toMatchObject({
      driver: { unknown: 'malformed' },
      parent: { unknown: 'malformed' },
    });
  });

  test('a driver that is no link', () => {
    const roots = sysfs({
      'bus/vdpa/devices/v': '-> ../../../devices/p/v',
      'devices/p/v/driver': 'a file',
      'devices/p/subsystem': '-> ../../bus/platform',
      'devices/p/driver': 'a file',
    });
    expect(readVdpaDevice('v', roots)).toMatchObject({ driver: { unknown: 'EINVAL' }, parent: { unknown: 'EINVAL' } });
  });
});

test.each([
  ['vp0', true],
  ['0000:00:04.0', true],
  ["it's", true],
  ['a'.repeat(128), true],
  ['a'.repeat(129), false],
  ['', false],
  ['a/b', false],
  ['a\nb', false],
  ['a\u009bb', false],
])('isPlainName(%j) is %s', (name, plain) => {
  expect(isPlainName(name)).toBe(plain);
});

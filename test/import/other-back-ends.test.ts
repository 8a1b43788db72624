/** Back ends over vDPA that are not those of a device which is read. */
import { describe, expect, test } from 'vitest';
import { importText } from './importing.ts';

const binding = (rest: string) =>
  importText(`qemu-system-x86_64 -nodefaults -machine pc-q35-10.0 -cpu qemu64 ${rest}`).binding;
const others = (rest: string) => binding(rest).otherBackEnds;
const backend = (rest: string) => binding(rest).devices[0]?.backend;

const netdev = '-netdev vhost-vdpa,id=n,vhostdev=/dev/vhost-vdpa-0';
const vdpaNode = '-blockdev driver=virtio-blk-vhost-vdpa,node-name=d,path=/dev/vhost-vdpa-0,cache.direct=on';

test('a device that is read is in devices alone', () => {
  expect(others(`${netdev} -device virtio-net-pci,netdev=n`)).toBeUndefined();
  expect(others(`${vdpaNode} -device virtio-blk-pci,drive=d`)).toBeUndefined();
  expect(others(`${vdpaNode} -blockdev raw,file=d,node-name=r -device virtio-blk-pci,drive=r`)).toBeUndefined();
});

describe('devices that are not', () => {
  test.each([
    [`${netdev} -device virtio-net-device,netdev=n`, 'virtio-net-device', 'vhost-vdpa'],
    [`${vdpaNode} -device virtio-blk-device,drive=d`, 'virtio-blk-device', 'virtio-blk-vhost-vdpa'],
    [`${vdpaNode} -device scsi-hd,drive=d`, 'scsi-hd', 'virtio-blk-vhost-vdpa'],
  ])('%s', (rest, device, over) => {
    expect(others(rest)).toEqual([{ id: null, device, backend: over }]);
  });

  test('a netdev or a disk that is not in the configuration may be anything', () => {
    expect(others('-device virtio-net-device,netdev=n,id=net0')).toMatchObject([
      { id: 'net0', device: 'virtio-net-device', backend: { unknown: 'not-present' } },
    ]);
    expect(others('-device ide-hd,drive=x')).toMatchObject([{ device: 'ide-hd', backend: { unknown: 'not-present' } }]);
    // QEMU refuses any other NIC over vhost-vdpa
    expect(others('-device e1000,netdev=n')).toBeUndefined();
  });
});

describe('back ends without a device', () => {
  test.each([
    [netdev, 'n', 'vhost-vdpa'],
    [vdpaNode, 'd', 'virtio-blk-vhost-vdpa'],
    ['-drive if=virtio,driver=virtio-blk-vhost-vdpa,path=/dev/vhost-vdpa-0', null, 'virtio-blk-vhost-vdpa'],
  ])('%s', (rest, id, over) => {
    expect(others(rest)).toEqual([{ id, device: null, backend: over }]);
  });
});

test('the driver of a node stands at its end', () => {
  const disk = '-device virtio-blk-pci,drive=d';
  const inner = 'file.driver=virtio-blk-vhost-vdpa,file.path=/dev/vhost-vdpa-0';
  for (const node of [
    `-blockdev driver=raw,node-name=d,${inner}`,
    `-drive if=none,id=d,format=raw,${inner}`,
    `-drive if=none,id=d,format=virtio-blk-vhost-vdpa,path=/dev/vhost-vdpa-0`,
  ]) {
    expect(binding(`${node} ${disk}`).devices).toMatchObject([
      { backend: 'virtio-blk-vhost-vdpa', charDevice: '/dev/vhost-vdpa-0' },
    ]);
  }
  expect(backend(`-drive 'if=none,id=d,file=json:{"driver":"raw"}' ${disk}`)).toMatchObject({
    unknown: 'not-supported',
  });
});

test('a NIC without a netdev has none', () => {
  expect(backend('-device virtio-net-pci')).toBe('none');
  expect(backend('-device virtio-net-pci,netdev=n')).toMatchObject({ unknown: 'not-present' });
});

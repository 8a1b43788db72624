/**
 * What the guest sees of -drive and -blockdev. QEMU 7.2.22 offers VIRTIO_BLK_F_RO with media=cdrom, and no
 * VIRTIO_BLK_F_FLUSH with cache=writethrough or cache.writeback=off and config-wce=off (x-query-virtio-status).
 */
import { describe, expect, test } from 'vitest';
import { importText } from './importing.ts';

const read = (rest: string) => importText(`qemu-system-x86_64 -nodefaults -machine pc-q35-10.0 -cpu qemu64 ${rest}`);
const virtio = (drive: string, more = '') => read(`${drive} -device virtio-blk-pci,drive=d,addr=5${more}`);
const drive = (more: string): string => `-drive if=none,id=d,file=/d.img${more}`;

describe('read-only', () => {
  test.each([
    [drive(''), false],
    [drive(',media=cdrom'), true],
    [drive(',media=disk,readonly=on'), true],
    [drive(',read-only=yes'), true],
    ['-blockdev raw,node-name=d,file=f,read-only=on -blockdev file,node-name=f,filename=/d.img', true],
    // 7.2.22: "Block node is read-only", where the file cannot be written
    ['-blockdev file,node-name=d,filename=/d.img,auto-read-only=on', false],
  ])('%s', (text, want) => {
    expect(virtio(text).guest.disks[0]!.readOnly).toBe(want);
  });
});

describe('write cache', () => {
  test.each([
    [drive(''), '', {}],
    [drive(',cache=none'), '', {}],
    [drive(',cache=writethrough'), '', { 'write-cache': false }],
    [drive(',cache=directsync'), ',write-cache=auto', { 'write-cache': false }],
    [drive(',cache=none,cache.writeback=off'), '', { 'write-cache': false }],
    [drive(',cache=writethrough,cache.writeback=on'), '', {}],
    [drive(',cache=writethrough'), ',write-cache=on', {}],
    [drive(''), ',write-cache=off', { 'write-cache': false }],
    ['-blockdev file,node-name=d,filename=/d.img,cache.direct=on', '', {}],
  ])('%s %s', (text, more, want) => {
    expect(virtio(text, more).guest.disks[0]!.properties).toEqual(want);
  });
});

test('of other disks', () => {
  const scsi = (text: string) => read(`${text} -device scsi-hd,drive=d`).guest.otherDevices[0]!.properties;
  expect(scsi(drive(''))).toEqual({});
  expect(scsi(drive(',readonly=on,cache=writethrough'))).toEqual({ 'drive.read-only': true, 'write-cache': false });
  const cd = read(`${drive(',media=cdrom')} -device scsi-cd,drive=d`).guest.otherDevices[0]!.properties;
  expect(cd).toEqual({});
});

test('of disks of the board', () => {
  const own = (more: string) => read(`-drive if=virtio,file=/d.img${more}`).guest.otherOptions;
  const plain = own('');
  expect(plain).toEqual({ drive: ['if=virtio'] });
  expect(own(',cache=none')).toEqual(plain);
  expect(own(',readonly=off')).toEqual(plain);
  expect(own(',cache=writethrough')).toEqual({ drive: ['if=virtio,write-cache=off'] });
  expect(own(',readonly=on')).toEqual(own(',read-only=true'));
  expect(own(',readonly=on')).not.toEqual(plain);
});

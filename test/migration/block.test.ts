/** Images of disks: formats that QEMU does not migrate, and what is written to a temporary file. */
import { describe, expect, test } from 'vitest';
import { readGuestConfiguration } from '../../src/import/read.ts';
import { checkMigration } from '../../src/migration/check-migration.ts';
import type { GuestConfiguration } from '../../src/model/generated/guest-configuration.ts';
import { running, reasons, simHost, there } from './migrating.ts';

function guest(rest: string): GuestConfiguration {
  const text = `qemu-system-x86_64 -nodefaults -machine pc-q35-10.0,memory-backend=ram -cpu qemu64 -m 64 -object memory-backend-ram,id=ram,size=64M ${rest}`;
  return readGuestConfiguration(text, { as: 'qemu-argv' }).configuration!;
}

function of(source: GuestConfiguration): string[] {
  return reasons(checkMigration(source, [simHost(there)], { from: simHost() }).destinations[0]!);
}

const drive = (text: string): string =>
  `-drive if=none,id=d,${text} -device virtio-blk-pci,drive=d,addr=5,num-queues=1`;
const refused = ['refused migration.block-format'];
const lost = ['state-lost migration.disk-snapshot'];

describe('images', () => {
  // each was refused, or taken, by QEMU 7.2.22: test/lab/plain-migration.lab.test.ts
  test.each<[string, readonly string[]]>([
    ...['vmdk', 'vdi', 'vpc', 'vhdx', 'qcow', 'parallels'].map((format): [string, readonly string[]] => [
      drive(`file=/a,format=${format}`),
      refused,
    ]),
    [drive('file=/a,format=vmdk,readonly=on'), refused],
    [drive('file=fat:rw:/d,format=raw'), refused],
    [drive('file=fat:32:rw:/d,format=raw'), refused],
    [drive('file=fat:/d,format=raw,readonly=on'), []],
    [drive('file=/a,format=qcow2'), []],
    [drive('file=/a.vmdk,format=qcow2'), []],
    [drive('file=/a.vmdk'), ['unknown migration.block-format']],
    [drive('file=/a'), []],
    ['-drive if=ide,file=/a,format=vdi', refused],
    ['-hda /a.vhdx', ['unknown migration.block-format']],
    ['-blockdev driver=file,node-name=f,filename=/a -blockdev driver=vmdk,node-name=d,file=f', refused],
    ['-blockdev driver=vdi,node-name=d,file.driver=file,file.filename=/a', refused],
    ['-blockdev driver=vvfat,node-name=d,dir=/d,rw=on', refused],
    ['-blockdev driver=vvfat,node-name=d,dir=/d', []],
    ['-blockdev driver=file,node-name=f,filename=/a -blockdev driver=qcow2,node-name=d,file=f', []],
    [drive('file=/a,format=qcow2,snapshot=on'), lost],
    [`-snapshot ${drive('file=/a,format=qcow2')}`, lost],
    [`-snapshot ${drive('file=/a,format=qcow2,snapshot=off')}`, []],
    ['-snapshot -hda /a', lost],
    ['-snapshot -drive if=ide,file=/a,format=raw,media=cdrom', []],
    ['-snapshot -drive if=pflash,file=/a,format=raw', []],
  ])('%s', (text, expected) => expect(of(guest(text))).toEqual(expected));

  test('a running QEMU tells itself what it refuses, but not what is lost', () => {
    const source = running(guest(drive('file=/a,format=vmdk,snapshot=on')), 0n);
    expect(of(source)).toEqual(lost);
  });

  test('of libvirt', () => {
    const imagesOf = (disk: string): unknown =>
      readGuestConfiguration(
        `<domain type='qemu'><os><type arch='x86_64' machine='pc-q35-10.0'>hvm</type></os><devices>${disk}</devices></domain>`,
        { as: 'libvirt' },
      ).configuration!.binding.images;
    const disk = (bus: string, more = ''): string =>
      `<disk type='file' device='disk'><driver name='qemu' type='vmdk'/><source file='/a'/><target dev='vda' bus='${bus}'/>${more}</disk>`;
    expect(imagesOf(disk('virtio'))).toEqual([{ name: null, file: '/a', format: 'vmdk', temporary: false }]);
    expect(imagesOf(disk('sata', '<transient/>'))).toMatchObject([{ format: 'vmdk', temporary: true }]);
    expect(imagesOf(disk('virtio').replace("<source file='/a'/>", ''))).toBeUndefined();
  });
});

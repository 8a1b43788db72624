/** What the QEMU of the destination has for the rest of the guest: types of devices, models of CPUs. */
import { describe, expect, test } from 'vitest';
import { readGuestConfiguration } from '../../src/import/read.ts';
import { unknown } from '../../src/model/fact.ts';
import type { GuestConfiguration } from '../../src/model/generated/guest-configuration.ts';
import { qemu, type Edit } from '../report-builder.ts';
import { changed, check, guestOn, reasons, simGuest, simHost, there } from './migrating.ts';

const crashed = unknown('program-failed', 'QEMU did not answer: the peer closed the connection');

function withDevice(driver: string): (configuration: GuestConfiguration) => void {
  return ({ guest }) =>
    void guest.otherDevices.push({ id: 'd', driver, address: null, properties: { 'x-of-ours': 'on' } });
}

function verdictOn(
  guest: (configuration: GuestConfiguration) => void,
  to: readonly Edit[],
  from: readonly Edit[] = [],
) {
  return check(changed(simGuest, guest), simHost(there, ...to), { from: simHost(...from) });
}

describe('types of devices', () => {
  const types = qemu({ deviceTypes: { 'isa-serial': true, qxl: false, 'qemu-xhci': true, 'ich9-ahci': false } });

  test.each([
    ['one that is there', 'qemu-xhci', [types], [], []],
    ['one that is not', 'qxl', [types], [], ['no-start migration.device-type-missing']],
    ['by its other name', 'ahci', [types], [], ['no-start migration.device-type-missing']],
    ['one that was not asked for, and the QEMU of the source is the same', 'a-device', [types], [], []],
    [
      'one that was not asked for, and the QEMU of the source is of another build',
      'a-device',
      [types],
      [qemu({ package: 'of another build' })],
      ['unknown migration.device-type-missing'],
    ],
    ['a name of every object', 'constructor', [types], [], []],
    ['QEMU ended when it was asked, and is the same', 'qxl', [qemu({ deviceTypes: crashed })], [], []],
    [
      'QEMU ended when it was asked, and is of another build',
      'qxl',
      [qemu({ deviceTypes: crashed })],
      [qemu({ package: 'of another build' })],
      // the serial port, too
      ['unknown migration.device-type-missing', 'unknown migration.device-type-missing'],
    ],
  ] as const)('%s', (_what, driver, to, from, expected) => {
    const found = verdictOn(withDevice(driver), to, from);
    expect(reasons(found).filter((reason) => !reason.endsWith('qemu-older'))).toEqual(expected);
  });

  test('what is said', () => {
    const found = verdictOn(withDevice('qxl'), [types]);
    expect(found.verdict).toBe('cannot');
    expect(found.findings).toContainEqual(
      expect.objectContaining({
        path: '/otherDevices/1',
        message: 'd (qxl): QEMU 10.0.13 of host l2 has no such type of device',
        fix: 'install the package that has it there (qemu-system-... -device qxl,help tells), or take the device out of the guest',
      }),
    );
  });
});

describe('models of CPUs', () => {
  const models = qemu({ cpuModels: ['EPYC', 'max', 'qemu64'] });
  const model =
    (name: string) =>
    ({ guest }: GuestConfiguration) =>
      void (guest.cpu.model = name);

  test.each([
    ['one that is there, with switches', 'qemu64,avx=on', models, []],
    ['one that is not', 'EPYC-v9,avx=on', models, ['no-start migration.cpu-model-missing']],
    ['not known', 'EPYC', qemu({ cpuModels: crashed }), ['unknown migration.cpu-model-missing']],
  ] as const)('%s', (_what, name, to, expected) => {
    expect(reasons(verdictOn(model(name), [to]))).toEqual(expected);
  });
});

describe('properties, whatever is behind the device', () => {
  const text =
    '-drive if=none,file=/a,format=raw,id=d -device virtio-blk-pci,drive=d,addr=5,scsi=off,num-queues=1 -netdev tap,id=n -device virtio-net-pci,netdev=n,addr=6,mac=52:54:00:00:00:01,x-new=1,romfile= -device pcie-root-port,id=p,addr=7,chassis=1,x-old=1';
  const guest = readGuestConfiguration(
    `qemu-system-x86_64 -nodefaults -machine pc-q35-10.0 -cpu qemu64 -m 64 ${text}`,
    {
      as: 'qemu-argv',
    },
  ).configuration!;
  const missing = ({ findings }: ReturnType<typeof check>): string[] =>
    findings.flatMap(({ code, path }) => (code === 'migration.property-missing' ? [path] : []));

  test('are those that the QEMU of the destination has', () => {
    expect(missing(check(guest, simHost(there)))).toEqual(['/disks/0', '/interfaces/0', '/rootPorts/0']);
    expect(missing(check(simGuest, simHost(there)))).toEqual([]);
  });

  test('what only the destination has is told of its list', () => {
    const without = changed(guest, (copy) => {
      copy.guest.disks = [];
      copy.binding.devices = copy.binding.devices.filter(({ device }) => !device.startsWith('/disks'));
    });
    expect(missing(check(without, simHost(there), { from: simHost(), with: guest }))).toContain('/disks');
  });

  test('what is not understood is no property', () => {
    const settings = unknown('not-supported', '<geometry> is not read here');
    const odd = changed(guest, (copy) => void (copy.guest.disks[0]!.properties = { settings }));
    expect(missing(check(odd, simHost(there)))).toEqual(['/interfaces/0', '/rootPorts/0']);
  });
});

test('a QEMU without vhost-vdpa-device-pci cannot take a guest that has one', () => {
  const generic = guestOn(simHost(), 'vdpaDevices: [{id: dev0, vdpa: sim0}]\n');
  const lacks = qemu({ deviceProperties: { 'vhost-vdpa-device-pci': null } });
  expect(reasons(check(generic, simHost(there, lacks)))).toContain('no-start migration.qemu-lacks-vhost-vdpa');
  expect(reasons(check(generic, simHost(there)))).not.toContain('no-start migration.qemu-lacks-vhost-vdpa');
});

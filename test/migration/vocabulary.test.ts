/** What the QEMU of the destination has for the rest of the guest: types of devices, models of CPUs. */
import { describe, expect, test } from 'vitest';
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

test('a QEMU without vhost-vdpa-device-pci cannot take a guest that has one', () => {
  const generic = guestOn(simHost(), 'vdpaDevices: [{id: dev0, vdpa: sim0}]\n');
  const lacks = qemu({ deviceProperties: { 'vhost-vdpa-device-pci': null } });
  expect(reasons(check(generic, simHost(there, lacks)))).toContain('no-start migration.qemu-lacks-vhost-vdpa');
  expect(reasons(check(generic, simHost(there)))).not.toContain('no-start migration.qemu-lacks-vhost-vdpa');
});

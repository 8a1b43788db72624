/** Option ROMs of NICs: a RAM block of the stream, as large as the package of each host makes it. */
import { expect, test } from 'vitest';
import type { GuestConfiguration } from '../../src/model/generated/guest-configuration.ts';
import { qemu, type Edit } from '../report-builder.ts';
import { changed, check, reasons, running, simGuest, simHost, there } from './migrating.ts';

type Properties = GuestConfiguration['guest']['otherDevices'][number]['properties'];
const rom =
  (properties: GuestConfiguration['guest']['interfaces'][number]['properties'] = {}) =>
  ({ guest }: GuestConfiguration) =>
    void Object.assign(guest.interfaces[0]!, { optionRom: true, properties });
const other =
  (driver: string, properties: Properties = {}) =>
  ({ guest }: GuestConfiguration) =>
    void guest.otherDevices.push({ id: 'n', driver, address: '09.0', properties });
const build: readonly Edit[] = [qemu({ package: 'Debian 1:10.0.13+ds-2' })];
const unsure = ['unknown migration.option-rom-size'];

test.each<[string, (copy: GuestConfiguration) => void, readonly Edit[], readonly string[]]>([
  ['the same QEMU', rom(), [], []],
  ['another build of it', rom(), build, unsure],
  ['another version', rom(), [qemu({ version: '10.1.0' })], unsure],
  ['a file of its own, that may be another there', rom({ romfile: '/a.rom' }), build, unsure],
  ['a size of its own', rom({ romsize: 524288 }), build, []],
  ['no ROM', () => undefined, build, []],
  ['an e1000e', other('e1000e'), build, unsure],
  ['an e1000e without', other('e1000e', { romfile: '' }), build, []],
  ['an e1000e without a BAR for it', other('e1000e', { rombar: 0 }), build, []],
  ['a device that has none', other('virtio-rng-pci'), build, []],
])('%s', (_, edit, to, expected) => {
  const found = reasons(check(changed(simGuest, edit), simHost(there, ...to), { from: simHost() }));
  expect(found.filter((one) => one.endsWith('option-rom-size'))).toEqual(expected);
});

test('a VM that was started by another QEMU than the report knows now', () => {
  const guest = changed(running(changed(simGuest, rom()), 0n), (copy) => void (copy.running!.qemuVersion = '10.0.9'));
  expect(reasons(check(guest, simHost(there), { from: simHost() }))).toContain(unsure[0]);
});

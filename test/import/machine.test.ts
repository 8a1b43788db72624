/** Properties of the machine under their other names. */
import { expect, test } from 'vitest';
import { importText } from './importing.ts';

const guest = (machine: string, rest = '') =>
  importText(`qemu-system-x86_64 -nodefaults -machine pc-q35-10.0${machine} -cpu qemu64 ${rest}`);

test('memory-encryption is confidential-guest-support', () => {
  const [old, now] = ['memory-encryption', 'confidential-guest-support'].map((name) => guest(`,${name}=sev0`));
  expect(old!.guest.machineOptions).toEqual({ 'confidential-guest-support': 'sev0' });
  expect(old!.digest).toBe(now!.digest);
  expect(old!.digest).not.toBe(guest('').digest);
});

// QEMU 7.2.22 starts with both, and says that `dump_guest_core` and `dump-guest-core` in one -machine are in conflict
test('underscores are dashes', () => {
  expect(guest(',dump_guest_core=off').digest).toBe(guest('').digest);
  expect(guest(',fd_bootchk=off').digest).toBe(guest(',fd-bootchk=off').digest);
});

test('-usb is usb=on, and the last of them counts', () => {
  expect(guest('', '-usb').digest).toBe(guest(',usb=on').digest);
  expect(guest('', '-usb').digest).not.toBe(guest('').digest);
  expect(guest('', '-usb -machine usb=off').digest).toBe(guest('').digest);
});

import { expect, test } from 'vitest';
import { closedMask, shadowableFeatures, shadowRefusal } from '../../src/migration/shadow-virtqueue.ts';
import { isSince, olderVersion, versionNumber } from '../../src/model/qemu-version.ts';

/** vp_vdpa of the lab (QEMU's virtio-net below), and what QEMU 10.0.13 said of it in query-migrate. */
const captured = { offered: 0x10330bf8024n, text: 'vdpa svq does not work with features 0x200000' };

test("QEMU's own words on a captured device", () => {
  expect(shadowRefusal(captured.offered, '10.0.13')).toMatchObject({ text: captured.text, unsure: false });
});

test('the words of the second test of QEMU, once the first is passed', () => {
  const refusal = shadowRefusal(captured.offered & ~0x200000n, '10.0.13');
  expect(refusal?.text).toBe('SVQ Invalid device feature flags, offer: 0x103309f8024, ok: 0x3209f8024');
  expect(refusal?.excess).toBe((1n << 28n) | (1n << 40n));
});

test('what must be offered', () => {
  expect(shadowRefusal(0x20n, '10.0.13')).toMatchObject({ missing: 0x300000000n, excess: 0n });
});

test.each([
  ['7.1.0', 29n, false],
  ['7.2.0', 29n, true],
  ['8.0.0', 18n, false],
  ['8.1.0', 18n, true],
  ['8.1.0', 60n, false],
  ['8.2.0', 60n, true],
  ['10.2.2', 28n, false],
])('QEMU %s, feature bit %s: %s', (version, bit, accepted) => {
  expect((shadowableFeatures(version) & (1n << bit)) !== 0n).toBe(accepted);
});

test('a QEMU newer than what was read may accept more', () => {
  expect(shadowRefusal(0x310000000n, '10.2.2')?.unsure).toBe(false);
  expect(shadowRefusal(0x310000000n, '10.3.0')?.unsure).toBe(true);
  expect(shadowRefusal(0x100000000n, '10.3.0')?.unsure).toBe(false);
});

test('a mask without what its features need', () => {
  const [csum, tso4, ecn] = [1n << 0n, 1n << 11n, 1n << 13n];
  expect(closedMask(tso4 | ecn)).toBe(0n);
  expect(closedMask(csum | tso4 | ecn)).toBe(csum | tso4 | ecn);
});

test('versions are compared as numbers', () => {
  expect(olderVersion('9.2.4', '10.0.0')).toBe('9.2.4');
  expect(isSince('10.0.13', '8.2')).toBe(true);
  expect(versionNumber('8')).toBe(8_000_000);
});

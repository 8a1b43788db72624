/** Lists of accelerators: which one runs the guest is each host's to decide. */
import { expect, test } from 'vitest';
import { host } from '../report-builder.ts';
import { changed, check, running, simGuest, simHost, there } from './migrating.ts';

const fallback = changed(simGuest, ({ binding }) => {
  binding.accelerator = 'kvm';
  binding.accelerators = ['kvm', 'tcg'];
});
const kvm = host({ kvm: true });
const none = host({ kvm: false });
const unknown = host({ kvm: { unknown: 'EACCES', detail: '/dev/kvm: permission denied' } });

const found = (source: typeof fallback, options: Parameters<typeof check>[2], ...edits: (typeof kvm)[]): string[] =>
  check(source, simHost(there, ...edits), options)
    .findings.filter(({ code }) => code.startsWith('migration.accelerator'))
    .map(({ effect, message }) => `${effect}: ${message}`);

test('TCG at both ends, where neither has KVM', () => {
  expect(found(fallback, { from: simHost(none) }, none)).toEqual([]);
});

test('KVM at both ends', () => {
  expect(found(fallback, { from: simHost(kvm) }, kvm)).toEqual([]);
});

test.each([
  ['TCG here, KVM there', none, kvm, /the accelerator is tcg at the source and kvm at the destination/],
  ['KVM here, TCG there', kvm, none, /the accelerator is kvm at the source and tcg at the destination/],
])('%s', (_, here, end, message) => {
  const [only, ...others] = found(fallback, { from: simHost(here) }, end);
  expect(only).toMatch(message);
  expect(others).toEqual([]);
});

test.each([
  ['whether the source has KVM', { from: simHost(unknown) }, kvm, /^unknown: .*whether l1 has KVM is not known/],
  ['whether the destination has it', { from: simHost(kvm) }, unknown, /^unknown: .*whether l2 has KVM is not known/],
  ['anything of the source', {}, kvm, /^unknown: .*there is no report of it/],
])('not known: %s', (_, options, end, message) => {
  expect(found(fallback, options, end)).toEqual([expect.stringMatching(message)]);
});

test('a running VM says itself what it uses; the destination still tries all', () => {
  const now = changed(running(fallback, 0n), ({ binding }) => void (binding.accelerator = 'tcg'));
  expect(found(now, { from: simHost(kvm) }, none)).toEqual([]);
  expect(found(now, { from: simHost(kvm) }, kvm)).toEqual([expect.stringMatching(/is tcg at the source and kvm/)]);
});

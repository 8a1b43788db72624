/** KVM and TCG at the two ends; what QEMU 7.2.22 made of it stands in test/lab/plain-migration.lab.test.ts. */
import { expect, test } from 'vitest';
import { host } from '../report-builder.ts';
import { changed, check, simGuest, simHost, there } from './migrating.ts';

const kvm = host({ kvm: true });
const under = (accelerator: string, architecture: 'x86_64' | 'aarch64' = 'x86_64') =>
  changed(simGuest, ({ binding, guest }) => {
    binding.accelerator = accelerator;
    guest.architecture = architecture;
  });

test.each<[string, string, 'x86_64' | 'aarch64', string | undefined]>([
  ['kvm', 'tcg', 'x86_64', 'lost'],
  ['tcg', 'kvm', 'x86_64', 'unknown'],
  ['kvm', 'tcg', 'aarch64', 'unknown'],
  ['kvm', 'kvm', 'x86_64', undefined],
])('%s -> %s on %s: %s', (before, after, architecture, effect) => {
  const found = check(under(before, architecture), simHost(there, kvm), {
    from: simHost(kvm),
    with: under(after, architecture),
  });
  const own = found.findings.filter(({ code }) => code === 'migration.accelerator-differs');
  expect(own.map((one) => one.effect)).toEqual(effect === undefined ? [] : [effect]);
});

test('to a host without KVM it does not start', () => {
  const found = check(under('tcg'), simHost(there), { from: simHost(), with: under('kvm') });
  expect(found.findings.map(({ code, effect }) => `${effect} ${code}`)).toEqual(
    expect.arrayContaining(['no-start migration.accelerator', 'unknown migration.accelerator-differs']),
  );
});

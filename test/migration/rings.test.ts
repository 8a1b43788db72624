/** Rings larger than the vDPA device's: what the guest has, who offers it, and which kernels refuse it. */
import { describe, expect, test } from 'vitest';
import { unknown } from '../../src/model/fact.ts';
import type { GuestConfiguration, RunningDevice } from '../../src/model/generated/guest-configuration.ts';
import { refusesLargerRings } from '../../src/plan/rings.ts';
import { host, identity, type Edit } from '../report-builder.ts';
import { changed, check, running, simGuest, simHost, there } from './migrating.ts';

const [old, strict, other] = ['6.12.107', '6.12.117', '6.18.1'].map((kernelRelease) =>
  host({ kernelRelease, kernelVersion: '#1 SMP' }),
) as [Edit, Edit, Edit];

const why = unknown('not-asked', 'not asked');
type Virtqueues = RunningDevice['virtqueues'];

/** The guest as it runs, with these rings. */
function withRings(virtqueues: Virtqueues, guest = simGuest): GuestConfiguration {
  return changed(running(guest, 0x100830020n), ({ running: vm }) => void (vm!.devices[0]!.virtqueues = virtqueues));
}

const used = [
  { index: 0, enabled: true, size: 1024 },
  { index: 1, enabled: true, size: 256 },
];

function hits(guest: GuestConfiguration, from: readonly Edit[], to: readonly Edit[]): readonly string[] {
  const { findings } = check(guest, simHost(there, ...to), { from: simHost(...from) });
  return findings
    .filter(({ code }) => code === 'migration.ring-size')
    .map(({ effect, message }) => `${effect}: ${message}`);
}

describe('migration.ring-size', () => {
  test('rings in use that the kernel of the destination refuses, and the source did not', () => {
    expect(hits(withRings(used), [old], [strict])).toEqual([
      'state-lost: net0: its rings have 1024 descriptors, and those of sim0 at most 256: kernel 6.12.117 refuses more, so the device does not start, and QEMU drops what the guest sends',
    ]);
  });

  test('what the source takes is taken by a kernel that is as strict', () => {
    expect(hits(withRings(used), [strict], [strict])).toEqual([]);
    expect(hits(withRings(used), [old], [old])).toEqual([]);
    expect(hits(withRings(used), [identity('sim0', { vqSizeMax: why })], [old])).toHaveLength(1);
  });

  test('a kernel of which it is not known', () => {
    expect(hits(withRings(used), [other, identity('sim0', { vqSizeMax: 1024 })], [other])).toEqual([
      'unknown: net0: its rings have 1024 descriptors, and those of sim0 at most 256: whether kernel 6.18.1 and its driver take more is not known',
    ]);
  });

  test('a guest whose rings are not known may take what its QEMU offers', () => {
    const rings: readonly Virtqueues[] = [why, [], [{ index: 0, enabled: false, size: 1024 }]];
    for (const virtqueues of rings) {
      expect(hits(withRings(virtqueues), [old], [strict])).toEqual([
        'unknown: net0: it may take rings of 1024 descriptors, and those of sim0 at most 256: kernel 6.12.117 refuses more, so the device does not start, and QEMU drops what the guest sends',
      ]);
    }
  });

  test('rings that fit', () => {
    expect(hits(withRings([{ index: 0, enabled: true, size: 256 }]), [old], [strict])).toEqual([]);
    expect(hits(withRings(used), [old], [strict, identity('sim0', { vqSizeMax: 1024 })])).toEqual([]);
    expect(hits(withRings(used), [old], [strict, identity('sim0', { vqSizeMax: why })])).toEqual([]);
  });

  test('an older QEMU offers what is set', () => {
    const guest = (rxQueueSize: number, qemuVersion = '10.0.2'): GuestConfiguration =>
      changed(withRings(why), (copy) => {
        copy.running!.qemuVersion = qemuVersion;
        copy.guest.interfaces[0]!.rxQueueSize = rxQueueSize;
      });
    expect(hits(guest(256), [old], [strict])).toEqual([]);
    expect(hits(guest(512), [old], [strict])).toEqual([
      expect.stringContaining('it may take rings of 512 descriptors'),
    ]);
    expect(hits(guest(512, '10.1.0'), [old], [strict])).toEqual([expect.stringContaining('rings of 512')]);
    const unset = changed(guest(512), ({ guest: { interfaces } }) => {
      interfaces[0]!.rxQueueSize = why;
      interfaces[0]!.txQueueSize = why;
    });
    expect(hits(unset, [old], [strict])).toEqual([]);
  });
});

test.each([
  ['6.12.111', '#1 SMP', true],
  ['6.12.110', '#1 SMP', false],
  ['6.12.48+deb13-amd64', '#1 SMP PREEMPT_DYNAMIC Debian 6.12.117-1 (2026-11-01)', true],
  ['6.12.117-custom', '#1 SMP', undefined],
  ['6.13.0', '#1 SMP', undefined],
  ['7.2.0', '#1 SMP', undefined],
  ['unreadable', '#1 SMP', undefined],
])('kernel %s %s refuses rings larger than the device: %s', (kernelRelease, kernelVersion, refuses) => {
  const report = simHost(host({ kernelRelease, kernelVersion }));
  expect(refusesLargerRings(report.host)).toBe(refuses);
});

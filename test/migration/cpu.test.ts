/** The CPU model: what QEMU refuses to migrate, and what host, kernel or QEMU decide of it. */
import { describe, expect, test } from 'vitest';
import { unknown } from '../../src/model/fact.ts';
import type { GuestConfiguration } from '../../src/model/generated/guest-configuration.ts';
import { host, qemu, type Edit } from '../report-builder.ts';
import { changed, check, reasons, running, simGuest, simHost, there } from './migrating.ts';

const kvm = host({ kvm: true });
const another: readonly Edit[] = [host({ cpu: { vendor: 'GenuineIntel', model: 'Xeon', count: 2 } })];
const kernel: readonly Edit[] = [host({ kernelRelease: '6.1.0-28-amd64' })];
const update: readonly Edit[] = [host({ kernelRelease: '6.12.200', kernelVersion: '#1 SMP' })];
const newer: readonly Edit[] = [qemu({ version: '10.1.0' })];

type Model = GuestConfiguration['guest']['cpu']['model'];
const withCpu = (model: Model, accelerator: string): GuestConfiguration =>
  changed(simGuest, ({ guest, binding }) => {
    guest.cpu.model = model;
    binding.accelerator = accelerator;
  });
const codes = (found: readonly string[]): string[] => found.filter((one) => one.includes(' migration.cpu-'));
const found = (model: Model, accelerator: string, to: readonly Edit[] = []): string[] =>
  codes(
    reasons(
      check(withCpu(model, accelerator), simHost(there, kvm, ...to), {
        from: simHost(kvm, host({ kernelRelease: '6.12.117', kernelVersion: '#1 SMP' })),
      }),
    ),
  );

/** The destination is as the source, but for what is edited. */
const alike = host({ kernelRelease: '6.12.117', kernelVersion: '#1 SMP' });
const hostModel = ['unknown migration.cpu-host-model'];
const blocks = ['unknown migration.cpu-blocks'];
const strange = unknown('not-supported', '<hyperv>: its CPU switches are not read here');
const absent = unknown('not-present', 'host-model is another CPU on another host');

describe('what decides it', () => {
  test.each<[string, Model, string, readonly Edit[], readonly string[]]>([
    ['host, all the same', 'host', 'kvm', [], []],
    ['host, another CPU', 'host', 'kvm', another, hostModel],
    ['host, another kernel', 'host', 'kvm', kernel, hostModel],
    ['host, an update of the kernel', 'host', 'kvm', update, []],
    ['host, another QEMU', 'host', 'kvm', newer, hostModel],
    ['max under KVM, another kernel', 'max', 'kvm', kernel, hostModel],
    ['max under TCG, another CPU and kernel', 'max', 'tcg', [...another, ...kernel], []],
    ['max under TCG, another QEMU', 'max', 'tcg', newer, hostModel],
    ['a named model, another CPU', 'EPYC', 'kvm', another, hostModel],
    ['a named model, another kernel', 'EPYC', 'kvm', kernel, []],
    ['a named model under TCG', 'EPYC', 'tcg', another, []],
    ['the least, another CPU', 'qemu64', 'kvm', another, []],
    ['the least, with less', 'qemu64,svm=off', 'kvm', another, []],
    ['the least, with what KVM makes', 'kvm64,x2apic=on', 'kvm', another, []],
    ['the least, with more', 'qemu64,avx512f=on,vmx=on', 'kvm', another, hostModel],
    ['host-model, the same CPU', absent, 'kvm', kernel, []],
    ['host-model, another CPU', absent, 'kvm', another, hostModel],
    ['switches that are not read', strange, 'kvm', [], hostModel],
    ['switches that are not read under TCG', strange, 'tcg', another, []],
    ['switches that are not read under TCG, another QEMU', strange, 'tcg', newer, hostModel],
  ])('%s', (_, model, accelerator, to, expected) => {
    expect(found(model, accelerator, [alike, ...to])).toEqual(expected);
  });

  test('without a report of the source it is not known', () => {
    const guest = withCpu('host', 'kvm');
    expect(codes(reasons(check(guest, simHost(there, kvm), {})))).toHaveLength(2);
    const max = withCpu('max', 'tcg');
    expect(codes(reasons(check(max, simHost(there), {})))).toEqual(hostModel);
  });

  test('a CPU model that neither end tells is not the same', () => {
    const guest = withCpu(strange, 'tcg');
    expect(reasons(check(guest, simHost(there), { from: simHost(), with: guest }))).toEqual([
      'unknown migration.cpu-differs',
    ]);
  });
});

describe('what QEMU refuses', () => {
  test.each<[string, string, readonly string[]]>([
    ['qemu64,enforce=on,invtsc=on', 'kvm', ['refused migration.cpu-blocks']],
    ['qemu64,invtsc=on', 'kvm', blocks],
    ['qemu64,invtsc=on', 'tcg', []],
    ['qemu64,invtsc=on', 'xen', blocks],
    ['qemu64,invtsc=on,tsc-frequency=2000000000', 'kvm', []],
    ['host,migratable=off', 'kvm', blocks],
    ['host,invtsc=off,migratable=off', 'kvm', []],
    ['host,hv-passthrough=on', 'kvm', blocks],
    ['host,hv-passthrough=off', 'kvm', []],
    ['host,hv-no-nonarch-coresharing=auto,hv-relaxed=on', 'kvm', blocks],
  ])('%s under %s', (model, accelerator, expected) => {
    expect(found(model, accelerator, [alike]).filter((one) => one.endsWith('cpu-blocks'))).toEqual(expected);
  });

  test('a running QEMU tells it itself', () => {
    const guest = running(withCpu('host,migratable=off', 'kvm'), 0x308830028n);
    expect(codes(reasons(check(guest, simHost(there, kvm), { from: simHost(kvm) })))).toEqual([]);
  });
});

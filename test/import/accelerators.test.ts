/** Accelerators, and what of them the guest sees. */
import { describe, expect, test } from 'vitest';
import { importText } from './importing.ts';

const guest = (rest: string, program = 'qemu-system-x86_64') =>
  importText(`${program} -nodefaults -machine pc-q35-10.0 -cpu qemu64 ${rest}`);

describe('which', () => {
  const tried = (rest: string, program?: string): unknown => {
    const { accelerator, accelerators } = guest(rest, program).binding;
    return accelerators ?? accelerator;
  };

  test.each([
    ['', 'tcg'],
    ['-enable-kvm', 'kvm'],
    ['-accel kvm', 'kvm'],
    ['-accel kvm -accel tcg', ['kvm', 'tcg']],
    ['-accel kvm -accel kvm', 'kvm'],
    ['-machine accel=kvm:tcg', ['kvm', 'tcg']],
    // the last one counts (system/vl.c: machine_opts_dict)
    ['-machine accel=kvm:tcg -enable-kvm', 'kvm'],
    ['-enable-kvm -machine accel=tcg', 'tcg'],
  ])('%s', (rest, want) => {
    expect(tried(rest)).toEqual(want);
  });

  test('a QEMU whose name ends with kvm tries it first', () => {
    expect(tried('', 'qemu-kvm')).toEqual(['kvm', 'tcg']);
  });
});

describe('properties', () => {
  const options = (rest: string) => guest(rest).guest.machineOptions;

  test.each([
    ['-accel kvm,xen-version=0x40011', { 'kvm.xen-version': 0x40011 }],
    ['-accel kvm,kernel-irqchip=split', { 'kernel-irqchip': 'split' }],
    ['-machine kernel_irqchip=split', { 'kernel-irqchip': 'split' }],
    ['-accel kvm,kernel-irqchip=on -machine kernel-irqchip=off', { 'kernel-irqchip': true }],
    // what was not known when this was written may be seen
    ['-accel kvm,new-one=3 -accel tcg', { 'kvm.new-one': 3 }],
    ['-accel tcg,thread=single,tb-size=64', {}],
    ['-accel kvm,dirty-ring-size=4096', {}],
  ])('%s', (rest, want) => {
    expect(options(rest)).toEqual(want);
  });

  test('another guest where they differ', () => {
    expect(guest('-accel kvm').digest).not.toBe(guest('-accel kvm,xen-version=0x40011').digest);
    expect(guest('-accel kvm').digest).not.toBe(guest('-accel kvm,kernel-irqchip=split').digest);
    expect(guest('-accel kvm,xen-version=0x40011').digest).toBe(guest('-accel kvm,xen-version=262161').digest);
  });
});

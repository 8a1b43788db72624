import { describe, expect, test } from 'vitest';
import { emulatorWith, resolveMachineType } from '../../src/plan/machine-type.ts';
import type { QemuCapabilities } from '../../src/model/generated/host-report.ts';
import { arm, host, qemu, withoutQemu, type Edit } from '../report-builder.ts';
import { foundBy, planHost } from './planning.ts';

type Machines = QemuCapabilities['machines'];

const on = (name: string, ...edits: Edit[]) => planHost(host({ name }), ...edits);
const machines = (...list: Machines): Edit => qemu({ machines: list });
const q35 = (version: string): Edit => machines({ name: `pc-q35-${version}`, alias: 'q35', deprecated: false });

function resolve(machine: string, ...hosts: ReturnType<typeof planHost>[]) {
  let type: ReturnType<typeof resolveMachineType>;
  const findings = foundBy((found) => (type = resolveMachineType(machine, hosts, found)));
  return { type, findings };
}

describe('a versioned machine type', () => {
  test.each([
    ['pc-q35-10.0', 'x86_64'],
    ['pc-q35-7.2', 'x86_64'],
  ] as const)('%s', (name, architecture) => {
    expect(resolve(name, on('a'))).toEqual({ type: { name, architecture }, findings: [] });
  });

  test('of Arm', () => {
    expect(resolve('virt-10.0', on('a', arm))).toEqual({
      type: { name: 'virt-10.0', architecture: 'aarch64' },
      findings: [],
    });
  });

  test('that QEMU calls deprecated', () => {
    expect(resolve('pc-q35-6.2', on('a'))).toEqual({
      type: { name: 'pc-q35-6.2', architecture: 'x86_64' },
      findings: [
        'warning plan.machine-deprecated /machine: machine type pc-q35-6.2 is deprecated in the QEMU of host a',
      ],
    });
  });

  test('that one of two hosts has not: the span of those that it has, by number and not by letter', () => {
    expect(
      resolve('pc-q35-10.1', on('a'), on('b', machines({ name: 'pc-q35-10.1', deprecated: false }))).findings,
    ).toEqual([
      'error plan.machine-missing /machine: host a has no machine type pc-q35-10.1; its QEMU has pc-q35-2.4 to pc-q35-10.0',
    ]);
  });

  test('of a family that the host has not', () => {
    expect(resolve('virt-10.0', on('a')).findings).toEqual([
      'error plan.machine-missing /machine: host a has no machine type virt-10.0; its QEMU has none of its family',
    ]);
  });

  test('where no QEMU is known it cannot be checked', () => {
    expect(resolve('pc-q35-10.0', on('a', withoutQemu))).toEqual({
      type: { name: 'pc-q35-10.0', architecture: 'x86_64' },
      findings: [
        'warning plan.qemu-unknown /machine: host a: no QEMU is known there, so machine type pc-q35-10.0 could not be checked',
      ],
    });
  });
});

describe('an alias', () => {
  const alias = (name: string, meaning: string): string =>
    `warning plan.machine-alias /machine: machine type ${name} is an alias; it means ${meaning} in today's QEMU and another machine in the next one => write machine: ${meaning}`;

  test('is resolved, and a warning says so', () => {
    expect(resolve('q35', on('a'))).toEqual({
      type: { name: 'pc-q35-10.0', architecture: 'x86_64' },
      findings: [alias('q35', 'pc-q35-10.0')],
    });
    expect(resolve('virt', on('a', arm)).findings).toEqual([alias('virt', 'virt-10.0')]);
  });

  test('that means the same on all hosts is warned of once', () => {
    expect(resolve('q35', on('a'), on('b')).findings).toEqual([alias('q35', 'pc-q35-10.0')]);
  });

  test('that means different machines', () => {
    expect(resolve('q35', on('a', q35('9.2')), on('b'))).toEqual({
      type: undefined,
      findings: [
        'error plan.machine-alias-differs /machine: machine type q35 is an alias and means pc-q35-9.2 on a, pc-q35-10.0 on b => write one of pc-q35-9.2, pc-q35-10.0',
      ],
    });
  });

  test.each<[what: string, edits: Edit[], why: string]>([
    ['that QEMU does not know', [], 'its QEMU has no such machine type'],
    ['without a QEMU', [withoutQemu], 'its report knows no QEMU'],
  ])('%s', (_, edits, why) => {
    expect(resolve('q36', on('a', ...edits))).toEqual({
      type: undefined,
      findings: [`error plan.machine-unknown /machine: machine type q36 cannot be resolved on host a: ${why}`],
    });
  });

  test('that one host has not, is an error though the other has', () => {
    expect(resolve('q35', on('a'), on('b', machines())).findings).toContain(
      'error plan.machine-unknown /machine: machine type q35 cannot be resolved on host b: its QEMU has no such machine type',
    );
  });
});

describe('a family without PCIe root ports', () => {
  const not = (name: string): string =>
    `error plan.machine-family /machine: machine type ${name} is not of the q35 or virt family: vDPA devices are planned as modern virtio-pci devices behind PCIe root ports => use pc-q35-X.Y or virt-X.Y`;
  test.each<[machine: string, findings: string[]]>([
    ['pc-i440fx-10.0', [not('pc-i440fx-10.0')]],
    ['microvm', [not('microvm')]],
    ['isapc', [not('isapc')]],
  ])('%s', (machine, findings) => {
    expect(resolve(machine, on('a'))).toEqual({ type: undefined, findings });
  });

  test('pc, an alias of i440fx', () => {
    const { type, findings } = resolve('pc', on('a'));
    expect(type).toBeUndefined();
    expect(findings).toContain(not('pc-i440fx-10.0'));
  });
});

describe('emulatorWith', () => {
  const two: Edit = (report) => {
    const [first] = report.qemu;
    const other = structuredClone(first!);
    other.path = '/opt/qemu';
    Object.assign(other.capabilities, { machines: [{ name: 'pc-q35-11.0', deprecated: false }] });
    report.qemu.push(other);
  };
  test.each<[machine: string, edits: Edit[], path: string | undefined]>([
    ['pc-q35-10.0', [two], '/usr/bin/qemu-system-x86_64'],
    ['pc-q35-11.0', [two], '/opt/qemu'],
    ['pc-q35-99.0', [two], '/usr/bin/qemu-system-x86_64'],
    ['pc-q35-10.0', [withoutQemu], undefined],
  ])('%s', (machine, edits, path) => {
    expect(emulatorWith(machine, planHost(...edits))?.path).toBe(path);
  });
});

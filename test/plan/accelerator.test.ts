import { describe, expect, test } from 'vitest';
import { unknown } from '../../src/model/fact.ts';
import { checkAccelerators, chooseAccelerator } from '../../src/plan/accelerator.ts';
import type { MachineType } from '../../src/plan/machine-type.ts';
import { planVm } from '../../src/plan/plan-vm.ts';
import { arm, host, named, reportWith, type Edit } from '../report-builder.ts';
import { specOf } from '../spec-builder.ts';
import { foundBy, planHost } from './planning.ts';

const q35: MachineType = { name: 'pc-q35-10.0', architecture: 'x86_64' };
const virt: MachineType = { name: 'virt-10.0', architecture: 'aarch64' };
const kvm = host({ kvm: true });
const notRoot = host({ kvm: unknown('EACCES', '/dev/kvm: EACCES') });

const missing = (why: string): string =>
  `warning plan.kvm-missing /accelerator: accelerator is kvm, but host l1 has none: ${why}`;
const notKnown =
  'warning plan.kvm-unknown /accelerator: accelerator is auto, and becomes tcg, as it is not known whether host l1 has KVM: /dev/kvm: EACCES => probe as a user who may open /dev/kvm, or write the accelerator';

describe('one host', () => {
  test.each<[wanted: string, edits: Edit[], machine: MachineType, chosen: string, findings: string[]]>([
    ['auto', [kvm], q35, 'kvm', []],
    ['auto', [], q35, 'tcg', []],
    ['auto', [notRoot], q35, 'tcg', [notKnown]],
    ['auto', [kvm], virt, 'tcg', []],
    ['auto', [notRoot], virt, 'tcg', []],
    ['auto', [arm, kvm], virt, 'kvm', []],
    ['tcg', [kvm], q35, 'tcg', []],
    ['tcg', [notRoot], q35, 'tcg', []],
    ['kvm', [kvm], q35, 'kvm', []],
    ['kvm', [], q35, 'kvm', [missing('no /dev/kvm')]],
    ['kvm', [notRoot], q35, 'kvm', [missing('/dev/kvm: EACCES')]],
    ['kvm', [kvm], virt, 'kvm', [missing('an x86_64 host, and virt-10.0 is for aarch64')]],
  ])('%s', (wanted, edits, machine, chosen, findings) => {
    const spec = specOf(`accelerator: ${wanted}`);
    const one = planHost(...edits);
    expect(chooseAccelerator(spec, one, machine)).toBe(chosen);
    expect(foundBy((found) => checkAccelerators(spec, [one], machine, found))).toEqual(findings);
  });
});

describe('a domain', () => {
  const differ = (which: string): string =>
    `error plan.accelerators-differ /accelerator: accelerator is auto, and l1 can use KVM, but not ${which}: a guest does not migrate between KVM and TCG => write accelerator: tcg, or leave those hosts out of the migration domain`;
  test.each<[what: string, wanted: string, others: Edit[][], findings: string[]]>([
    ['all have KVM', 'auto', [[named('b'), kvm]], []],
    ['one has none', 'auto', [[named('b')]], [differ('b (no /dev/kvm)')]],
    [
      'one of another architecture, and one that is not known',
      'auto',
      [
        [named('b'), arm, kvm],
        [named('c'), notRoot],
      ],
      [differ('b (an aarch64 host, and pc-q35-10.0 is for x86_64), c (/dev/kvm: EACCES)')],
    ],
    ['tcg on all', 'tcg', [[named('b')]], []],
    [
      'kvm on all: each that lacks it is named',
      'kvm',
      [[named('b')], [named('c'), notRoot], [named('d'), kvm]],
      [missing('no /dev/kvm').replace('l1', 'b'), missing('/dev/kvm: EACCES').replace('l1', 'c')],
    ],
  ])('%s', (_, wanted, others, findings) => {
    const hosts = [planHost(kvm), ...others.map((edits) => planHost(...edits))];
    const check = (order: typeof hosts): string[] =>
      foundBy((found) => checkAccelerators(specOf(`accelerator: ${wanted}`), order, q35, found));
    expect(check(hosts)).toEqual(findings);
  });

  test('no plan is made of a domain with two accelerators, to whichever host it is bound', () => {
    const reports = [reportWith(named('a'), kvm), reportWith(named('b'))];
    for (const on of ['a', 'b']) {
      expect(planVm(specOf('accelerator: auto'), reports, on)).toMatchObject({
        plan: undefined,
        findings: [expect.objectContaining({ code: 'plan.accelerators-differ' })],
      });
      expect(planVm(specOf('accelerator: tcg'), reports, on).plan?.binding).toMatchObject({
        host: on,
        accelerator: 'tcg',
      });
    }
  });
});

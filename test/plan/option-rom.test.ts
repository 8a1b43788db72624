import { expect, test } from 'vitest';
import { checkOptionRoms } from '../../src/plan/option-rom.ts';
import { named, qemu, withoutQemu, type Edit } from '../report-builder.ts';
import { specOf } from '../spec-builder.ts';
import { foundBy, planHost } from './planning.ts';

const q35 = { name: 'pc-q35-10.0', architecture: 'x86_64' } as const;
const boots = 'interfaces: [{id: net0, vdpa: vp0}, {id: net1, vdpa: vp1, bootIndex: 1}]';
const other = qemu({ package: 'Debian 1:10.0.13+ds-1~bpo12+1' });

const found = (body: string, ...others: Edit[][]): string[] =>
  foundBy((findings) => {
    checkOptionRoms(specOf(body), [planHost(), ...others.map((edits) => planHost(...edits))], q35, findings);
  });

test.each<[what: string, body: string, others: Edit[][]]>([
  ['one host', boots, []],
  ['the same QEMU', boots, [[named('b')], [named('c')]]],
  ['no NIC boots', 'interfaces: [{id: net0, vdpa: vp0}]', [[named('b'), other]]],
])('nothing is said: %s', (_, body, others) => {
  expect(found(body, ...others)).toEqual([]);
});

test.each<[what: string, edits: Edit[], said: RegExp]>([
  [
    'another package',
    [named('b'), other],
    /, and QEMU is 10\.0\.\d+ \(.*\), 10\.0\.\d+ \(Debian 1:10\.0\.13\+ds-1~bpo12\+1\)/,
  ],
  ['a host whose QEMU is not known', [named('b'), withoutQemu], /, not known on b/],
])('%s', (_, edits, said) => {
  const lines = found(boots, edits);
  expect(lines).toEqual([expect.stringMatching(said)]);
  expect(lines[0]).toMatch(/^warning plan\.option-rom-size \/interfaces\/1\/bootIndex: net1 has an option ROM/);
});

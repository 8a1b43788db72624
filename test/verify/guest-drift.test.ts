/** Real VMs (test/fixtures/import), each against the plan that it was started from, and against others. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { VmPlan } from '../../src/model/generated/vm-plan.ts';
import { guestDrift } from '../../src/verify/guest-drift.ts';
import { importRecorded, recorded } from '../import/qmp-replay.ts';

const names = readdirSync('test/fixtures/import').filter((name) => name.endsWith('.qmp.json'));
const planOf = (name: string) =>
  JSON.parse(readFileSync(`test/fixtures/import/${name.split('.')[0] ?? ''}.plan.json`, 'utf8')) as VmPlan;

async function driftOf(name: string, plan: VmPlan, withArguments = true): Promise<string[]> {
  const { configuration } = await importRecorded(recorded(name), { withArguments });
  return guestDrift(plan, configuration.guest, new Set()).map(({ code, path }) => `${code} ${path}`);
}

describe.each(names)('%s', (name) => {
  test('is what was planned', async () => {
    expect(await driftOf(name, planOf(name))).toEqual([]);
  });

  test('without its command line nothing is taken for a difference', async () => {
    const found = await driftOf(name, planOf(name), false);
    expect(found.filter((line) => line.startsWith('verify.drift '))).toEqual([]);
    expect(found).toContain('verify.drift-unknown /cpu/model');
  });
});

test('what an observation does not hold: CPU model, disks, root ports, and what the plan leaves out', async () => {
  const name = 'net.qmp.json';
  const plan = planOf(name);
  const { guestAbi } = plan;
  const other: VmPlan = {
    ...plan,
    guestAbi: {
      ...guestAbi,
      cpu: { ...guestAbi.cpu, model: 'max' },
      disks: [],
      rootPorts: guestAbi.rootPorts.map((port) => ({ ...port, chassis: port.chassis + 7 })),
    },
  };
  const found = await driftOf(name, other);
  expect(found).toContain('verify.drift /cpu/model');
  expect(found).toContain('verify.drift /disks');
  expect(found).toContain('verify.drift /rootPorts/0/chassis');
  const withMtu = planOf('blockdev.qmp.json');
  const noMtu = withMtu.guestAbi.interfaces.map((net) => ({ ...net, mtu: null }));
  const without = { ...withMtu, guestAbi: { ...withMtu.guestAbi, interfaces: noMtu } };
  expect(await driftOf('blockdev.qmp.json', without)).toEqual(['verify.drift /interfaces/0/mtu']);
});

test('a running guest that was not asked for is told as not compared', () => {
  const [finding] = guestDrift(planOf('net.qmp.json'), undefined, new Set());
  expect(finding).toMatchObject({ code: 'verify.drift-unknown', severity: 'info' });
});

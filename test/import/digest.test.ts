/** The digest changes with all that the guest sees, and with nothing else. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { coverage, isCovered } from '../../src/import/coverage.ts';
import { digestOf, undeterminedIn } from '../../src/import/digest.ts';
import { fromPlan } from '../../src/import/from-plan.ts';
import { wordsOf } from '../../src/import/words.ts';
import { unknown } from '../../src/model/fact.ts';
import type { Guest } from '../../src/model/generated/guest-configuration.ts';
import type { VmPlan } from '../../src/model/generated/vm-plan.ts';
import { golden, importText } from './importing.ts';

const planOf = (name: string): VmPlan => JSON.parse(golden(name, 'expected.plan.json')) as VmPlan;

/** A guest with one of everything. */
function fullGuest(): Guest {
  const { guest } = fromPlan(planOf('vdpa-disk-device'));
  const { guest: net } = fromPlan(planOf('mtu'));
  const port = { ...net.rootPorts[0]!, properties: { hotplug: false } };
  return {
    ...guest,
    machineOptions: { hpet: false },
    rootPorts: [port],
    interfaces: [{ ...net.interfaces[0]!, properties: { gso: false } }],
    disks: [{ ...guest.disks[0]!, properties: { serial: 'a' } }],
    vdpaDevices: [{ ...guest.vdpaDevices[0]!, properties: { ats: true } }],
    otherDevices: [{ id: 'w', driver: 'i6300esb', address: '05.0', properties: { a: 1 } }],
    otherOptions: { boot: ['strict=on'] },
  };
}

type Leaf = readonly (string | number)[];

function leavesOf(node: unknown, at: Leaf = []): Leaf[] {
  if (typeof node !== 'object' || node === null) return [at];
  return Object.entries(node).flatMap(([key, value]) => leavesOf(value, [...at, key]));
}

function changed(guest: Guest, at: Leaf, to: unknown): Guest {
  const copy = structuredClone(guest) as unknown as Record<string | number, unknown>;
  let node = copy;
  for (const key of at.slice(0, -1)) node = node[key] as Record<string | number, unknown>;
  node[at.at(-1)!] = to;
  return copy as unknown as Guest;
}

const guest = fullGuest();
const leaves = leavesOf(guest).map((leaf) => [`/${leaf.join('/')}`, leaf] as const);

describe('every leaf', () => {
  test.each(leaves)('%s changes the digest where it is covered, and only there', (_, leaf) => {
    const other = digestOf(changed(guest, leaf, 'something else'));
    if (isCovered(leaf)) expect(other).not.toBe(digestOf(guest));
    else expect(other).toBe(digestOf(guest));
  });

  test.each(leaves)('%s, when unknown, is listed, and leaves no digest where it is covered', (path, leaf) => {
    const less = changed(guest, leaf, unknown('not-present', 'for a test'));
    expect(undeterminedIn(less)).toEqual([{ path, reason: 'for a test', inDigest: isCovered(leaf) }]);
    expect(digestOf(less) === null).toBe(isCovered(leaf));
  });

  test('is in the list of coverage with a reason, and the list has no others', () => {
    const pattern = (leaf: Leaf): string => {
      const [list, index, name, inner] = leaf;
      if (list === 'machineOptions' || list === 'otherOptions') return `/${list}/*`;
      if (list === 'cpu') return `/cpu/${String(index)}`;
      if (index === undefined) return `/${String(list)}`;
      return `/${String(list)}/*/${String(name)}${inner === undefined ? '' : '/*'}`;
    };
    expect([...new Set(leaves.map(([, leaf]) => pattern(leaf)))].sort()).toEqual(
      coverage.map(({ path }) => path).sort(),
    );
    for (const { reason } of coverage) expect(reason).not.toBe('');
  });
});

test('a property that is called unknown is a property', () => {
  const named = { ...guest, otherOptions: { unknown: ['a'], detail: ['b'] }, machineOptions: { detail: 'b' } };
  expect(digestOf(named)).not.toBeNull();
});

test('the binding is not in it', () => {
  const plan = planOf('two-hosts');
  const { digest } = fromPlan(plan);
  const binding: VmPlan['binding'] = {
    ...plan.binding,
    host: 'another',
    emulator: '/opt/qemu',
    accelerator: plan.binding.accelerator === 'kvm' ? 'tcg' : 'kvm',
    memoryShared: !plan.binding.memoryShared,
    lockedMemoryBytes: 1,
    qmpSocket: '/run/other',
    interfaces: plan.binding.interfaces.map((bound) => ({ ...bound, charDevice: '/dev/vhost-vdpa-9', vdpa: 'other' })),
  };
  expect(fromPlan({ ...plan, binding }).digest).toBe(digest);
});

const names = ['quickstart', 'ten-disks', 'boot-order', 'mtu', 'generic-net', 'four-queue-pairs', 'hostile-paths'];

test.each(names)('%s: neither the order of properties nor that of options counts', (name) => {
  const argv = wordsOf(golden(name, 'expected.args'), name).map(({ text }) => text);
  const pairs: string[][] = [];
  for (const word of argv.slice(1)) {
    if (word.startsWith('-')) pairs.push([word]);
    else pairs.at(-1)?.push(word);
  }
  const want = importText(golden(name, 'expected.args')).digest;
  const shuffled = fc.shuffledSubarray(pairs, { minLength: pairs.length });
  fc.assert(
    fc.property(shuffled, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (order, random) => {
      const words = order.flatMap(([option = '', value]) =>
        value === undefined ? [option] : [option, shuffle(value, () => random.next().value as number)],
      );
      expect(importText(JSON.stringify([argv[0], ...words])).digest).toBe(want);
    }),
    { numRuns: 20 },
  );
});

/** Another order of what stands behind the first word of an option. */
function shuffle(value: string, random: () => number): string {
  const [first = '', ...rest] = value
    .replaceAll(',,', '\0')
    .split(',')
    .map((part) => part.replaceAll('\0', ',,'));
  const parts = first.includes('=') ? [first, ...rest] : rest;
  const order = parts.map((part) => [random(), part] as const).sort(([a], [b]) => a - b);
  return [...(first.includes('=') ? [] : [first]), ...order.map(([, part]) => part)].join(',');
}

test('a plan without bindings is a guest all the same', () => {
  const plan = planOf('vdpa-disk-device');
  const binding = { ...plan.binding, interfaces: [], disks: [], vdpaDevices: [] };
  const { binding: bound, digest } = fromPlan({ ...plan, binding });
  expect(digest).toBe(fromPlan(plan).digest);
  expect(bound.devices.map(({ charDevice }) => charDevice)).toEqual(bound.devices.map(() => null));
});

import { describe, expect, test } from 'vitest';
import { unknown } from '../../src/model/fact.ts';
import {
  bindDevice,
  checkLockedMemoryLimit,
  chooseEmulator,
  lockedMemoryBytes,
  needsSharedMemory,
} from '../../src/plan/binding.ts';
import { PlanFindings } from '../../src/plan/findings.ts';
import type { MachineType } from '../../src/plan/machine-type.ts';
import { device, doorbells, host, parentDriver, qemu, refused, withoutQemu, type Edit } from '../report-builder.ts';
import { specOf } from '../spec-builder.ts';
import { foundBy, hostDevice, planHost } from './planning.ts';

const GiB = 2 ** 30;
const q35: MachineType = { name: 'pc-q35-10.0', architecture: 'x86_64' };
const virt: MachineType = { name: 'virt-10.0', architecture: 'aarch64' };

test.each<[memory: number, devices: number, bytes: number]>([
  [4 * GiB, 0, 0],
  [4 * GiB, 1, 5 * GiB],
  [4 * GiB, 2, 9 * GiB],
  [4 * GiB, 3, 13 * GiB],
  [512 * 2 ** 20, 1, 1.5 * GiB],
])('lockedMemoryBytes: %i bytes, %i vDPA devices', (memory, devices, bytes) => {
  expect(lockedMemoryBytes(memory, devices)).toBe(bytes);
});

describe('checkLockedMemoryLimit', () => {
  const check = (lockedMemoryLimit: Parameters<typeof host>[0]['lockedMemoryLimit']): string[] => {
    const findings = new PlanFindings();
    checkLockedMemoryLimit(5 * GiB, planHost(host({ lockedMemoryLimit: lockedMemoryLimit! })), findings);
    return findings.all.map(
      ({ severity, code, path, message, fix }) => `${severity} ${code} ${path}: ${message} => ${fix ?? ''}`,
    );
  };
  test.each(['unlimited' as const, 5 * GiB, 2 ** 50, unknown('EIO', 'x')])('%j is enough, or not known', (limit) => {
    expect(check(limit)).toEqual([]);
  });
  test('a byte too few', () => {
    expect(check(5 * GiB - 1)).toEqual([
      'warning plan.locked-memory-limit /memory: QEMU needs to lock 5368709120 bytes on host l1, but the limit of the process that probed it is 5368709119 => prlimit --memlock=5368709120:5368709120 as root; libvirt raises it by itself',
    ]);
  });
});

describe('bindDevice', () => {
  test.each<[what: string, edits: Edit[], pagePerVq: boolean, granularity: 'netdev' | 'device', expected: number[]]>([
    ['the data virtqueues', [], true, 'netdev', [0, 1]],
    ['.. of a generic device', [], true, 'device', [0, 1]],
    ['none without page-per-vq', [], false, 'netdev', []],
    [
      'none where one of the pair is refused',
      [doorbells('vp0', 'mapped', refused('EINVAL'), 'mapped')],
      true,
      'netdev',
      [],
    ],
    [
      'a refused control virtqueue takes a generic device with it',
      [doorbells('vp0', 'mapped', 'mapped', refused('EINVAL'))],
      true,
      'device',
      [],
    ],
    ['.. but no pair', [doorbells('vp0', 'mapped', 'mapped', refused('EINVAL'))], true, 'netdev', [0, 1]],
  ])('%s', (_, edits, pagePerVq, granularity, expected) => {
    expect(bindDevice('net0', hostDevice('vp0', ...edits), pagePerVq, granularity)).toEqual({
      id: 'net0',
      vdpa: 'vp0',
      charDevice: '/dev/vhost-vdpa-0',
      expectedHostNotifiers: expected,
    });
  });
});

describe('needsSharedMemory: parents that use virtual addresses skip memory that is not shared', () => {
  test.each<[what: string, names: string[], edits: Edit[], overBlockDriver: boolean, shared: boolean]>([
    ['hardware', ['vp0', 'vp1'], [], false, false],
    ['a simulator', ['sim0'], [], false, true],
    ['one simulator among hardware', ['vp0', 'sim0'], [], false, true],
    ['VDUSE', ['vp0'], [device('vp0', { parent: null, managementDevice: 'vduse' })], false, true],
    ['a parent that nobody has heard of might', ['vp0'], [parentDriver('vp0', 'newdpa')], false, true],
    ['hardware behind the block driver: libblkio wants memory that it can share', ['vp0'], [], true, true],
    ['nothing', [], [], false, false],
  ])('%s', (_, names, edits, overBlockDriver, shared) => {
    const devices = names.map((name) => hostDevice(name, ...edits));
    expect(needsSharedMemory(devices, overBlockDriver)).toBe(shared);
  });
});

describe('chooseEmulator', () => {
  const nic = 'interfaces: [{id: net0, vdpa: vp0}]';
  const old: Edit = qemu({ version: '4.2.0', netdevVhostVdpa: null });
  test.each<[what: string, body: string, edits: Edit[], machine: MachineType, path: string, findings: string[]]>([
    ['the one in the report', nic, [], q35, '/usr/bin/qemu-system-x86_64', []],
    ['the one in the spec, unseen', `${nic}\nemulator: /opt/qemu`, [old], q35, '/opt/qemu', []],
    ['the usual one where none is known', nic, [withoutQemu], q35, '/usr/bin/qemu-system-x86_64', []],
    ['.. of Arm', nic, [withoutQemu], virt, '/usr/bin/qemu-system-aarch64', []],
    [
      'one that has no vhost-vdpa',
      nic,
      [old],
      q35,
      '/usr/bin/qemu-system-x86_64',
      [
        'error plan.qemu-lacks-vhost-vdpa /interfaces: QEMU 4.2.0 on host l1 has no -netdev vhost-vdpa (QEMU 5.1 and newer have)',
      ],
    ],
    [
      '.. which a VM without a vDPA NIC does not need',
      'disks: [{id: d, file: /x}]',
      [old],
      q35,
      '/usr/bin/qemu-system-x86_64',
      [],
    ],
  ])('%s', (_, body, edits, machine, path, findings) => {
    let chosen = '';
    expect(foundBy((found) => (chosen = chooseEmulator(specOf(body), planHost(...edits), machine, found)))).toEqual(
      findings,
    );
    expect(chosen).toBe(path);
  });
});

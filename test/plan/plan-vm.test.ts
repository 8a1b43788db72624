import { describe, expect, test } from 'vitest';
import { VdpaQemuError } from '../../src/model/error.ts';
import validate from '../../src/model/generated/vm-plan.validate.js';
import { host, named, netConfig, qemu, queuePairs, reportWith, withoutQemu, type Edit } from '../report-builder.ts';
import { findingsOf, planOf, soundPlan, twoHosts } from './planning.ts';

const nic = 'interfaces: [{id: net0, vdpa: vp0}]\n';

describe('the host to bind to', () => {
  test.each<[what: string, names: string[], body: string, on: string | undefined, message: string]>([
    [
      'several, and none is named',
      ['a', 'b'],
      nic,
      undefined,
      'several hosts (a, b): say with --on which of them to bind to',
    ],
    ['another', ['a', 'b'], nic, 'c', 'no host c in the migration domain (a, b)'],
    ['another than the only one', ['a'], nic, 'c', 'no host c in the migration domain (a)'],
    [
      'one that is not listed',
      ['a', 'b'],
      `${nic}migration: {hosts: [a]}`,
      'b',
      'no host b in the migration domain (a)',
    ],
    ['none at all', [], nic, undefined, 'no host report is given'],
  ])('%s', (_, names, body, on, message) => {
    const plan = (): unknown =>
      planOf(
        body,
        names.map((name) => reportWith(named(name))),
        on,
      );
    expect(plan).toThrow(VdpaQemuError);
    expect(plan).toThrow(expect.objectContaining({ code: 'usage', message }) as Error);
  });

  test('what is wrong with the domain is told first', () => {
    expect(findingsOf(`${nic}migration: {hosts: [a, b]}`, [reportWith(named('c'))])).toEqual([
      'warning plan.host-not-listed /migration/hosts: the report of host c is left out: migration.hosts does not list it',
      'error plan.host-without-report /migration/hosts: no report of host a is given, so the guest ABI cannot be made to fit it => run `vdpa-qemu probe` on a',
      'error plan.host-without-report /migration/hosts: no report of host b is given, so the guest ABI cannot be made to fit it => run `vdpa-qemu probe` on b',
    ]);
  });

  test.each(['hostA', 'hostB'])('%s by name', (on) => {
    expect(soundPlan(nic, twoHosts(), on).binding.host).toBe(on);
  });

  test('the only one need not be named', () => {
    expect(soundPlan(nic, [reportWith()]).binding.host).toBe('l1');
    expect(soundPlan(nic, [reportWith()], 'l1').binding.host).toBe('l1');
  });
});

describe('guest ABI and binding', () => {
  const body = `${nic}disks: [{id: disk0, file: /x, format: qcow2}]\nqmpSocket: /run/q\ncpu: {count: 2}\n`;

  test('is a VmPlan by the schema', () => {
    const plan = soundPlan(body, [reportWith()]);
    expect(validate(plan)).toBe(true);
    expect(plan).toMatchObject({
      name: 'web1',
      guestAbi: {
        machine: 'pc-q35-10.0',
        architecture: 'x86_64',
        cpu: { model: 'qemu64', count: 2 },
        memoryBytes: 2 ** 30,
        disks: [{ id: 'disk0', rootPort: 2, queues: 2, readOnly: false, bootIndex: 1 }],
      },
      binding: {
        host: 'l1',
        emulator: '/usr/bin/qemu-system-x86_64',
        accelerator: 'tcg',
        memoryShared: false,
        lockedMemoryBytes: 2 * 2 ** 30,
        qmpSocket: '/run/q',
        disks: [{ id: 'disk0', file: '/x', format: 'qcow2' }],
      },
    });
  });

  test('the guest ABI is the same, to whichever host it is bound', () => {
    const differing: Edit[] = [host({ pageSize: 65536 }), (report) => void (report.qemu[0]!.path = '/opt/qemu')];
    const reports = twoHosts([], differing);
    const [a, b] = [soundPlan(body, reports, 'hostA'), soundPlan(body, reports, 'hostB')];
    expect(b.guestAbi).toEqual(a.guestAbi);
    expect(b.binding).toMatchObject({ host: 'hostB', emulator: '/opt/qemu' });
  });

  test('the order of the reports changes nothing', () => {
    const reports = twoHosts([], [host({ pageSize: 65536 })]);
    expect(soundPlan(body, [...reports].reverse(), 'hostA')).toEqual(soundPlan(body, reports, 'hostA'));
  });

  test.each<[vdpaDevices: number, body: string]>([
    [0, 'disks: [{id: d, file: /x}]'],
    [1, nic],
    [2, `${nic}disks: [{id: d, vdpa: blk0}]`],
    [3, `${nic}disks: [{id: d, vdpa: blk0}]\nvdpaDevices: [{id: g, vdpa: vp1}]`],
  ])('%i vDPA devices: the guest is pinned so many times, and 1 GiB', (count, devices) => {
    const { binding } = soundPlan(devices, [reportWith()]);
    expect(binding.lockedMemoryBytes).toBe(count === 0 ? 0 : (count + 1) * 2 ** 30);
  });

  test('shared memory where one parent needs it, and never for a VM without vDPA devices', () => {
    expect(soundPlan(nic, [reportWith()]).binding.memoryShared).toBe(false);
    expect(soundPlan('interfaces: [{id: n, vdpa: sim0}]', [reportWith()]).binding.memoryShared).toBe(true);
    expect(soundPlan('disks: [{id: d, file: /x}]', [reportWith()]).binding.memoryShared).toBe(false);
  });
});

describe('one device has one user', () => {
  test.each([
    ['interfaces: [{id: a, vdpa: vp0}, {id: b, vdpa: /dev/vhost-vdpa-0}]', '/interfaces/1/vdpa'],
    ['interfaces: [{id: a, vdpa: vp0}, {id: b, vdpa: {l1: vp0}}]', '/interfaces/1/vdpa'],
    ['interfaces: [{id: a, vdpa: vp0}]\nvdpaDevices: [{id: b, vdpa: /dev/vhost-vdpa-0}]', '/vdpaDevices/0/vdpa'],
  ])('%s', (body, path) => {
    expect(findingsOf(body, [reportWith()])).toContain(
      `error plan.device-taken ${path}: vDPA device vp0 on host l1 is taken by a already: /dev/vhost-vdpa-N can be opened once`,
    );
  });
});

describe('no plan', () => {
  test.each<[what: string, body: string, reports: Edit[], codes: string[]]>([
    ['a NIC that the device is not', 'interfaces: [{id: n, vdpa: blk0}]', [], ['plan.device-class']],
    ['a generic device that is not there', 'vdpaDevices: [{id: n, vdpa: vp9}]', [], ['plan.device-missing']],
    ['a QEMU that is too old', nic, [qemu({ netdevVhostVdpa: null })], ['plan.qemu-lacks-vhost-vdpa']],
    [
      'three errors in one run',
      'interfaces: [{id: n, vdpa: vp9}]\ndisks: [{id: d, vdpa: vp0}]\nvdpaDevices: [{id: g, vdpa: vp8}]',
      [],
      ['plan.device-missing', 'plan.device-class', 'plan.device-missing'],
    ],
  ])('%s', (_, body, edits, codes) => {
    const { plan, findings } = planOf(body, [reportWith(...edits)]);
    expect(plan).toBeUndefined();
    expect(findings.filter(({ severity }) => severity === 'error').map(({ code }) => code)).toEqual(codes);
  });

  test('a machine that is not there', () => {
    const head = 'schemaVersion: 1\nname: web1\nmachine: q36\nmemory: 1GiB\n';
    expect(planOf(nic, [reportWith()], undefined, head).plan).toBeUndefined();
  });

  test('a device that is missing on another host than the one that is bound to', () => {
    const without: Edit = (report) => void (report.devices = report.devices.filter(({ name }) => name !== 'vp0'));
    expect(planOf(nic, twoHosts([], [without]), 'hostA').plan).toBeUndefined();
    expect(planOf('vdpaDevices: [{id: g, vdpa: vp0}]', twoHosts([without], []), 'hostA').plan).toBeUndefined();
    expect(planOf('disks: [{id: g, vdpa: {hostA: blk9, hostB: blk0}}]', twoHosts(), 'hostA').plan).toBeUndefined();
  });
});

test('a host without a known QEMU is planned for, with a warning', () => {
  const { plan, findings } = planOf(nic, [reportWith(withoutQemu, queuePairs('vp0', 2), netConfig('vp0', {}))]);
  expect(plan?.binding.emulator).toBe('/usr/bin/qemu-system-x86_64');
  expect(findings.map(({ code }) => code)).toEqual(['plan.qemu-unknown', 'plan.locked-memory-limit']);
});

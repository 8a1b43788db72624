/** `gen` over a migration domain: the outputs for two hosts differ only in the binding. */
import { expect, test } from 'vitest';
import { planVm } from '../../src/plan/plan-vm.ts';
import { renderLibvirtXml } from '../../src/render/libvirt-xml.ts';
import { renderQemuArgv } from '../../src/render/qemu-argv.ts';
import { named, onDevice, qemu, reportWith } from '../report-builder.ts';
import { specOf } from '../spec-builder.ts';

const spec = specOf(`interfaces:
  - {id: net0, vdpa: {l1: vp1, l2: vp0}, mac: 52:54:00:12:34:56, hostNotifier: auto}
  - {id: net1, vdpa: sim0}
disks: [{id: disk0, file: /var/lib/images/a.qcow2, format: qcow2}]
migration: {hosts: [l1, l2]}
`);
const withMac = (name: string) =>
  onDevice(name, ({ identity }) => void Object.assign(identity.config, { mac: '52:54:00:12:34:56' }));
const l1 = reportWith(withMac('vp1'), withMac('vp0'));
const l2 = reportWith(named('l2'), withMac('vp0'), qemu({ version: '10.0.5' }), (report) => {
  report.qemu[0]!.path = '/opt/qemu/bin/qemu-system-x86_64';
  report.devices.find(({ name }) => name === 'vp0')!.charDevice = { path: '/dev/vhost-vdpa-9', major: 250, minor: 9 };
});

function planOn(name: string) {
  const { plan, findings } = planVm(spec, [l1, l2], name);
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  return plan!;
}

/** Lines of the first that are not in the second at the same place, and the other way round. */
function changedLines(a: readonly string[], b: readonly string[]): string[] {
  expect(a.length).toBe(b.length);
  return a.flatMap((line, index) => (line === b[index] ? [] : [line, b[index] ?? '']));
}

test('QEMU arguments differ in the char device, the emulator in its path', () => {
  const [one, two] = [renderQemuArgv(planOn('l1')), renderQemuArgv(planOn('l2'))];
  expect(one[0]).not.toBe(two[0]);
  expect(changedLines(one.slice(1), two.slice(1)).map((line) => line.replace(/\/dev\/vhost-vdpa-\d+/, 'NODE'))).toEqual(
    ['vhost-vdpa,id=hostnet0,vhostdev=NODE', 'vhost-vdpa,id=hostnet0,vhostdev=NODE'],
  );
});

test('the libvirt XML differs in the same, and has the same digest of the guest ABI', () => {
  const plans = [planOn('l1'), planOn('l2')];
  const [one, two] = plans.map((plan) =>
    renderLibvirtXml(plan)
      .split('\n')
      .map((line) => line.trim()),
  );
  const allowed = /^<(emulator>|source dev='\/dev\/vhost-vdpa-)/;
  const lines = changedLines(one!, two!);
  expect(lines.filter((line) => !allowed.test(line))).toEqual([]);
  expect(lines.length).toBeGreaterThan(0);
  expect(plans[0]!.guestAbiDigest).toBe(plans[1]!.guestAbiDigest);
});

test('a host that cannot join is named, with the reason', () => {
  const small = reportWith(
    named('l2'),
    withMac('vp0'),
    qemu({ machines: [{ name: 'pc-q35-9.2', deprecated: false }] }),
  );
  const { plan, findings } = planVm(spec, [l1, small], 'l1');
  expect(plan).toBeUndefined();
  expect(findings.filter(({ severity }) => severity === 'error').map(({ message }) => message)).toEqual([
    'host l2 has no machine type pc-q35-10.0; its QEMU has pc-q35-9.2 to pc-q35-9.2',
  ]);
});

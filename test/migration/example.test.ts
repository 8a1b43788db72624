import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

const hosts = ['examples/quickstart/host.json', 'examples/migration-domain/l2.json'];

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['examples/check-migration.mjs', ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

test('without hosts: how it is used', () => {
  const usage = 'usage: node examples/check-migration.mjs GUEST SOURCE-REPORT DESTINATION-REPORT..\n';
  expect(run('x')).toEqual({ status: 2, stdout: '', stderr: usage });
});

test('of a spec for both hosts', () => {
  const { status, stdout, stderr } = run('examples/migration-domain/vm.yaml', ...hosts);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/^l2: cannot: QEMU refuses to begin/);
});

test('of a libvirt domain', () => {
  const { status, stdout, stderr } = run('examples/migration-domain/expected.xml', ...hosts);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout.split('\n')[0]).toBe(
    'l2: cannot: QEMU refuses to begin, and the guest stays: ua-net0: vp1 offers GUEST_ANNOUNCE, INDIRECT_DESC, RING_RESET, and shadow virtqueues do not work with that: vdpa svq does not work with features 0x200000',
  );
  expect(stdout).toContain(
    'on l2: vdpa dev del vp0; vdpa dev add name vp0 mgmtdev pci/0000:00:04.0 device_features 0x300830020',
  );
});

import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

test('examples/check-migration.mjs', () => {
  const hosts = ['examples/quickstart/host.json', 'examples/migration-domain/l2.json'];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['examples/check-migration.mjs', 'examples/migration-domain/expected.xml', ...hosts],
    { encoding: 'utf8' },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout.split('\n')[0]).toBe(
    'l2: cannot: QEMU refuses to begin, and the guest stays: ua-net0: vp1 offers GUEST_ANNOUNCE, INDIRECT_DESC, RING_RESET, and shadow virtqueues do not work with that: vdpa svq does not work with features 0x200000',
  );
  expect(stdout).toContain(
    'on l2: vdpa dev del vp0; vdpa dev add name vp0 mgmtdev pci/0000:00:04.0 device_features 0x300830020',
  );
});

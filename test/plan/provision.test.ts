import { expect, test } from 'vitest';
import { unknown } from '../../src/model/fact.ts';
import { provisionCommand } from '../../src/plan/provision.ts';
import { device, deviceOf, identity, netConfig, queuePairs, reportWith, type Edit } from '../report-builder.ts';

const vp0 = 'vdpa dev del vp0; vdpa dev add name vp0 mgmtdev pci/0000:00:04.0';

test.each<[what: string, name: string, edits: Edit[], wanted: Parameters<typeof provisionCommand>[1], command: string]>(
  [
    ['pairs; the MAC stays', 'vp0', [], { maxVqp: 2 }, `${vp0} mac 52:54:00:0d:0a:00 max_vqp 2`],
    ['MAC', 'vp0', [], { mac: '52:54:00:00:00:01' }, `${vp0} mac 52:54:00:00:00:01`],
    [
      'MAC; pairs and MTU stay',
      'vp0',
      [queuePairs('vp0', 4), netConfig('vp0', { mtu: 9000 })],
      { mac: '52:54:00:00:00:01' },
      `${vp0} mac 52:54:00:00:00:01 mtu 9000 max_vqp 4`,
    ],
    [
      'MTU of a simulator',
      'sim0',
      [],
      { mtu: 9000 },
      'vdpa dev del sim0; vdpa dev add name sim0 mgmtdev vdpasim_net mac 52:54:00:0d:0a:02 mtu 9000',
    ],
    [
      'the management device is not known',
      'vp0',
      [device('vp0', { managementDevice: unknown('no-tool', 'x') })],
      { mtu: 9000 },
      'vdpa dev del vp0; vdpa dev add name vp0 mgmtdev MGMTDEV mac 52:54:00:0d:0a:00 mtu 9000',
    ],
    [
      'nothing of the device is known',
      'vp0',
      [identity('vp0', { config: unknown('EBUSY', 'x') })],
      { maxVqp: 2 },
      `${vp0} max_vqp 2`,
    ],
  ],
)('%s', (_, name, edits, wanted, command) => {
  expect(provisionCommand(deviceOf(reportWith(...edits), name), wanted)).toBe(command);
});

import { expect, test } from 'vitest';
import { unknown } from '../../src/model/fact.ts';
import { provisionCommand } from '../../src/plan/provision.ts';
import {
  device,
  deviceOf,
  identity,
  netConfig,
  parentDriver,
  queuePairs,
  reportWith,
  type Edit,
} from '../report-builder.ts';

const add = (name: string, parent: string): string =>
  `vdpa dev del ${name}; vdpa dev add name ${name} mgmtdev ${parent}`;
const vp0 = add('vp0', 'pci/0000:00:04.0');
const refusal = (what: string, driver = 'vp-vdpa'): string =>
  `\`vdpa dev add\` takes no ${what} for parent driver ${driver}: set it where the parent device itself is made, or take what vp0 has into the spec`;
const mlx5 = parentDriver('vp0', 'mlx5_core');

test.each<[what: string, name: string, edits: Edit[], wanted: Parameters<typeof provisionCommand>[1], command: string]>(
  [
    ['pairs; the MAC stays', 'vp0', [mlx5], { maxVqp: 2 }, `${vp0} mac 52:54:00:0d:0a:00 max_vqp 2`],
    ['MAC', 'vp0', [mlx5], { mac: '52:54:00:00:00:01' }, `${vp0} mac 52:54:00:00:00:01`],
    [
      'MAC; pairs and MTU stay',
      'vp0',
      [mlx5, queuePairs('vp0', 4), netConfig('vp0', { mtu: 9000 })],
      { mac: '52:54:00:00:00:01' },
      `${vp0} mac 52:54:00:00:00:01 mtu 9000 max_vqp 4`,
    ],
    ['MTU of a simulator', 'sim0', [], { mtu: 9000 }, `${add('sim0', 'vdpasim_net')} mac 52:54:00:0d:0a:02 mtu 9000`],
    [
      'a parent that is not in our table may take all',
      'vp0',
      [parentDriver('vp0', 'newdpa')],
      { mtu: 9000 },
      `${vp0} mac 52:54:00:0d:0a:00 mtu 9000`,
    ],
    [
      'the management device is not known',
      'vp0',
      [mlx5, device('vp0', { managementDevice: unknown('no-tool', 'x') })],
      { mtu: 9000 },
      `${add('vp0', 'MGMTDEV')} mac 52:54:00:0d:0a:00 mtu 9000`,
    ],
    [
      'nothing of the device is known',
      'vp0',
      [mlx5, identity('vp0', { config: unknown('EBUSY', 'x') })],
      { maxVqp: 2 },
      `${vp0} max_vqp 2`,
    ],
    [
      'what the parent does not take stays away',
      'vp0',
      [parentDriver('vp0', 'pds_vdpa.vDPA'), netConfig('vp0', { mtu: 9000 })],
      { maxVqp: 2 },
      `${vp0} mac 52:54:00:0d:0a:00 max_vqp 2`,
    ],
    ['vp_vdpa takes no MAC', 'vp0', [], { mac: '52:54:00:00:00:01' }, refusal('mac')],
    ['.. no MTU', 'vp0', [], { mtu: 9000 }, refusal('mtu')],
    ['.. and no queue pairs', 'vp0', [], { maxVqp: 2 }, refusal('max_vqp')],
    [
      'nor does octeon_ep',
      'vp0',
      [parentDriver('vp0', 'octep_vdpa')],
      { maxVqp: 2, mtu: 9000 },
      refusal('mtu and no max_vqp', 'octep_vdpa'),
    ],
  ],
)('%s', (_, name, edits, wanted, command) => {
  expect(provisionCommand(deviceOf(reportWith(...edits), name), wanted)).toBe(command);
});

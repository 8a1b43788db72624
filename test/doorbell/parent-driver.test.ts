import { expect, test } from 'vitest';
import { parentDriverOf } from '../../src/doorbell/parent-driver.ts';
import { unknown } from '../../src/model/fact.ts';
import { device, deviceOf, parentDriver, reportWith, type Edit } from '../report-builder.ts';

const noParent = device('vp0', { parent: unknown('EIO', 'x') });
const noTool = device('vp0', { managementDevice: unknown('no-tool', 'vdpa is not installed') });

test.each<[what: string, name: string, edits: Edit[], driver: string | null]>([
  ["the parent device's driver", 'vp0', [], 'vp-vdpa'],
  ['the management device where there is no parent device', 'sim0', [], 'vdpasim_net'],
  [
    'the management device where no driver is bound to the parent',
    'vp0',
    [parentDriver('vp0', null)],
    'pci/0000:00:04.0',
  ],
  ['the management device where the parent could not be read', 'vp0', [noParent], 'pci/0000:00:04.0'],
  ['the parent device needs no vdpa tool', 'vp0', [noTool], 'vp-vdpa'],
  ['nothing', 'vp0', [noParent, noTool], null],
])('%s', (_, name, edits, driver) => {
  expect(parentDriverOf(deviceOf(reportWith(...edits), name))).toBe(driver);
});

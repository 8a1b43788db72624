import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readGuestConfiguration } from '../../src/import/read.ts';
import type { VmPlan } from '../../src/model/generated/vm-plan.ts';
import { renderLibvirtXml } from '../../src/render/libvirt-xml.ts';
import { renderQemuArgv } from '../../src/render/qemu-argv.ts';
import { validateDocument } from '../../src/validate/validate-document.ts';

test.each([
  ['interfaces', 'quickstart'],
  ['disks', 'vdpa-disk-blockdev'],
  ['vdpaDevices', 'generic-net'],
] as const)('a plan that binds nothing to its %s is refused everywhere', async (key, name) => {
  const plan = JSON.parse(readFileSync(`test/golden/${name}/expected.plan.json`, 'utf8')) as VmPlan;
  const loose = { ...plan, binding: { ...plan.binding, [key]: [] } };
  const message = `the plan binds nothing to device ${plan.guestAbi[key][0]!.id} (binding)`;
  for (const use of [renderQemuArgv, renderLibvirtXml]) expect(() => use(loose)).toThrow(message);
  expect(() => readGuestConfiguration(JSON.stringify(loose), { file: 'p.json' })).toThrow(`p.json: ${message}`);
  const { findings } = await validateDocument(JSON.stringify(loose), { as: 'plan' });
  expect(findings).toMatchObject([{ code: 'validate.unreadable', severity: 'error', message }]);
});

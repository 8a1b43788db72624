/** What the golden plans render to is read back as the same guest, in every form. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fromPlan } from '../../src/import/from-plan.ts';
import { fromLibvirt } from '../../src/import/from-libvirt.ts';
import { fromQemuArgv } from '../../src/import/from-qemu-argv.ts';
import { wordsOf } from '../../src/import/words.ts';
import { parseXml } from '../../src/import/xml-document.ts';
import type { VmPlan } from '../../src/model/generated/vm-plan.ts';
import { renderLibvirtXml } from '../../src/render/libvirt-xml.ts';
import { renderQemuArgv } from '../../src/render/qemu-argv.ts';
import { renderCommand } from '../../src/render/shell.ts';

const cases = readdirSync('test/golden').filter((name) => existsSync(join('test/golden', name, 'expected.plan.json')));
const planOf = (name: string): VmPlan =>
  JSON.parse(readFileSync(join('test/golden', name, 'expected.plan.json'), 'utf8')) as VmPlan;

describe.each(cases)('%s', (name) => {
  const plan = planOf(name);
  const want = fromPlan(plan);

  test('its command line, as text, lines, JSON and NUL-separated', () => {
    const argv = renderQemuArgv(plan);
    for (const text of [renderCommand(argv), `${argv.join('\0')}\0`, JSON.stringify(argv)]) {
      const { configuration, complaints } = fromQemuArgv(wordsOf(text, 'vm.args'), 'vm.args');
      expect(complaints).toEqual([]);
      expect(configuration.guest).toEqual({
        ...want.guest,
        otherDevices: configuration.guest.otherDevices,
        interfaces: want.guest.interfaces.map((net, index) => ({
          ...net,
          queuePairs: configuration.guest.interfaces[index]?.queuePairs,
        })),
      });
      expect(configuration.digest).toBe(want.digest);
    }
  });

  test('its libvirt XML', () => {
    const { configuration, complaints } = fromLibvirt(parseXml(renderLibvirtXml(plan), 'vm.xml'), 'vm.xml');
    expect(complaints).toEqual([]);
    expect(configuration.undetermined.filter(({ inDigest }) => inDigest)).toEqual([]);
    expect(configuration.guest.interfaces.map(({ pagePerVq }) => pagePerVq)).toEqual(
      want.guest.interfaces.map(({ pagePerVq }) => pagePerVq),
    );
    expect(configuration.digest).toBe(want.digest);
    expect(configuration.binding.lockedMemoryBytes ?? 0).toBe(plan.binding.lockedMemoryBytes);
  });
});

describe('machine types whose watchdog must be let loose, as libvirt does', () => {
  const quickstart = planOf('quickstart');
  const on = (machine: string): VmPlan => ({ ...quickstart, guestAbi: { ...quickstart.guestAbi, machine } });

  test.each([
    ['pc-q35-7.2', ['ICH9-LPC.noreboot=off']],
    ['pc-q35-rhel9.4.0', ['ICH9-LPC.noreboot=off']],
    ['pc-q35-8.0', undefined],
    ['pc-q35-10.0', undefined],
  ])('%s', (machine, global) => {
    const plan = on(machine);
    const argv = renderQemuArgv(plan);
    expect(argv.includes('ICH9-LPC.noreboot=off')).toBe(global !== undefined);
    const guests = [
      fromPlan(plan),
      fromQemuArgv(wordsOf(JSON.stringify(argv), 'vm.args'), 'vm.args').configuration,
      fromLibvirt(parseXml(renderLibvirtXml(plan), 'vm.xml'), 'vm.xml').configuration,
    ];
    for (const { guest } of guests)
      expect(guest.otherOptions).toEqual({ boot: ['strict=on'], ...(global && { global }) });
    if (machine.includes('rhel')) return;
    const [digest, ...others] = guests.map((one) => one.digest);
    expect(others).toEqual([digest, digest]);
  });
});

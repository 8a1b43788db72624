/**
 * What we say of a guest from its libvirt XML, against the command line that libvirt really builds of that XML, read by
 * the same reader; and our own command line against libvirt's for one plan. Needs libvirt's QEMU driver and root, and
 * no vDPA device.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readGuestConfiguration } from '../../src/import/read.ts';
import type { GuestConfiguration } from '../../src/model/generated/guest-configuration.ts';
import type { VmPlan } from '../../src/model/generated/vm-plan.ts';
import { renderLibvirtXml } from '../../src/render/libvirt-xml.ts';
import { renderQemuArgv } from '../../src/render/qemu-argv.ts';
import { compareGuests } from '../fidelity/compare.ts';
import { EmbeddedLibvirt, type Built } from '../fidelity/embedded-libvirt.ts';
import { variants } from '../fidelity/variants.ts';
import { isBefore, ownPrograms, trixiePrograms } from '../opinions/programs.ts';

/** The golden plans that libvirt can start without KVM and without UEFI firmware. */
const plans = readdirSync('test/golden')
  .filter((name) => existsSync(join('test/golden', name, 'expected.plan.json')))
  .map((name) => ({
    name,
    plan: JSON.parse(readFileSync(join('test/golden', name, 'expected.plan.json'), 'utf8')) as VmPlan,
  }))
  .filter(({ plan }) => plan.guestAbi.architecture === 'x86_64' && plan.guestAbi.cpu.model !== 'host');

const read = (text: string, as: 'libvirt' | 'qemu-argv'): GuestConfiguration => {
  const { configuration, findings } = readGuestConfiguration(text, { as });
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  return configuration!;
};

describe.each([
  ['this machine', ownPrograms()],
  ['trixie', trixiePrograms()],
])('fidelity to libvirt: %s', (_, programs) => {
  const why = typeof programs === 'string' ? programs : process.getuid?.() === 0 ? '' : 'libvirt takes root';
  if (typeof programs === 'string' || why !== '') {
    test.skip(`skipped: ${why}`, () => undefined);
    return;
  }
  const version = programs.qemuVersion.split('.').slice(0, 2).join('.');
  const libvirt = new EmbeddedLibvirt(join(programs.folder, 'virsh'));
  const table: string[] = [];
  afterAll(() => {
    console.log(`fidelity, libvirt ${programs.libvirtVersion}, QEMU ${programs.qemuVersion}\n${table.join('\n')}`);
    libvirt.end();
    programs.end();
  });

  const own = plans.map(({ name, plan }) => ({
    name,
    plan: { ...onThisMachine(plan, version, libvirt), name: `plan-${name}` },
  }));
  const asked = variants.map(({ xml, ...rest }) => ({
    ...rest,
    xml: xml
      .replaceAll('FOLDER', libvirt.folder)
      .replaceAll('EMULATOR', '/usr/bin/qemu-system-x86_64')
      .replaceAll('VERSION', version),
  }));
  let built: Built[] = [];
  let builtOfPlans: Built[] = [];

  test('libvirt builds the command lines', async () => {
    const all = await libvirt.build([
      ...asked.map(({ domain, xml }) => ({ name: domain, xml })),
      ...own.map(({ plan }) => ({ name: plan.name, xml: renderLibvirtXml(plan) })),
    ]);
    built = all.slice(0, asked.length);
    builtOfPlans = all.slice(asked.length);
    expect(built.filter(({ commandLine }) => commandLine !== undefined).length).toBeGreaterThanOrEqual(60);
  });

  test.each(asked.map((one, index) => ({ ...one, index })))('$name', ({ name, xml, index }) => {
    const { commandLine, said } = built[index]!;
    const refusal = refusals[name];
    const isRefused = refusal !== undefined && isBefore(programs.libvirtVersion, refusal.before);
    expect({ said, isRefused: commandLine === undefined }).toMatchObject({ isRefused });
    if (commandLine === undefined) {
      table.push(`${name}: libvirt refuses: ${said.slice(0, 100)}`);
      expect(said).toContain(refusal?.said);
      return;
    }
    const [ours, theirs] = [read(xml, 'libvirt'), read(commandLine, 'qemu-argv')];
    const { differences, unknown, same } = compareGuests(ours, theirs);
    const verdict = ours.digest === null ? `undetermined here: ${unknown.join(' ')}` : 'one digest';
    table.push(`${name}: ${same} properties the same, ${verdict}`);
    expect(same).toBeGreaterThanOrEqual(10);
    // where something is undetermined we promise no digest, and devices that libvirt adds may be missing: as a whole
    const told = ours.digest === null ? differences.filter((line) => !addedDevice.test(line)) : differences;
    // what is said here is said of libvirt 11.3
    const old = isBefore(programs.libvirtVersion, '9.1.0');
    const wrong = told.filter((line) => !(old && addedIn91.test(line)));
    expect(wrong).toEqual(known(name));
    if (ours.digest !== null && told.length === 0) expect(theirs.digest).toBe(ours.digest);
  });

  test.each(own.map((one, index) => ({ ...one, index })))('plan $name: our command line and libvirt’s', (one) => {
    const { commandLine, said } = builtOfPlans[one.index]!;
    if (commandLine === undefined) {
      table.push(`plan ${one.name}: libvirt refuses: ${said.slice(0, 100)}`);
      // before 9.8.0 libvirt knows no vDPA disks
      const disks = one.plan.binding.disks.some((disk) => 'charDevice' in disk);
      expect({ said, old: disks && isBefore(programs.libvirtVersion, '9.8.0') }).toMatchObject({ old: true });
      return;
    }
    const argv = renderQemuArgv(one.plan);
    const [ours, theirs] = [read(JSON.stringify(argv), 'qemu-argv'), read(commandLine, 'qemu-argv')];
    const { differences, same } = compareGuests(ours, theirs);
    table.push(`plan ${one.name}: ${same} properties the same`);
    expect(differences).toEqual([]);
    expect(theirs.digest).toBe(ours.digest);
    expect(ours.digest).not.toBeNull();
  });
});

/** What libvirt does not take before a version that was seen to take it, and a part of what it says. */
const refusals: Readonly<Record<string, { readonly said: string; readonly before: string }>> = {
  'non-transitional model': {
    said: "invalid model for interface of type 'vdpa': 'virtio-non-transitional'",
    before: '11.3.0',
  },
  'user network': { said: 'setting MTU on interface type user is not supported yet', before: '99.0.0' },
  'watchdog itco': { said: "unknown watchdog model 'itco'", before: '11.3.0' },
};

/** A device that only one side has; a property that only one side has is a difference. */
const addedDevice = /^\/[a-zA-Z]+\/[^/:]+: (?:.* \/ absent|absent \/ .*)$/;

/** From 9.1.0 on libvirt adds the watchdog of q35, which machine types up to 7.2 have switched off. */
const addedIn91 = /^\/otherOptions\/global.*ICH9-LPC\.noreboot=off"\]? \/ absent$/;

/** Where the command line is not the whole truth. */
function known(name: string): string[] {
  // libvirt starts with those that cannot be unplugged, and plugs in the others before the guest runs
  return name === 'CPUs one by one' ? ['/cpu/count: 2 / 1'] : [];
}

/** The same plan with files and a machine type that this machine has. */
function onThisMachine(plan: VmPlan, version: string, libvirt: EmbeddedLibvirt): VmPlan {
  const { guestAbi, binding } = structuredClone(plan);
  let count = 0;
  const file = (): string => libvirt.makeDisk(`device-${count++}`, 'raw');
  return {
    ...plan,
    guestAbi: { ...guestAbi, machine: `pc-q35-${version}` },
    binding: {
      ...binding,
      emulator: '/usr/bin/qemu-system-x86_64',
      accelerator: 'tcg',
      interfaces: binding.interfaces.map((bound) => ({ ...bound, charDevice: file() })),
      vdpaDevices: binding.vdpaDevices.map((bound) => ({ ...bound, charDevice: file() })),
      disks: binding.disks.map((bound) =>
        'file' in bound
          ? { ...bound, file: libvirt.makeDisk(basename(bound.file), bound.format) }
          : { ...bound, charDevice: file() },
      ),
    },
  };
}

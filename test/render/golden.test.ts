/**
 * From a spec and host reports to the QEMU command line, the libvirt XML and the plan, as kept in test/golden/<case>/.
 * UPDATE_GOLDEN=1 rewrites what is expected; a difference is to be read before it is kept.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { HostReport } from '../../src/model/generated/host-report.ts';
import type { VmPlan } from '../../src/model/generated/vm-plan.ts';
import { planVm } from '../../src/plan/plan-vm.ts';
import { renderJson } from '../../src/render/json.ts';
import { renderLibvirtXml } from '../../src/render/libvirt-xml.ts';
import { renderQemuArgv } from '../../src/render/qemu-argv.ts';
import { renderCommand } from '../../src/render/shell.ts';
import { loadSpec } from '../../src/spec/load.ts';
import { updateGolden } from '../golden.ts';
import { arm, host, named, netConfig, queuePairs, reportWith, withFeature } from '../report-builder.ts';

interface Case {
  readonly reports: HostReport[];
  readonly on: string;
  /** codes of what is found on the way */
  readonly codes: string[];
}

const locked = 'plan.locked-memory-limit';
const captured = (codes: string[] = []): Case => ({ reports: [reportWith()], on: 'l1', codes });

const east = reportWith(named('east'), host({ kvm: true, lockedMemoryLimit: 'unlimited' }));
const west = reportWith(
  named('west'),
  host({ kvm: true }),
  netConfig('sim0', { mac: '52:54:00:0d:0a:00' }),
  (report) => void (report.qemu[0]!.path = '/opt/qemu/bin/qemu-system-x86_64'),
);

const cases: Record<string, Case> = {
  quickstart: captured([locked]),
  'no-devices': captured(),
  'four-queue-pairs': { reports: [reportWith(queuePairs('vp0', 4))], on: 'l1', codes: [locked] },
  'ten-disks': captured(),
  'vdpa-disk-blockdev': captured([locked]),
  'vdpa-disk-device': captured([locked, 'plan.not-migratable']),
  'generic-net': captured([locked, 'plan.not-migratable', 'plan.not-migratable']),
  simulator: captured([locked]),
  mtu: {
    reports: [
      reportWith(
        netConfig('vp0', { mtu: 9000 }),
        withFeature('vp0', 'VIRTIO_NET_F_MTU'),
        withFeature('vp0', 'VIRTIO_F_RING_PACKED'),
      ),
    ],
    on: 'l1',
    codes: [locked],
  },
  'cpu-host': {
    reports: [reportWith(host({ kvm: true, lockedMemoryLimit: 'unlimited' }))],
    on: 'l1',
    codes: ['spec.cpu-not-migratable'],
  },
  'cpu-max': captured(['spec.cpu-not-migratable']),
  'arm-virt': { reports: [reportWith(arm)], on: 'l1', codes: [locked] },
  'hostile-paths': captured(),
  'boot-order': captured([locked]),
  'two-hosts': { reports: [east, west], on: 'east', codes: [] },
};

function specText(name: string): string {
  return readFileSync(`test/golden/${name}/spec.yaml`, 'utf8');
}

function planOf(name: string, on: string): { plan: VmPlan; codes: string[] } {
  const { spec, findings } = loadSpec(specText(name), 'spec.yaml');
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  const { plan, findings: planned } = planVm(spec!, cases[name]!.reports, on);
  expect(planned.filter(({ severity }) => severity === 'error')).toEqual([]);
  return { plan: plan!, codes: [...findings, ...planned].map(({ code }) => code).sort() };
}

function compare(file: string, text: string): void {
  if (updateGolden) writeFileSync(file, text);
  else expect(text).toBe(readFileSync(file, 'utf8'));
}

const argsOf = (plan: VmPlan): string => renderCommand(renderQemuArgv(plan));

describe('golden cases', () => {
  test.each(Object.entries(cases))('%s gives what is kept beside it', (name, { on, codes }) => {
    const { plan, codes: found } = planOf(name, on);
    expect(found).toEqual([...codes].sort());
    compare(`test/golden/${name}/expected.args`, argsOf(plan));
    compare(`test/golden/${name}/expected.xml`, renderLibvirtXml(plan));
    compare(`test/golden/${name}/expected.plan.json`, renderJson(plan));
  });

  test.each(Object.keys(cases))('%s: the expected plan alone gives the expected texts', (name) => {
    const kept = (ending: string): string => readFileSync(`test/golden/${name}/expected.${ending}`, 'utf8');
    const plan = JSON.parse(kept('plan.json')) as VmPlan;
    expect(argsOf(plan)).toBe(kept('args'));
    expect(renderLibvirtXml(plan)).toBe(kept('xml'));
  });

  test('every folder is a case here, and has exactly the files that are read', () => {
    // the drawings are those of bar-svg.test.ts
    const folders = readdirSync('test/golden', { withFileTypes: true }).filter(({ name }) => name !== 'svg');
    expect(folders.map((entry) => [entry.name, entry.isDirectory()]).sort()).toEqual(
      Object.keys(cases)
        .map((name) => [name, true])
        .sort(),
    );
    const files = ['spec.yaml', 'expected.args', 'expected.plan.json', 'expected.xml'].sort();
    for (const name of Object.keys(cases)) {
      expect({ name, files: readdirSync(`test/golden/${name}`).sort() }).toEqual({ name, files });
    }
  });
});

/** The lines that stand in only one of two texts, in order. */
function onlyIn(text: string, other: string): string[] {
  const known = new Set(other.split('\n'));
  return text
    .split('\n')
    .filter((line) => !known.has(line))
    .map((line) => line.trim());
}

describe('one guest on two hosts', () => {
  const { plan: onEast } = planOf('two-hosts', 'east');
  const { plan: onWest } = planOf('two-hosts', 'west');

  test('the guest ABI is the same, byte for byte', () => {
    expect(renderJson(onEast.guestAbi)).toBe(renderJson(onWest.guestAbi));
    expect(renderJson(onEast.binding)).not.toBe(renderJson(onWest.binding));
  });

  test('the QEMU command lines differ in what only the host sees', () => {
    const [a, b] = [argsOf(onEast), argsOf(onWest)];
    expect(onlyIn(a, b)).toEqual([
      '/usr/bin/qemu-system-x86_64 \\',
      '-object memory-backend-ram,id=pc.ram,size=536870912 \\',
      '-netdev vhost-vdpa,id=hostnet0,vhostdev=/dev/vhost-vdpa-0 \\',
    ]);
    expect(onlyIn(b, a)).toEqual([
      '/opt/qemu/bin/qemu-system-x86_64 \\',
      '-object memory-backend-memfd,id=pc.ram,share=on,size=536870912 \\',
      '-netdev vhost-vdpa,id=hostnet0,vhostdev=/dev/vhost-vdpa-2 \\',
    ]);
    expect(a.split('\n').length).toBe(b.split('\n').length);
  });

  test('the XML differs in what only the host sees', () => {
    const [a, b] = [renderLibvirtXml(onEast), renderLibvirtXml(onWest)];
    expect(onlyIn(a, b)).toEqual([
      '<emulator>/usr/bin/qemu-system-x86_64</emulator>',
      "<source dev='/dev/vhost-vdpa-0'/>",
    ]);
    expect(onlyIn(b, a)).toEqual([
      '<memoryBacking>',
      "<source type='memfd'/>",
      "<access mode='shared'/>",
      '</memoryBacking>',
      '<emulator>/opt/qemu/bin/qemu-system-x86_64</emulator>',
      "<source dev='/dev/vhost-vdpa-2'/>",
    ]);
  });

  test('the order in which the reports are given changes nothing', () => {
    const { spec } = loadSpec(specText('two-hosts'), 'spec.yaml');
    for (const [on, plan] of [
      ['east', onEast],
      ['west', onWest],
    ] as const) {
      expect(planVm(spec!, [west, east], on).plan).toEqual(plan);
    }
  });
});

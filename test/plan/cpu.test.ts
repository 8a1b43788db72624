import { describe, expect, test } from 'vitest';
import type { HostReport, QemuCapabilities } from '../../src/model/generated/host-report.ts';
import { checkCpus } from '../../src/plan/cpu.ts';
import { PlanFindings } from '../../src/plan/findings.ts';
import { hostOf } from '../../src/plan/host.ts';
import { fillDefaults } from '../../src/spec/defaults.ts';
import { readFileSync } from 'node:fs';

const captured = JSON.parse(readFileSync('examples/quickstart/host.json', 'utf8')) as HostReport;
const base = { schemaVersion: 1, name: 'vm', memory: '1GiB' } as const;
const q35 = { name: 'pc-q35-10.0', architecture: 'x86_64' } as const;
const virt = { name: 'virt-10.0', architecture: 'aarch64' } as const;

function host(name: string, edit: Partial<HostReport['host']> = {}, qemu = captured.qemu): ReturnType<typeof hostOf> {
  return hostOf({ ...captured, host: { ...captured.host, name, ...edit }, qemu });
}

function withModels(cpuModels: QemuCapabilities['cpuModels']): HostReport['qemu'] {
  return captured.qemu.map(({ path, capabilities }) => ({
    path,
    capabilities: { ...(capabilities as QemuCapabilities), ...(cpuModels && { cpuModels }) },
  }));
}

function check(spec: object, hosts: ReturnType<typeof hostOf>[], machine: typeof q35 | typeof virt): string[] {
  const findings = new PlanFindings();
  checkCpus(fillDefaults({ ...base, machine: machine.name, ...spec }), hosts, machine, findings);
  return findings.all.map(({ severity, code, message }) => `${severity} ${code}: ${message}`);
}

describe('checkCpus', () => {
  const arm = { architecture: 'aarch64', kvm: true };

  test.each([
    ['as many CPUs as the machine has', { cpu: { count: 4096 } }, [host('a')], q35, []],
    [
      'one more',
      { cpu: { count: 4097 } },
      [host('a')],
      q35,
      ['error plan.too-many-cpus: cpu.count is 4097, but pc-q35-10.0 on host a has at most 4096'],
    ],
    ['a host whose QEMU is not known', { cpu: { count: 4097 } }, [host('a', {}, [])], q35, []],
    [
      'a named model with KVM on Arm',
      {},
      [host('a', arm)],
      virt,
      [
        'warning plan.cpu-model-with-kvm: CPU model cortex-a57 with KVM: Arm hosts run only the models host and max under KVM',
      ],
    ],
    ['max with KVM on Arm', { cpu: { model: 'max' } }, [host('a', arm)], virt, []],
    ['host with KVM on Arm', { accelerator: 'kvm', cpu: { model: 'host' } }, [host('a', arm)], virt, []],
    ['a named model with TCG on Arm', { accelerator: 'tcg' }, [host('a', arm)], virt, []],
    ['a model that QEMU has', { cpu: { model: 'qemu64' } }, [host('a', {}, withModels(['max', 'qemu64']))], q35, []],
    [
      'a model that QEMU has not',
      { cpu: { model: 'qemu65' } },
      [host('a'), host('b', {}, withModels(['max', 'qemu64']))],
      q35,
      ['error plan.cpu-model-missing: QEMU of host b has no CPU model qemu65'],
    ],
    ['models that are not known', {}, [host('a', {}, withModels({ unknown: 'program-failed', detail: '' }))], q35, []],
  ])('%s', (_name, spec, hosts, machine, expected) => {
    expect(check(spec, hosts, machine)).toEqual(expected);
  });
});

import { kernelVersionOf } from '../../doorbell/kernel-version.ts';
import { isKnown } from '../../model/fact.ts';
import type { HostReport } from '../../model/generated/host-report.ts';
import { minorVersion } from '../../model/qemu-version.ts';
import { cpuModelAndSwitches, isOn, type CpuChoice } from '../cpu-switches.ts';
import { acceleratorAtStart, acceleratorNow } from '../accelerator-on.ts';
import type { Migration } from '../migration.ts';
import type { Hit, MigrationRule } from '../rule.ts';

/** What the CPU model and its switches mean on another host. */
export const cpuRules: readonly MigrationRule[] = [
  {
    code: 'migration.cpu-blocks',
    severity: 'error',
    effect: 'refused',
    asks: 'under KVM: has the CPU a switch with which QEMU refuses where the host can do it (invtsc without tsc-frequency, also by migratable=off; hv-passthrough; hv-no-nonarch-coresharing=auto)?',
    source: 'QEMU target/i386/kvm/kvm.c: kvm_arch_init_vcpu(), hyperv_init_vcpu(): migrate_add_blocker()',
    check: blocks,
  },
  {
    code: 'migration.cpu-host-model',
    severity: 'warning',
    effect: 'unknown',
    asks: 'where host or QEMU decide what the CPU is: are they the same? Under KVM the CPU of the host; with model host or max the kernel and QEMU as well, of the same minor version; with max under TCG QEMU alone',
    source:
      'QEMU docs/system/cpu-models-x86.rst.inc: host passthrough is for identical hosts; Linux arch/x86/kvm/cpuid.c: KVM_GET_SUPPORTED_CPUID; QEMU target/i386/tcg/tcg-cpu.c: what TCG can is max',
    check: hostModel,
  },
];

const path = '/cpu/model';

/**
 * QEMU refuses where the host can do what the switch asks for, and drops the switch where it cannot; reports do not tell
 * which. With enforce it would not have started.
 */
function blocks({ source, from }: Migration): Hit[] {
  const { model } = source.guest.cpu;
  const accelerator = acceleratorNow(source, from);
  // a running QEMU has told it itself, and TCG has none of these
  if (source.running !== null || accelerator === 'tcg' || !isKnown(model)) return [];
  const { name, switches } = cpuModelAndSwitches(model);
  const ofHost = name === 'host' || name === 'max';
  const invtsc = switches.get('invtsc');
  const implied = ofHost && switches.get('migratable') === 'off' && invtsc === undefined;
  const found = [
    // with a frequency of its own QEMU can have it at both ends
    ...((isOn(invtsc) || implied) && !switches.has('tsc-frequency') ? ['invtsc'] : []),
    ...(isOn(switches.get('hv-passthrough')) ? ['hv-passthrough'] : []),
    ...(switches.get('hv-no-nonarch-coresharing') === 'auto' ? ['hv-no-nonarch-coresharing'] : []),
  ];
  const sure = accelerator === 'kvm' && isOn(switches.get('enforce'));
  return found.map((what): Hit => {
    const certain = sure && what === 'invtsc' && isOn(invtsc);
    const where = certain ? '' : ', where the host has it';
    const fix = what === 'invtsc' ? 'invtsc=off, or a tsc-frequency' : `${what}=off`;
    return { path, unknown: !certain, message: `CPU ${model}: QEMU refuses to migrate ${what}${where}`, fix };
  });
}

function hostModel(migration: Migration): Hit[] {
  const { source, target, to } = migration;
  const { model } = (target ?? source).guest.cpu;
  const accelerator = acceleratorAtStart(target ?? source, to);
  if (!isKnown(model)) {
    // its switches are not understood, so they may be any; of a running QEMU they are known not to block
    const any = source.running === null && ['not-supported', 'not-expanded'].includes(model.unknown);
    if (any && accelerator !== 'tcg') {
      return [{ path, unknown: true, message: `the CPU model is not known: ${model.detail}` }];
    }
    const wanted: readonly Deciding[] = accelerator === 'tcg' ? ['qemu'] : ['cpu'];
    return differing(migration, wanted).map((what) => ({
      path,
      unknown: true,
      message: `the CPU model is not known (${model.detail}), and ${what}`,
    }));
  }
  const { name, switches } = cpuModelAndSwitches(model);
  const ofHost = name === 'host' || name === 'max';
  const fix = ofHost
    ? 'a named CPU model that both hosts run (virsh hypervisor-cpu-baseline)'
    : 'virsh hypervisor-cpu-compare on the destination tells';
  const then = ofHost
    ? 'the guest may use what is not there'
    : 'whether it runs this model with all its features is not known here';
  return differing(migration, deciding(accelerator, name, switches)).map((what) => ({
    path,
    unknown: true,
    message: `CPU model ${model}: ${what}: ${then}`,
    fix,
  }));
}

/** What decides what the CPU is, beside its name and switches. */
type Deciding = 'cpu' | 'kernel' | 'qemu';

function deciding(accelerator: unknown, name: string, switches: CpuChoice['switches']): readonly Deciding[] {
  const ofHost = name === 'host' || name === 'max';
  if (ofHost) return accelerator === 'tcg' ? ['qemu'] : ['cpu', 'kernel', 'qemu'];
  if (accelerator !== 'kvm') return [];
  // what every host has that runs KVM at all; a switch may ask for more
  const usual =
    /^(qemu|kvm)(32|64)$/.test(name) && [...switches].every(([one, value]) => value === 'off' || byKvm.has(one));
  return usual ? [] : ['cpu'];
}

/** Features that KVM makes itself, whatever the CPU has (Linux arch/x86/kvm/cpuid.c). */
const byKvm: ReadonlySet<string> = new Set(['x2apic', 'hypervisor']);

function differing({ from, to, sourceQemu }: Migration, wanted: readonly Deciding[]): string[] {
  const [before, after] = [from?.report.host, to.report.host];
  const qemu = to.qemu?.capabilities.version;
  const found = {
    cpu: () => cpuDiffers(before, after),
    kernel: () =>
      before === undefined || seriesOf(before) === seriesOf(after)
        ? undefined
        : `the source has kernel ${before.kernelRelease}, host ${after.name} has ${after.kernelRelease}`,
    qemu: () => {
      if (sourceQemu === undefined || qemu === undefined) return 'whether both hosts have the same QEMU is not known';
      return minorVersion(sourceQemu) === minorVersion(qemu)
        ? undefined
        : `the source has QEMU ${sourceQemu}, host ${after.name} has ${qemu}`;
    },
  };
  return wanted.flatMap((what) => found[what]() ?? []);
}

type Host = HostReport['host'];

/** Stable updates of a kernel are not taken for another one; a vendor's version hides what is in it. */
function seriesOf(host: Host): string {
  const version = kernelVersionOf(host);
  return version && version.vendor !== true ? `${version.major}.${version.minor}` : host.kernelRelease;
}

function cpuDiffers(before: Host | undefined, after: Host): string | undefined {
  const [own, other] = [before?.cpu, after.cpu];
  if (own === undefined || !isKnown(own) || !isKnown(other)) return 'whether both hosts have the same CPU is not known';
  return own.vendor === other.vendor && own.model === other.model
    ? undefined
    : `the source has ${own.model}, host ${after.name} has ${other.model}`;
}

import { isKnown } from '../../model/fact.ts';
import { hasKvm } from '../../plan/accelerator.ts';
import { acceleratorAtStart, acceleratorNow, architectureOf } from '../accelerator-on.ts';
import type { Migration } from '../migration.ts';
import { whyUnknown, type Hit, type MigrationRule } from '../rule.ts';

/** What runs the CPUs of the guest at both ends. */
export const acceleratorRules: readonly MigrationRule[] = [
  {
    code: 'migration.accelerator',
    severity: 'error',
    effect: 'no-start',
    asks: 'can the accelerator of the guest be used there, and is QEMU for its architecture?',
    source: 'QEMU accel/kvm/kvm-all.c: kvm_init() opens /dev/kvm',
    check: accelerator,
  },
  {
    code: 'migration.accelerator-differs',
    severity: 'error',
    effect: 'lost',
    asks: 'with --with: is it the same? From KVM to TCG the guest is lost; the other way it can complete (seen with an idle guest), and what the guest finds then is not known',
    source: 'QEMU hw/i386/kvm/clock.c: kvmclock_create(): a section of the stream that TCG does not have',
    check: differs,
  },
];

const path = '';

function accelerator({ source, target, from, to }: Migration): Hit[] {
  const before = acceleratorNow(source, from);
  const after = acceleratorAtStart(target ?? source, to);
  const { guest } = target ?? source;
  const { architecture } = guest;
  if (isKnown(architecture) && to.qemu && to.qemu.capabilities.target !== architecture) {
    return [
      {
        path: '/architecture',
        message: `the guest is for ${architecture}, and QEMU of host ${to.report.host.name} is for ${to.qemu.capabilities.target}`,
      },
    ];
  }
  if (!isKnown(before) || !isKnown(after)) {
    const fact = isKnown(before) ? after : before;
    return [{ path, unknown: true, message: `the accelerator is not known: ${whyUnknown(fact)}` }];
  }
  if (after !== 'kvm') return [];
  const { host } = to.report;
  if (!isKnown(host.kvm)) {
    return [{ path, unknown: true, message: `whether host ${host.name} has KVM is not known: ${host.kvm.detail}` }];
  }
  return hasKvm(host, architectureOf(guest)) ? [] : [{ path, message: `host ${host.name} cannot use KVM` }];
}

function differs({ source, target, from, to }: Migration): Hit[] {
  const before = acceleratorNow(source, from);
  const after = acceleratorAtStart(target ?? source, to);
  if (!isKnown(before) || !isKnown(after) || before === after) return [];
  const { architecture } = source.guest;
  const lost = before === 'kvm' && after === 'tcg' && architecture === 'x86_64';
  const then = lost
    ? 'the state of the clock that KVM gives to the guest finds no place there'
    : 'what the guest finds then is not known';
  return [
    {
      path,
      unknown: !lost,
      message: `the accelerator is ${before} at the source and ${after} at the destination: ${then}`,
    },
  ];
}

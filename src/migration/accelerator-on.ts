import { isKnown, unknown, type Fact } from '../model/fact.ts';
import type { GuestConfiguration } from '../model/generated/guest-configuration.ts';
import { hasKvm } from '../plan/accelerator.ts';
import type { End } from './migration.ts';

/** One whose command line does not tell is taken for x86. */
export function architectureOf({ architecture }: GuestConfiguration['guest']): string {
  return isKnown(architecture) ? architecture : 'x86_64';
}

/** What runs the guest at the source; a running VM tells it itself. */
export function acceleratorNow(source: GuestConfiguration, from: End | undefined): Fact<string> {
  return source.running === null ? acceleratorAtStart(source, from) : source.binding.accelerator;
}

/**
 * What QEMU would take on a host: the first of its list that works there (system/vl.c: configure_accelerators()), and
 * the last where none does.
 * @param end undefined: there is no report of the host
 */
export function acceleratorAtStart({ binding, guest }: GuestConfiguration, end: End | undefined): Fact<string> {
  const { accelerator, accelerators } = binding;
  if (accelerators === undefined) return accelerator;
  const list = accelerators.join(', else ');
  const undecided = (why: string): Fact<string> => unknown('not-present', `${list}: the host decides, and ${why}`);
  if (!end) return undecided('there is no report of it (--from)');
  const { host } = end.report;
  for (const one of accelerators) {
    if (one === 'tcg') return one;
    if (one !== 'kvm') return undecided(`whether ${host.name} has ${one} is not known`);
    if (!isKnown(host.kvm)) return undecided(`whether ${host.name} has KVM is not known: ${host.kvm.detail}`);
    if (hasKvm(host, architectureOf(guest))) return one;
  }
  return accelerators.at(-1) ?? accelerator;
}

import path from 'node:path';
import { isUnknown, type Fact } from '../model/fact.ts';
import type { Option } from './option.ts';
import { canonical, type Scalar } from './option-values.ts';

/** What a command line says of accelerators. */
export interface Accelerators {
  /** those that QEMU tries, one after the other, until one works; at least one */
  readonly tried: readonly Fact<string>[];
  /** properties of them that the guest sees: what they are called in machineOptions -> value */
  readonly properties: ReadonlyMap<string, Fact<Scalar>>;
}

/**
 * Properties that only the host sees (accel/kvm/kvm-all.c: kvm_accel_class_init(), target/i386/kvm/kvm.c:
 * kvm_arch_accel_class_init(), accel/tcg/tcg-all.c: tcg_accel_class_init()). Of all others the guest sees something:
 * `xen-version` is in CPUID, kernel-irqchip decides what the sections of the interrupt controllers are.
 */
const hostProperties: ReadonlySet<string> = new Set([
  'accel',
  'device',
  'dirty-ring-size',
  'eager-split-size',
  'kvm-shadow-mem',
  'notify-vmexit',
  'notify-window',
  'one-insn-per-tb',
  'rapl-helper-socket',
  'split-wx',
  'tb-size',
  'thread',
]);

/** QEMU has some ten of them. */
const most = 64;

/**
 * All -accel, in their order, or the list of `-machine accel=kvm:tcg`; QEMU does not start with both. Without either it
 * is TCG, but in a QEMU whose name ends with kvm (system/vl.c: configure_accelerators()).
 * @param ofMachine accel= of -machine
 */
export function acceleratorsOf(
  options: readonly Option[],
  ofMachine: Fact<Scalar> | undefined,
  emulator: Fact<string | null>,
): Accelerators {
  const tried: Fact<string>[] = [];
  const properties = new Map<string, Fact<Scalar>>();
  for (const { name, values } of options) {
    const accel = name === 'accel' ? values.get('accel') : undefined;
    if (accel === undefined) continue;
    const called = isUnknown(accel) ? accel : String(accel);
    tried.push(called);
    for (const [property, value] of values) {
      // `-machine kernel-irqchip=` is the same (system/vl.c: qemu_apply_legacy_machine_options())
      const key = property === 'kernel-irqchip' || isUnknown(called) ? property : `${called}.${property}`;
      if (!hostProperties.has(property) && !properties.has(key)) properties.set(key, canonical(value));
    }
  }
  if (tried.length === 0 && ofMachine !== undefined) {
    tried.push(...(isUnknown(ofMachine) ? [ofMachine] : String(ofMachine).split(':')));
  }
  if (tried.length === 0) tried.push(...usual(emulator));
  return { tried: [...new Set(tried)].slice(0, most), properties };
}

function usual(emulator: Fact<string | null>): string[] {
  const named = typeof emulator === 'string' ? path.posix.basename(emulator) : '';
  return named.endsWith('kvm') ? ['kvm', 'tcg'] : ['tcg'];
}

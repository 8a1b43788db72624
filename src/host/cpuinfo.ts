import { unknown } from '../model/fact.ts';
import type { Host } from '../model/generated/host-report.ts';
import { reportText } from './report-text.ts';

/**
 * Vendor, model and number of online CPUs from /proc/cpuinfo; that of the first CPU stands for all.
 * x86 has `vendor_id` and `model name` (arch/x86/kernel/cpu/proc.c). arm64 has numbers only
 * (arch/arm64/kernel/cpuinfo.c: c_show()), which are passed on as they are. Pure.
 */
export function cpuOf(cpuinfo: string): Host['cpu'] {
  const count = cpuinfo.match(/^processor\s*:/gm)?.length ?? 0;
  const field = (name: string) => new RegExp(`^${name}[ \\t]*:[ \\t]*(\\S.*)$`, 'm').exec(cpuinfo)?.[1]?.trim();
  const [vendor, model] = [field('vendor_id'), field('model name')];
  if (vendor !== undefined && model !== undefined)
    return { vendor: reportText(vendor), model: reportText(model), count };
  const implementer = field('CPU implementer');
  if (implementer !== undefined) {
    const parts = ['part', 'variant', 'revision'].map((name) => `${name} ${field(`CPU ${name}`) ?? 'unknown'}`);
    return { vendor: reportText(`implementer ${implementer}`), model: reportText(parts.join(', ')), count };
  }
  return unknown('not-supported', '/proc/cpuinfo names neither vendor_id and model name nor CPU implementer');
}

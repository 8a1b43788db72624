import type { MappedRegion } from '../model/generated/observation.ts';
import { parseRegionName } from './notifier-name.ts';

/**
 * The two things that only the human monitor tells. Its format is not stable; what is not understood is left out.
 */

/**
 * Netdevs by their ids, from `info network` (net/net.c: hmp_info_network()), where each queue of a NIC has a line, and
 * its peer one below it: ` \ vdpa0: index=0,type=vhost-vdpa,vhost-vdpa`. No QMP command tells the type of a netdev, up to
 * QEMU 10.2.
 */
export function parseInfoNetwork(text: string): Map<string, SeenNetdev> {
  const netdevs = new Map<string, SeenNetdev>();
  for (const line of text.split(/\r?\n/)) {
    const [, id, type] = /^(?: \\ )?(.+?): index=\d+,type=([a-z0-9-]+),/.exec(line) ?? [];
    if (id === undefined || type === undefined || type === 'nic') continue;
    netdevs.set(id, { type, queues: (netdevs.get(id)?.queues ?? 0) + 1 });
  }
  return netdevs;
}

export interface SeenNetdev {
  /** `vhost-vdpa`, `tap` .. */
  readonly type: string;
  /** its network clients: one per queue pair, and with vhost-vdpa one more for the control virtqueue (net/vhost-vdpa.c: net_init_vhost_vdpa()) */
  readonly queues: number;
}

/**
 * The host notifiers in the flat view of the address space `memory`, from `info mtree -f` (softmmu/memory.c:
 * mtree_print_flatview()): `  00000000fd803000-00000000fd803fff (prio 1, ramd): vhost-vdpa/host-notifier@0x7f mmaps[0]`,
 * with ` KVM` behind it where KVM holds the slot.
 */
export function parseFlatView(text: string): MappedRegion[] {
  const regions: MappedRegion[] = [];
  for (const view of text.split(/^FlatView #\d+\r?\n/m)) {
    if (!/^ AS "memory", root: system\b/m.test(view)) continue;
    for (const line of view.split(/\r?\n/)) {
      const match = /^ +([0-9a-f]{16})-[0-9a-f]{16} \(prio -?\d+, ramd\): (.+?)( KVM)?$/.exec(line);
      const name = match?.[2]?.replace(/ @[0-9a-f]{16}$/, '') ?? '';
      const parsed = parseRegionName(name);
      if (!match || !parsed) continue;
      const start = `0x${(match[1] ?? '').replace(/^0+(?=.)/, '')}`;
      regions.push({ name, virtqueue: parsed.virtqueue, start, kvm: match[3] !== undefined });
    }
  }
  return regions.sort((a, b) => a.virtqueue - b.virtqueue || (a.name < b.name ? -1 : 1));
}

/** The byte that `xp /1bx ADDRESS` shows: `00000000fe000014: 0x0f`. */
export function parseExamine(text: string): number | undefined {
  const digits = /: 0x([0-9a-f]{2})\s*$/.exec(text)?.[1];
  return digits === undefined ? undefined : parseInt(digits, 16);
}

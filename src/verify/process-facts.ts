import type { ProcessView } from '../host/proc-maps.ts';
import { isKnown, isUnknown } from '../model/fact.ts';
import type { ObservedProcess } from '../model/generated/observation.ts';

/** Files in a QEMU fd set: set -> file descriptors in QEMU. */
export type FdSets = ReadonlyMap<number, readonly number[]>;

type Netdev = Extract<ObservedProcess['netdevs'], readonly unknown[]>[number];

/** What of a QEMU process counts here: its doorbell mappings, its devices, and `-netdev vhost-vdpa` on its command line. */
export function processFacts(view: ProcessView, sets: FdSets = new Map()): ObservedProcess {
  const { pid, pageSize, files, mappings } = view;
  const size = isKnown(pageSize) ? pageSize : 4096;
  const open = isUnknown(files) ? files : [...files.values()].filter((target) => /\/vhost-vdpa-\d+$/.test(target));
  const resolve = (vhostdev: string): string | null => {
    const set = /^\/dev\/fdset\/(\d+)$/.exec(vhostdev)?.[1];
    if (set === undefined) return vhostdev;
    if (isUnknown(files)) return null;
    const found = (sets.get(Number(set)) ?? []).map((fd) => files.get(fd)).find((file) => file !== undefined);
    return found ?? null;
  };
  return {
    pid,
    pageSize,
    doorbells: isUnknown(mappings)
      ? mappings
      : mappings
          .map(({ device, offset }) => ({ device, virtqueue: Math.floor(offset / size) }))
          .sort((a, b) => (a.device < b.device ? -1 : a.device > b.device ? 1 : a.virtqueue - b.virtqueue)),
    devices: isUnknown(open) ? open : [...new Set(open)].sort(),
    netdevs: isUnknown(view.arguments) ? view.arguments : netdevsOf(view.arguments, resolve),
  };
}

function netdevsOf(args: readonly string[], resolve: (vhostdev: string) => string | null): Netdev[] {
  return args.flatMap((word, index) => {
    if (args[index - 1] !== '-netdev') return [];
    const option = word.startsWith('{') ? jsonOption(word) : keyValueOption(word);
    const id = option.get('id');
    if (option.get('type') !== 'vhost-vdpa' || id === undefined) return [];
    const vhostdev = option.get('vhostdev');
    const shadowVirtqueues = ['on', 'true', 'yes', 'y'].includes(option.get('x-svq') ?? 'off');
    return [{ id, charDevice: vhostdev === undefined ? null : resolve(vhostdev), shadowVirtqueues }];
  });
}

/** libvirt writes -netdev as JSON. */
function jsonOption(text: string): Map<string, string> {
  try {
    return new Map(Object.entries(JSON.parse(text) as object).map(([key, value]) => [key, String(value)]));
  } catch {
    return new Map();
  }
}

/** `vhost-vdpa,id=vdpa0,vhostdev=/dev/vhost-vdpa-0`; a comma in a value is doubled. */
function keyValueOption(text: string): Map<string, string> {
  const parts = text.replaceAll(',,', '\0').split(',');
  return new Map(
    parts.map((part, index) => {
      const plain = part.replaceAll('\0', ',');
      const at = plain.indexOf('=');
      if (at < 0) return index === 0 ? ['type', plain] : [plain, 'on'];
      return [plain.slice(0, at), plain.slice(at + 1)];
    }),
  );
}

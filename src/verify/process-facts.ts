import type { ProcessView } from '../host/proc-maps.ts';
import { isKnown, isUnknown } from '../model/fact.ts';
import type { ObservedProcess } from '../model/generated/observation.ts';

/** Files in a QEMU fd set: set -> file descriptors in QEMU. */
export type FdSets = ReadonlyMap<number, readonly number[]>;

type Option = ReadonlyMap<string, string>;
type Netdev = Extract<ObservedProcess['netdevs'], readonly unknown[]>[number];

/** What of a QEMU process counts here: its doorbell mappings, its devices, and `-netdev vhost-vdpa` on its command line. */
export function processFacts(view: ProcessView, sets: FdSets = new Map()): ObservedProcess {
  const { pid, pageSize, files, mappings, links } = view;
  const size = isKnown(pageSize) ? pageSize : 4096;
  const open = isUnknown(files) ? files : [...files.values()].filter((target) => /\/vhost-vdpa-\d+$/.test(target));
  const fileOf = (option: Option): string | null => {
    const [vhostdev, vhostfd] = [option.get('vhostdev'), option.get('vhostfd')];
    const set = /^\/dev\/fdset\/(\d+)$/.exec(vhostdev ?? '')?.[1];
    if (vhostdev !== undefined && set === undefined) return links?.get(vhostdev) ?? vhostdev;
    if (isUnknown(files)) return null;
    const fds = set === undefined ? [Number(vhostfd)] : (sets.get(Number(set)) ?? []);
    return fds.map((fd) => files.get(fd)).find((file) => file !== undefined) ?? null;
  };
  // a netdev that was taken out stays on the command line, and another may have its id now
  const isOpen = (file: string | null): boolean => file === null || isUnknown(open) || open.includes(file);
  return {
    pid,
    pageSize,
    doorbells: isUnknown(mappings)
      ? mappings
      : mappings
          .map(({ device, offset }) => ({ device, virtqueue: Math.floor(offset / size) }))
          .sort((a, b) => (a.device < b.device ? -1 : a.device > b.device ? 1 : a.virtqueue - b.virtqueue)),
    devices: isUnknown(open) ? open : [...new Set(open)].sort(),
    netdevs: isUnknown(view.arguments)
      ? view.arguments
      : netdevsOf(view.arguments, fileOf).filter(({ charDevice }) => isOpen(charDevice)),
  };
}

function netdevsOf(args: readonly string[], fileOf: (option: Option) => string | null): Netdev[] {
  return args.flatMap((word, index) => {
    if (!/^--?netdev$/.test(args[index - 1] ?? '')) return [];
    const option = word.startsWith('{') ? jsonOption(word) : keyValueOption(word);
    const id = option.get('id');
    if (option.get('type') !== 'vhost-vdpa' || id === undefined) return [];
    const shadowVirtqueues = ['on', 'true', 'yes', 'y'].includes(option.get('x-svq') ?? 'off');
    return [{ id, charDevice: fileOf(option), shadowVirtqueues }];
  });
}

/** libvirt writes -netdev as JSON. */
function jsonOption(text: string): Option {
  try {
    return new Map(Object.entries(JSON.parse(text) as object).map(([key, value]) => [key, String(value)]));
  } catch {
    return new Map();
  }
}

/** `vhost-vdpa,id=vdpa0,vhostdev=/dev/vhost-vdpa-0`; a comma in a value is doubled. */
function keyValueOption(text: string): Option {
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

import path from 'node:path';
import { isUnknown, type Fact } from '../model/fact.ts';
import { hostRoots, linkTarget, listDirectory, readText, realPath } from './files.ts';
import { pageSizeOnce } from './page-size.ts';

/** What /proc shows of a process, as far as vhost-vdpa devices are concerned. */
export interface ProcessView {
  readonly pid: number;
  readonly pageSize: Fact<number>;
  readonly arguments: Fact<readonly string[]>;
  /** file descriptor -> what it is open on */
  readonly files: Fact<ReadonlyMap<number, string>>;
  readonly mappings: Fact<readonly DeviceMapping[]>;
  /** files below /dev that its command line has by another name than their own, as by a link of udev's -> their own */
  readonly links?: ReadonlyMap<string, string> | undefined;
}

/** One mapping of a /dev/vhost-vdpa-N: with MAP_SHARED at offset vq * page size it is the doorbell of that virtqueue. */
export interface DeviceMapping {
  readonly device: string;
  readonly offset: number;
}

/** Reads /proc/PID. Of another user's process only root sees `files` and `mappings` (ptrace access mode, proc(5)). */
export async function readProcess(
  pid: number,
  roots: { readonly procRoot: string } = hostRoots,
  pageSize: () => Promise<Fact<number>> = pageSizeOnce,
): Promise<ProcessView> {
  const directory = path.join(roots.procRoot, String(pid));
  const commandLine = readText(path.join(directory, 'cmdline'));
  const maps = readText(path.join(directory, 'maps'));
  const words = isUnknown(commandLine) ? commandLine : commandLine.split('\0').slice(0, -1);
  return {
    pid,
    pageSize: await pageSize(),
    arguments: words,
    links: isUnknown(words) ? new Map<string, string>() : linksIn(words),
    files: openFiles(path.join(directory, 'fd')),
    mappings: isUnknown(maps) ? maps : parseMaps(maps),
  };
}

/** As the file is seen from here: in a mount namespace of its own the process may have another one there. */
function linksIn(words: readonly string[]): Map<string, string> {
  const names = new Set(words.flatMap((word) => word.match(/\/dev\/[^",]+/g) ?? []));
  const links = new Map<string, string>();
  for (const name of names) {
    const target = realPath(name);
    if (typeof target === 'string' && target !== name) links.set(name, target);
  }
  return links;
}

/** Lines of /proc/PID/maps: `7f0cc000-7f0cd000 -w-s 00001000 00:06 617    /dev/vhost-vdpa-0` (fs/proc/task_mmu.c). */
export function parseMaps(text: string): DeviceMapping[] {
  return text.split('\n').flatMap((line) => {
    const match = /^[0-9a-f]+-[0-9a-f]+ ..[-x]s ([0-9a-f]+) \S+ \d+ +(\/\S*\/vhost-vdpa-\d+)$/.exec(line);
    return match?.[2] === undefined ? [] : [{ device: match[2], offset: parseInt(match[1] ?? '', 16) }];
  });
}

/** Of /proc/PID/fd: file descriptor -> what it is open on. */
export function openFiles(directory: string): Fact<Map<number, string>> {
  const names = listDirectory(directory);
  if (isUnknown(names)) return names;
  const files = new Map<number, string>();
  for (const name of names) {
    const target = linkTarget(path.join(directory, name));
    if (typeof target === 'string') files.set(Number(name), target);
  }
  return files;
}

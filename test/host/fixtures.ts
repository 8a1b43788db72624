import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { unknown } from '../../src/model/fact.ts';
import type { Roots } from '../../src/host/files.ts';
import type { RunProgram } from '../../src/host/program.ts';

/** test/fixtures/l1-host: a host with vp0, vp1, sim0 and blk0, captured in the lab. */
export const l1Host = path.resolve('test/fixtures/l1-host');

/** The captured files, with a /dev that has no node. */
export const l1Roots: Roots = {
  sysfsRoot: path.join(l1Host, 'sys'),
  procRoot: path.join(l1Host, 'proc'),
  devRoot: path.join(l1Host, 'dev'),
};

/** A directory that is removed when the test ends. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'vdpa-qemu-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A copy of the captured files to change: `edit` gets its /sys. /dev is empty. */
export function changedHost(edit: (sys: string) => void = () => undefined): Roots {
  const root = temporaryDirectory();
  cpSync(l1Host, root, { recursive: true, verbatimSymlinks: true });
  edit(path.join(root, 'sys'));
  mkdirSync(path.join(root, 'dev'));
  return { sysfsRoot: path.join(root, 'sys'), procRoot: path.join(root, 'proc'), devRoot: path.join(root, 'dev') };
}

/** Creates files (text), links (`-> target`) and the directories they need. */
export function plant(root: string, tree: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(tree)) {
    const file = path.join(root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    if (content.startsWith('-> ')) symlinkSync(content.slice(3), file);
    else writeFileSync(file, content);
  }
}

/** Runs nothing: answers `vdpa` with what was captured, `virsh` with a version, `getconf` with a page size. */
export const capturedRun: RunProgram = (name, args) => {
  if (name === 'virsh') return Promise.resolve({ stdout: '11.3.0' });
  if (name === 'getconf') return Promise.resolve({ stdout: '4096\n' });
  const words = args.filter((word) => word !== '-j').join('-');
  try {
    return Promise.resolve({ stdout: readFileSync(path.join(l1Host, 'vdpa', `${words}.json`), 'utf8') });
  } catch {
    return Promise.resolve(unknown('program-failed', `vdpa ${words}: exit code 1: kernel answers: No such device`));
  }
};

/** As on a machine where none of the programs is installed. */
export const nothingInstalled: RunProgram = (name) => Promise.resolve(unknown('no-tool', `${name} is not installed`));

/** What node:fs throws. */
export function systemError(code: string, errno: number): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: a system error`), { code, errno: -errno });
}

/** The programs that are asked: those of this machine, and those of a Debian trixie tree of the lab where there is one. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

/** libvirt and QEMU of one distribution. */
export interface Programs {
  readonly name: string;
  /** folder that holds virsh; first in PATH while they are asked */
  readonly folder: string;
  readonly qemu: string;
  readonly schemas: string;
  readonly libvirtVersion: string;
  readonly qemuVersion: string;
  readonly end: () => void;
}

function versionOf(program: string, words: readonly string[]): string | undefined {
  try {
    const text = execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return /\d+\.\d+\.\d+/.exec(text)?.[0];
  } catch {
    return undefined;
  }
}

/** Of this machine; or why not. */
export function ownPrograms(): Programs | string {
  const folder = (process.env['PATH'] ?? '').split(':').find((one) => existsSync(join(one, 'virsh')));
  const qemu = (process.env['PATH'] ?? '')
    .split(':')
    .map((one) => join(one, 'qemu-system-x86_64'))
    .find((file) => existsSync(file));
  if (folder === undefined) return 'virsh is not installed';
  if (qemu === undefined) return 'qemu-system-x86_64 is not installed';
  const schemas = '/usr/share/libvirt/schemas';
  if (!existsSync(schemas)) return `${schemas} is not there`;
  return withVersions({ name: 'this machine', folder, qemu, schemas, end: () => undefined });
}

/**
 * Of a trixie tree that the lab made (test/lab/images/tree.sh), each program started in it by chroot, in a mount
 * namespace of its own, so that no mount is left; or why not.
 */
export function trixiePrograms(): Programs | string {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'vdpa-qemu-lab');
  const tree = existsSync(cache) ? readdirSync(cache).find((name) => name.startsWith('tree-trixie-')) : undefined;
  if (tree === undefined) return 'the lab has made no trixie tree yet';
  if (process.getuid?.() !== 0) return 'chroot needs root';
  const root = join(cache, tree);
  const folder = mkdtempSync(join(tmpdir(), 'vdpa-qemu-programs-'));
  const mounts = ['/proc', '/dev', '/tmp'].map((path) => `mount --rbind ${path} '${root}${path}'`).join(' && ');
  for (const name of ['virsh', 'qemu-system-x86_64']) {
    writeFileSync(
      join(folder, name),
      `#!/bin/sh\nexec unshare --mount sh -c "${mounts} && exec chroot '${root}' /usr/bin/${name} \\"\\$@\\"" ${name} "$@"\n`,
    );
    chmodSync(join(folder, name), 0o755);
  }
  const end = (): void => rmSync(folder, { recursive: true, force: true });
  const found = withVersions({
    name: 'trixie',
    folder,
    qemu: join(folder, 'qemu-system-x86_64'),
    schemas: `${root}/usr/share/libvirt/schemas`,
    end,
  });
  if (typeof found === 'string') end();
  return found;
}

function withVersions(programs: Omit<Programs, 'libvirtVersion' | 'qemuVersion'>): Programs | string {
  const libvirtVersion = versionOf(join(programs.folder, 'virsh'), ['--version']);
  const qemuVersion = versionOf(programs.qemu, ['--version']);
  if (libvirtVersion === undefined || qemuVersion === undefined) return `${programs.name}: a program does not start`;
  return { ...programs, libvirtVersion, qemuVersion };
}

/** 9.8.0 is before 11.3.0. */
export function isBefore(version: string, other: string): boolean {
  return version.localeCompare(other, 'en', { numeric: true }) < 0;
}

/** Runs `work` with these programs first in PATH. */
export async function withPath<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const before = process.env['PATH'];
  process.env['PATH'] = `${folder}:${before ?? ''}`;
  try {
    return await work();
  } finally {
    process.env['PATH'] = before;
  }
}

/**
 * L0's own QEMU as a second emulator in L1, for migrations between versions: the program, its libraries and its firmware
 * files, copied, under a name of its own.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readdirSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { L1 } from './l1.ts';

/** Makes `name` a command in L1. */
export async function copyEmulator(l1: L1, name: string): Promise<void> {
  const from = execFileSync('which', ['qemu-system-x86_64'], { encoding: 'utf8' }).trim();
  const to = join(l1.share, name);
  mkdirSync(join(to, 'lib'), { recursive: true });
  copyFileSync(from, join(to, 'qemu'));
  const libraries = execFileSync('ldd', [from], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g);
  for (const [, path = ''] of libraries) copyFileSync(realpathSync(path), join(to, 'lib', basename(path)));
  for (const data of ['/usr/share/qemu', '/usr/share/seabios', '/usr/lib/ipxe/qemu'])
    cpSync(data, join(to, 'data'), { recursive: true, dereference: true });
  const modules = '/usr/lib/x86_64-linux-gnu/qemu';
  mkdirSync(join(to, 'modules'));
  for (const module of readdirSync(modules).filter((file) => file.startsWith('accel-tcg-')))
    copyFileSync(join(modules, module), join(to, 'modules', module));
  // into L1's own memory: a program is not run well from a file system without a cache
  await l1.ok(['cp', '-r', `/share/${name}`, '/opt/']);
  const library = `/opt/${name}/lib`;
  const run = `QEMU_MODULE_DIR=/opt/${name}/modules exec ${library}/ld-linux-x86-64.so.2 --library-path ${library} /opt/${name}/qemu -L /opt/${name}/data "$@"`;
  await l1.writeFile(`/usr/local/bin/${name}`, `#!/bin/sh\n${run}\n`, 0o755);
}

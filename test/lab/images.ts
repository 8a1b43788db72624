/**
 * What L1 is made of, built by the scripts in images/ when absent and cached outside the checkout (about 15 min for the
 * kernel and 6 min for the tree on two cores, once), and whether it can be built and run here at all.
 */
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** x86-64 with 4K pages, or arm64 with 64K pages. */
export type Arch = 'x86_64' | 'arm64-64k';

export interface Images {
  /** Default x86_64. */
  readonly arch?: Arch;
  readonly kernel: string;
  readonly initrd: string;
  /** Directory that becomes L1's root tree. */
  readonly root: string;
  /** Directory with the lab's own C programs, built statically. */
  readonly tools: string;
  /** A small guest with a virtio driver of our own (guest/driver.c), for x86-64. */
  readonly guest: string;
}

export interface ImageOptions {
  /** Version of Debian's kernel source package; default 6.12. */
  readonly kernel?: '6.12' | '6.1';
  /**
   * A Debian suite to make a tree of (default trixie: QEMU 10.0, libvirt 11.3), or a directory such as `/`.
   * For arm64 there is only the tree of tree-arm64.sh: QEMU 10.0, no libvirt.
   */
  readonly root?: string;
  /** Default x86_64. */
  readonly arch?: Arch;
}

const asked = new Map<string, Promise<Images>>();

/** Paths of the images; builds what is not there yet and says so on stderr. Looks only once in a process. */
export async function images(options: ImageOptions = {}): Promise<Images> {
  const key = JSON.stringify(options);
  const found = asked.get(key) ?? build(options);
  asked.set(key, found);
  return await found;
}

async function build({ kernel = '6.12', root = 'trixie', arch = 'x86_64' }: ImageOptions): Promise<Images> {
  const guest = await script('guest.sh');
  if (arch === 'arm64-64k') {
    const tree = root.startsWith('/') ? root : await script('tree-arm64.sh');
    return {
      arch,
      tools: await script('tools.sh', [], { CC: 'aarch64-linux-gnu-gcc' }),
      initrd: await script('initrd.sh', [join(tree, 'usr/bin/busybox')]),
      root: tree,
      kernel: await script('kernel.sh', [kernel, arch]),
      guest,
    };
  }
  return {
    arch,
    tools: await script('tools.sh'),
    initrd: await script('initrd.sh'),
    root: root.startsWith('/') ? root : await script('tree.sh', [root]),
    kernel: await script('kernel.sh', [kernel, arch]),
    guest,
  };
}

/** Why the lab cannot run on this machine; empty when it can. */
export function missing(arch: Arch = 'x86_64'): string[] {
  const programs = [
    ['qemu-system-x86_64', 'qemu-system-x86'],
    ['gcc', 'gcc'],
    ['make', 'make'],
    ['flex', 'flex'],
    ['bison', 'bison'],
    ['bc', 'bc'],
    ['xz', 'xz-utils'],
    ['cpio', 'cpio'],
    ['mmdebstrap', 'mmdebstrap'],
    ['busybox', 'busybox-static'],
    ['setpriv', 'util-linux'],
    ...(arch === 'arm64-64k' ? arm64Programs : []),
  ] as const;
  const files = [
    ['/usr/include/libelf.h', 'libelf-dev'],
    ['/usr/include/openssl/ssl.h', 'libssl-dev'],
    ['/usr/share/keyrings/debian-archive-keyring.gpg', 'debian-archive-keyring'],
  ] as const;
  return [
    ...(process.platform === 'linux' && process.arch === 'x64' ? [] : [`needs x86-64 Linux`]),
    ...(process.getuid?.() === 0 ? [] : ['needs root: the tree is made and read with its owners']),
    ...programs.filter(([program]) => !onPath(program)).map(([program, from]) => `no ${program} (package ${from})`),
    ...files.filter(([file]) => !existsSync(file)).map(([file, from]) => `no ${file} (package ${from})`),
  ];
}

const arm64Programs = [
  ['qemu-system-aarch64', 'qemu-system-arm'],
  ['aarch64-linux-gnu-gcc', 'gcc-aarch64-linux-gnu'],
  ['npm', 'npm'],
] as const;

function onPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

async function script(name: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const child = spawn(join('test/lab/images', name), args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code !== 0) throw new Error(`test/lab/images/${name} ${args.join(' ')} failed with ${String(code)}`);
  return output.trim();
}

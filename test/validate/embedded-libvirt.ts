/**
 * libvirt's real QEMU driver without a daemon: `virsh -c qemu:///embed?root=DIR`. It defines domains; none of them runs.
 * As root; nothing is left but the directory.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const configuration = [
  'stdio_handler = "file"',
  'user = "root"',
  'group = "root"',
  'security_driver = "none"',
  'namespaces = []',
  'dynamic_ownership = 0',
  'cgroup_controllers = []',
];

/** What libvirt made of one XML. */
export interface Defined {
  /** its error, in one line; empty where it took the domain */
  readonly error: string;
  /** the XML that it keeps, without blanks between elements */
  readonly xml: string;
}

/** How to run a program with the directory in view: the words before virsh. */
export type Around = (directory: string) => readonly string[];

/** Why the tests below cannot be run here; undefined: they can. */
export function noLibvirt(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  try {
    execFileSync('virsh', ['--version'], { stdio: 'pipe' });
    return undefined;
  } catch {
    return 'no virsh in PATH';
  }
}

/**
 * Defines all of them in one session, some 5 s.
 * @param domains name of the domain, which is also that in its XML -> XML
 * @param start names of those that are to start, too: only such as libvirt refuses before it starts QEMU
 * @param uri where %s stands the directory of the driver's own
 */
export function defineAll(
  directory: string,
  domains: ReadonlyMap<string, string>,
  uri = 'qemu:///embed?root=%s',
  around: Around = () => [],
  start: ReadonlySet<string> = new Set(),
): Map<string, Defined> {
  mkdirSync(join(directory, 'root/etc'), { recursive: true });
  writeFileSync(join(directory, 'root/etc/qemu.conf'), `${configuration.join('\n')}\n`);
  const commands = [...domains].map(([name, xml]) => {
    writeFileSync(join(directory, `${name}.xml`), xml);
    return `echo --err \n; echo --err "== ${name} "; echo "== ${name} "; define ${join(directory, `${name}.xml`)}; dumpxml --inactive ${name}${start.has(name) ? `; start ${name}` : ''}`;
  });
  const own = uri.replace('%s', join(directory, 'root'));
  const words = [...around(directory), 'virsh', '-q', '-c', own, commands.join('; ')];
  const { stdout, stderr } = spawnSync(words[0]!, words.slice(1), { encoding: 'utf8', timeout: 300_000 });
  const [xmls, errors] = [parts(stdout), parts(stderr)];
  return new Map(
    [...domains.keys()].map((name) => [
      name,
      {
        error: (errors.get(name) ?? 'virsh said nothing')
          .split('\n')
          .map((line) => line.replace(/^error: /, '').trim())
          .filter((line) => line !== '' && !/^(?:Failed to (?:define|start)|failed to get domain)/.test(line))
          .join(' '),
        xml: (xmls.get(name) ?? '').replace(/>\s+</g, '><'),
      },
    ]),
  );
}

function parts(output: string): Map<string, string> {
  const split = output.split(/(?:error: )?== ([\w-]+) /);
  return new Map(split.flatMap((name, index) => (index % 2 === 1 ? [[name, split[index + 1] ?? ''] as const] : [])));
}

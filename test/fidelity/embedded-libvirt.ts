/**
 * The command lines that libvirt really builds: its QEMU driver, inside of virsh (`qemu:///embed?root=FOLDER`), writes
 * each to FOLDER/log/qemu/NAME.log before it starts QEMU. A plain file does for a vDPA device: libvirt opens it and
 * hands it on; QEMU ends at it, if it comes to that. QEMUs that do start are paused, and ended at once.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const configuration = `user = "root"
group = "root"
security_driver = "none"
namespaces = []
dynamic_ownership = 0
cgroup_controllers = []
stdio_handler = "file"
`;

export interface Built {
  /** one shell command, from the environment on; undefined: libvirt refused before it had built one */
  readonly commandLine: string | undefined;
  /** what virsh said */
  readonly said: string;
}

export class EmbeddedLibvirt {
  readonly folder: string;
  readonly #virsh: string;

  constructor(virsh: string) {
    this.#virsh = virsh;
    this.folder = mkdtempSync(join(tmpdir(), 'vdpa-qemu-fidelity-'));
    mkdirSync(join(this.folder, 'root/etc'), { recursive: true });
    writeFileSync(join(this.folder, 'root/etc/qemu.conf'), configuration);
    for (const name of ['vdpa', 'vdpa1', 'disk.raw']) writeFileSync(join(this.folder, name), Buffer.alloc(1 << 20));
  }

  /** A disk image of a format. */
  makeDisk(name: string, format: string): string {
    const file = join(this.folder, name);
    if (!existsSync(file)) execFileSync('qemu-img', ['create', '-q', '-f', format, file, '1M']);
    return file;
  }

  /** All in one virsh, since its start (asking QEMU what it can) is the slow part. */
  build(domains: readonly { readonly name: string; readonly xml: string }[]): Built[] {
    const files = domains.map(({ xml }, index) => {
      const file = join(this.folder, `domain-${index}.xml`);
      writeFileSync(file, xml);
      return file;
    });
    const commands = domains.flatMap(({ name }, index) => [
      `create ${files[index]!} --paused`,
      `destroy '${name.replaceAll("'", `'\\''`)}'`,
    ]);
    const uri = `qemu:///embed?root=${join(this.folder, 'root')}`;
    const { stderr } = spawnSync(this.#virsh, ['-q', '-c', uri, commands.join('; ')], {
      encoding: 'utf8',
      timeout: 500_000,
      env: { ...process.env, LC_ALL: 'C' },
    });
    const errors = stderr.split('\n').filter((line) => line.startsWith('error: '));
    return domains.map(({ name }, index) => {
      const failed = errors.findIndex((line) => line.endsWith(` ${files[index]!}`));
      const said = failed < 0 ? '' : (errors[failed + 1] ?? '').replace(/^error: /, '');
      return { commandLine: this.#commandLineOf(name), said };
    });
  }

  /** The last one in the log of that domain. */
  #commandLineOf(name: string): string | undefined {
    const file = join(this.folder, 'root/log/qemu', `${name}.log`);
    if (!existsSync(file)) return undefined;
    const text = readFileSync(file, 'utf8');
    const start = text.lastIndexOf('LC_ALL=C \\\n');
    const end = /[^\\]\n/.exec(text.slice(start));
    return start < 0 || !end ? undefined : text.slice(start, start + end.index + 1);
  }

  end(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

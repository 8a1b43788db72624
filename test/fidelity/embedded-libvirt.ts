/**
 * The command lines that libvirt really builds: its QEMU driver, inside of virsh (`qemu:///embed?root=FOLDER`), writes
 * each to FOLDER/log/qemu/NAME.log before it starts QEMU. A plain file does for a vDPA device: libvirt opens it and
 * hands it on; QEMU ends at it, if it comes to that. QEMUs that do start are paused, and ended at once.
 */
import { execFile, execFileSync } from 'node:child_process';
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

/** How many virsh run at once, each with a root of its own. */
const shares = 6;

export class EmbeddedLibvirt {
  readonly folder: string;
  readonly #virsh: string;

  constructor(virsh: string) {
    this.#virsh = virsh;
    this.folder = mkdtempSync(join(tmpdir(), 'vdpa-qemu-fidelity-'));
    for (let share = 0; share < shares; share++) {
      mkdirSync(join(this.#root(share), 'etc'), { recursive: true });
      writeFileSync(join(this.#root(share), 'etc/qemu.conf'), configuration);
    }
    for (const name of ['vdpa', 'vdpa1', 'disk.raw']) writeFileSync(join(this.folder, name), Buffer.alloc(1 << 20));
  }

  /** A disk image of a format. */
  makeDisk(name: string, format: string): string {
    const file = join(this.folder, name);
    if (!existsSync(file)) execFileSync('qemu-img', ['create', '-q', '-f', format, file, '1M']);
    return file;
  }

  /** In a few virsh at once: each waits most of the time, at its start for QEMU, and after each domain for its end. */
  async build(domains: readonly { readonly name: string; readonly xml: string }[]): Promise<Built[]> {
    const all = domains.map(({ name, xml }, index) => {
      const file = join(this.folder, `domain-${index}.xml`);
      writeFileSync(file, xml);
      return { name, file, share: index % shares };
    });
    const errors = await Promise.all(
      Array.from({ length: shares }, (_, share) => this.#run(all.filter((one) => one.share === share))),
    );
    return all.map(({ name, file, share }) => {
      const lines = errors[share]!;
      const failed = lines.findIndex((line) => line.endsWith(` ${file}`));
      const said = failed < 0 ? '' : (lines[failed + 1] ?? '').replace(/^error: /, '');
      return { commandLine: this.#commandLineOf(name, share), said };
    });
  }

  /** All of one share in one virsh; its errors. */
  async #run(domains: readonly { name: string; file: string; share: number }[]): Promise<string[]> {
    const commands = domains.flatMap(({ name, file }) => [
      `create ${file} --paused`,
      `destroy '${name.replaceAll("'", `'\\''`)}'`,
    ]);
    const uri = `qemu:///embed?root=${this.#root(domains[0]?.share ?? 0)}`;
    const options = { timeout: 500_000, env: { ...process.env, LC_ALL: 'C' } };
    return await new Promise((resolve) => {
      // its exit code is that of the last command alone
      execFile(this.#virsh, ['-q', '-c', uri, commands.join('; ')], options, (_, __, stderr) =>
        resolve(stderr.split('\n').filter((line) => line.startsWith('error: '))),
      );
    });
  }

  #root(share: number): string {
    return join(this.folder, `root-${share}`);
  }

  /** The last one in the log of that domain. */
  #commandLineOf(name: string, share: number): string | undefined {
    const file = join(this.#root(share), 'log/qemu', `${name}.log`);
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

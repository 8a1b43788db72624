import type { Argv } from 'yargs';
import type { ExitCode, GlobalOptions, Io } from './commands/io.ts';
import { standardInput } from './model/standard-input.ts';
import { messageOf, VdpaQemuError } from './model/error.ts';
import { printable } from './model/fact.ts';
import { documentKinds } from './validate/document.ts';
import { version } from './version.ts';

/** Runs one command line. Never throws: what cannot be done is told on `io.err` and gives exit code 2. */
export async function main(argv: readonly string[], io: Io): Promise<ExitCode> {
  try {
    return await run(argv, io);
  } catch (thrown) {
    io.err(renderFailure(thrown));
    return 2;
  }
}

function renderFailure(thrown: unknown): string {
  if (thrown instanceof VdpaQemuError) {
    const hint = thrown.code === 'usage' ? ' (see vdpa-qemu --help)' : '';
    const lines = [`vdpa-qemu: ${thrown.message}${hint}`, ...thrown.details.map((line) => `  ${line}`)];
    return lines.map((line) => `${printable(line)}\n`).join('');
  }
  return `vdpa-qemu: internal error: ${printable(messageOf(thrown))}; please report it\n`;
}

async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  const { default: yargs } = await import('yargs');
  // yargs-parser makes an empty string of a lone dash
  const words = withoutSeparator(argv).map((word) => (word === '-' ? standardInput : word));
  // Run after parsing: of a handler that gives a promise yargs expects failure, and lays out the help text in advance.
  let chosen: (() => Promise<ExitCode>) | undefined;
  const choose = (work: () => Promise<ExitCode>): void => {
    chosen = work;
  };
  const parser = withGlobals(yargs(words))
    .scriptName('vdpa-qemu')
    .usage('$0 COMMAND\n\nGenerates and validates QEMU launch configurations for vDPA devices.')
    .command(
      'probe [devices..]',
      'read the facts of this host -> HostReport (JSON)',
      (command) =>
        command
          .positional('devices', {
            type: 'string',
            array: true,
            default: [] as string[],
            describe: 'vdpa names or /dev/vhost-vdpa-N; all when left out',
          })
          .option('open', {
            type: 'boolean',
            default: true,
            describe: '--no-open: never open a device (opening resets an idle one)',
          })
          .option('qemu', repeatable('QEMU binary to ask; may be repeated'))
          .example('$0 probe > host.json', 'the facts of this host')
          .example('$0 probe vp0 --no-open', 'one device, without touching it'),
      (args) =>
        choose(() =>
          import('./commands/probe.ts').then(({ probe }) =>
            probe({ ...globals(args), devices: args.devices, open: args.open, qemu: args.qemu }, io),
          ),
        ),
    )
    .command(
      'assess [report]',
      'verdict per device and virtqueue: may the kick go straight to the doorbell?',
      (command) =>
        command
          .positional('report', {
            type: 'string',
            describe: 'host report (JSON or YAML, - is stdin); this host when left out',
          })
          .option('parents', repeatable('your own rows on parent drivers (YAML or JSON); may be repeated'))
          .option('svg', { type: 'string', describe: 'draw the doorbell pages of each device into this file' })
          .option('draw', { type: 'boolean', default: false, describe: 'draw them in text as well' })
          .example('$0 assess', 'this host')
          .example('$0 assess host.json --json', 'a host that was probed before')
          .example('$0 assess host.json --svg doorbells.svg', 'see why a page is safe or not'),
      (args) =>
        choose(() =>
          import('./commands/assess.ts').then(({ assess }) =>
            assess(
              { ...globals(args), report: args.report, parents: args.parents, svg: args.svg, draw: args.draw },
              io,
            ),
          ),
        ),
    )
    .command(
      'gen [spec]',
      'QEMU command line or libvirt XML from a VM spec and host reports',
      (command) =>
        command
          .positional('spec', { type: 'string', describe: 'VM spec (YAML, - is stdin)' })
          .option('host', repeatable('host report; may be repeated; this host when left out'))
          .option('on', { type: 'string', describe: 'host to bind to, where there are several' })
          .option('parents', repeatable('your own rows on parent drivers (YAML or JSON); may be repeated'))
          .option('format', {
            choices: ['qemu', 'libvirt', 'plan'] as const,
            default: 'qemu' as const,
            describe: 'what to write',
          })
          .option('template', { type: 'string', describe: 'start from a shipped template instead of SPEC' })
          .option('set', repeatable('KEY=VALUE in the spec, such as interfaces.0.vdpa=vp1'))
          .example('$0 gen vm.yaml --host host.json', 'the QEMU command line, one option per line')
          .example(
            '$0 gen vm.yaml --host a.json --host b.json --on hostA --format libvirt',
            'libvirt XML for hostA, fit for both',
          ),
      (args) =>
        choose(() =>
          import('./commands/gen.ts').then(({ gen }) =>
            gen(
              {
                ...globals(args),
                spec: args.spec,
                template: args.template,
                set: args.set,
                host: args.host,
                on: args.on,
                parents: args.parents,
                format: args.format,
              },
              io,
            ),
          ),
        ),
    )
    .command(
      'validate [files..]',
      'what QEMU and libvirt would get wrong: specs, reports, libvirt XML, QEMU command lines',
      (command) =>
        command
          .positional('files', {
            type: 'string',
            array: true,
            default: [] as string[],
            describe: 'files of any kind, several kinds in one run (- is stdin)',
          })
          .option('as', {
            choices: documentKinds,
            describe: 'what the files are; told from their content when left out',
          })
          .option('host', repeatable('host report: check against that host as well; may be repeated'))
          .option('on', { type: 'string', describe: 'host that the files are for, where there are several' })
          .option('format', {
            choices: ['text', 'json', 'sarif'] as const,
            default: 'text' as const,
            describe: 'sarif: SARIF 2.1.0, for the code scanning of CI systems',
          })
          .option('with-programs', {
            type: 'boolean',
            default: false,
            describe: "ask libvirt's schema, virsh and QEMU as well, where they are installed",
          })
          .example('$0 validate web1.xml --host host.json', 'a libvirt domain, also against its host')
          .example('$0 validate vms/*.yaml hosts/*.json --format sarif', 'in CI'),
      (args) =>
        choose(() =>
          import('./commands/validate.ts').then(({ validate }) =>
            validate(
              {
                ...globals(args),
                files: args.files,
                as: args.as,
                host: args.host,
                on: args.on,
                format: args.format,
                withPrograms: args.withPrograms,
              },
              io,
            ),
          ),
        ),
    )
    .command(
      'guest-abi [file]',
      'what a configuration shows to the guest, and its digest',
      (command) =>
        command
          .positional('file', {
            type: 'string',
            describe: 'VM spec, plan, libvirt domain XML or QEMU command line (- is stdin)',
          })
          .option('qmp', { type: 'string', describe: 'QMP socket of a running VM (a path, or HOST:PORT)' })
          .option('pid', { type: 'number', describe: 'process of QEMU; found by itself where the rights suffice' })
          .option('host', repeatable('host report; may be repeated; for a spec this host when left out'))
          .option('on', { type: 'string', describe: 'host to bind a spec to, where there are several' })
          .option('as', {
            choices: ['spec', 'plan', 'libvirt', 'qemu-argv', 'guest-configuration'] as const,
            describe: 'what the file is; told from its content when left out',
          })
          .option('digest', { type: 'boolean', default: false, describe: 'print only the digest' })
          .example('$0 guest-abi web1.xml --digest', 'the same on every host, or the guest cannot move')
          .example('$0 guest-abi --qmp /run/web1.qmp', 'of a running VM'),
      (args) =>
        choose(() =>
          import('./commands/guest-abi.ts').then(({ guestAbi }) =>
            guestAbi(
              {
                ...globals(args),
                file: args.file,
                qmp: args.qmp,
                pid: args.pid,
                host: args.host,
                on: args.on,
                as: args.as,
                digest: args.digest,
              },
              io,
            ),
          ),
        ),
    )
    .command(
      'baseline [reports..]',
      'the largest guest ABI that all hosts can serve, and who limits it',
      (command) =>
        command
          .positional('reports', {
            type: 'string',
            array: true,
            default: [] as string[],
            describe: 'host reports, one or many in a file (- is stdin, also when left out)',
          })
          .option('class', {
            choices: ['net', 'block'] as const,
            describe: 'class of devices; those that are there when left out',
          })
          .example('$0 baseline host1.json host2.json', 'what both can serve, and the commands that make it so')
          .example('$0 baseline --json < hosts.ndjson', 'thousands of reports, one a line'),
      (args) =>
        choose(() =>
          import('./commands/baseline.ts').then(({ baselineCommand }) =>
            baselineCommand({ ...globals(args), reports: args.reports, class: args.class }, io),
          ),
        ),
    )
    .command(
      'check-migration [file]',
      'can this guest migrate to those hosts, and if not, how would it fail?',
      (command) =>
        command
          .positional('file', {
            type: 'string',
            describe: 'VM spec, plan, libvirt domain XML or QEMU command line (- is stdin)',
          })
          .option('qmp', { type: 'string', describe: 'QMP socket of the running VM (a path, or HOST:PORT)' })
          .option('pid', { type: 'number', describe: 'process of QEMU; found by itself where the rights suffice' })
          .option('as', {
            choices: ['spec', 'plan', 'libvirt', 'qemu-argv', 'guest-configuration'] as const,
            describe: 'what the file is; told from its content when left out',
          })
          .option('with', { type: 'string', describe: 'what the destination would start with (of the same kinds)' })
          .option('from', { type: 'string', describe: 'report of the host that the guest runs on' })
          .option('to', repeatable('report of a destination, made while its devices were idle; may be repeated'))
          .option('device', repeatable('ID=NAME: the vDPA device that a guest device gets; may be repeated'))
          .option('allow', repeatable('verdict that is no failure: can-with-loss, unknown; may be repeated'))
          .example('$0 check-migration web1.xml --from a.json --to b.json --to c.json', 'a libvirt domain')
          .example('$0 check-migration --qmp /run/web1.qmp --from a.json --to b.json', 'by what the guest really took'),
      (args) =>
        choose(() =>
          import('./commands/check-migration.ts').then(({ checkMigrationCommand }) =>
            checkMigrationCommand(
              {
                ...globals(args),
                file: args.file,
                qmp: args.qmp,
                pid: args.pid,
                as: args.as,
                with: args.with,
                from: args.from,
                to: args.to,
                device: args.device,
                allow: args.allow,
              },
              io,
            ),
          ),
        ),
    )
    .command(
      'launch <spec>',
      'start QEMU from a VM spec, wait for the guest driver, verify, report',
      (command) =>
        command
          .positional('spec', { type: 'string', demandOption: true, describe: 'VM spec (YAML, - is stdin)' })
          .option('host', repeatable('host report; may be repeated; this host when left out'))
          .option('on', { type: 'string', describe: 'which of several hosts this one is' })
          .option('timeout', { type: 'number', default: 60, describe: 'seconds for the guest driver to come up' })
          .option('detach', { type: 'boolean', default: false, describe: 'leave the VM running; print pid and socket' })
          .option('require', {
            type: 'boolean',
            default: false,
            describe: 'every vDPA device must have active host notifiers',
          })
          .example('$0 launch vm.yaml', 'until QEMU ends or Ctrl-C')
          .example('$0 launch vm.yaml --detach --json', 'for a script'),
      (args) =>
        choose(() =>
          import('./commands/launch.ts').then(({ launch }) =>
            launch(
              {
                ...globals(args),
                spec: args.spec,
                host: args.host,
                on: args.on,
                timeout: args.timeout,
                detach: args.detach,
                require: args.require,
              },
              io,
            ),
          ),
        ),
    )
    .command(
      'verify',
      'are the host notifiers of a running VM active, and if not, why?',
      (command) =>
        command
          .option('qmp', { type: 'string', describe: 'QMP socket of the VM (a path, or HOST:PORT)' })
          .option('domain', { type: 'string', describe: 'libvirt domain, asked through virsh' })
          .option('connect', { type: 'string', describe: 'libvirt URI for --domain; default qemu:///system' })
          .option('spec', { type: 'string', describe: 'VM spec: compare the VM with its plan' })
          .option('host', repeatable('host report, made while the devices were idle; may be repeated'))
          .option('on', { type: 'string', describe: 'which of several hosts the VM runs on' })
          .option('wait', { type: 'number', default: 0, describe: 'seconds to wait for the guest driver' })
          .option('pid', { type: 'number', describe: 'process of QEMU; found by itself where the rights suffice' })
          .option('require', {
            type: 'boolean',
            default: false,
            describe: 'every vDPA device must have active host notifiers',
          })
          .example('$0 verify --qmp /run/web1.qmp --wait 30', 'a VM that is just booting')
          .example('$0 verify --domain web1 --spec web1.yaml --host host.json', 'a libvirt domain against its plan'),
      (args) =>
        choose(() =>
          import('./commands/verify.ts').then(({ verify }) =>
            verify(
              {
                ...globals(args),
                qmp: args.qmp,
                domain: args.domain,
                connect: args.connect,
                spec: args.spec,
                host: args.host,
                on: args.on,
                wait: args.wait,
                pid: args.pid,
                require: args.require,
              },
              io,
            ),
          ),
        ),
    )
    .completion('completion', 'print a script that completes commands in bash or zsh')
    .demandCommand(1, 'say what to do')
    .check(onlyOnce)
    .strict()
    .exitProcess(false)
    .help()
    .version(version)
    .wrap(100)
    .epilogue('Exit code: 0 nothing blocks; 1 something found blocks; 2 could not run.')
    .fail((message: string | null, error: Error | undefined) => {
      // a failed command comes without a message
      if (error && !message) throw error;
      throw new VdpaQemuError('usage', (message ?? 'cannot be understood').replace(/\s*\n\s*/g, ' '));
    });
  await parser.parseAsync(words, {}, (error: unknown, _args: unknown, output: string) => {
    if (error === undefined && output !== '') io.out(`${output}\n`);
  });
  return chosen === undefined ? 0 : await chosen();
}

const lists = new Set(['_', 'devices', 'parents', 'qemu', 'host', 'set', 'reports', 'to', 'device', 'allow', 'files']);

/** Of an option that was given twice yargs makes a list. */
function onlyOnce(args: Record<string, unknown>): true {
  const twice = Object.keys(args).find((name) => Array.isArray(args[name]) && !lists.has(name));
  if (twice !== undefined) throw new VdpaQemuError('usage', `--${twice} can be given once`);
  return true;
}

function withGlobals(parser: Argv): Argv<Record<keyof GlobalOptions, unknown>> {
  return parser
    .option('json', { type: 'boolean', default: false, describe: 'machine output' })
    .option('output', { type: 'string', describe: 'write the result to this file, whole or not at all; - is stdout' })
    .option('color', { type: 'boolean', default: true, describe: '--no-color: plain text' })
    .option('quiet', { type: 'boolean', default: false, describe: 'tell only errors' })
    .option('verbose', { type: 'boolean', default: false, describe: 'tell more' });
}

function globals(args: Record<keyof GlobalOptions, unknown>): GlobalOptions {
  return {
    json: args.json === true,
    output: typeof args.output === 'string' && args.output !== standardInput ? args.output : undefined,
    color: args.color !== false,
    quiet: args.quiet === true,
    verbose: args.verbose === true,
  };
}

/** yargs drops what stands behind a `--`; no file of ours has to be told from an option. */
function withoutSeparator(argv: readonly string[]): string[] {
  const at = argv.indexOf('--');
  if (at < 0) return [...argv];
  const rest = argv.slice(at + 1);
  const option = rest.find((word) => word.startsWith('-') && word !== '-');
  if (option !== undefined) throw new VdpaQemuError('usage', `${option} cannot stand behind --: write ./${option}`);
  return [...argv.slice(0, at), ...rest];
}

/** An option that takes one word each time it is given. */
function repeatable(describe: string): { type: 'string'; array: true; nargs: 1; default: string[]; describe: string } {
  return { type: 'string', array: true, nargs: 1, default: [], describe };
}

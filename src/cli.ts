import { addAssess } from './cli/assess.ts';
import { addBaseline } from './cli/baseline.ts';
import { addCheckMigration } from './cli/check-migration.ts';
import { withGlobals, type AddCommand, type Choose } from './cli/command.ts';
import { addGen } from './cli/gen.ts';
import { addGuestAbi } from './cli/guest-abi.ts';
import { addLaunch } from './cli/launch.ts';
import { addProbe } from './cli/probe.ts';
import { addValidate } from './cli/validate.ts';
import { addVerify } from './cli/verify.ts';
import type { ExitCode, Io } from './commands/io.ts';
import { standardInput } from './model/standard-input.ts';
import { messageOf, VdpaQemuError } from './model/error.ts';
import { printable } from './model/fact.ts';
import { version } from './version.ts';

/** In the order of --help: the way of a VM from the host's facts to the running guest. */
const commands: readonly AddCommand[] = [
  addProbe,
  addAssess,
  addGen,
  addValidate,
  addGuestAbi,
  addBaseline,
  addCheckMigration,
  addLaunch,
  addVerify,
];

/** Runs one command line. Never throws: what cannot be done is told on `io.err` and gives exit code 2. */
export async function main(argv: readonly string[], io: Io): Promise<ExitCode> {
  const safe = guarded(io);
  try {
    return await run(argv, safe);
  } catch (thrown) {
    safe.err(renderFailure(thrown));
    return 2;
  }
}

/** A result that cannot be written is an error of the system; talk that nobody can hear is none, and the result counts. */
function guarded(io: Io): Io {
  return {
    ...io,
    out: (text) => {
      try {
        io.out(text);
      } catch (cause) {
        if (!(cause instanceof Error && 'syscall' in cause && 'code' in cause)) throw cause;
        throw new VdpaQemuError('system', `standard output: ${String(cause.code)}`, { cause });
      }
    },
    err: (text) => {
      try {
        io.err(text);
      } catch {
        // nothing is left to say it on
      }
    },
  };
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
  const given = withoutSeparator(argv);
  refuseSecondInput(given);
  const words = given.map((word) => (word === '-' ? standardInput : word));
  // Run after parsing: of a handler that gives a promise yargs expects failure, and lays out the help text in advance.
  let chosen: Parameters<Choose>[0] | undefined;
  const choose: Choose = (work) => {
    chosen = work;
  };
  const parser = commands
    .reduce((described, add) => add(described, choose), withGlobals(yargs(words)))
    .scriptName('vdpa-qemu')
    .usage('$0 COMMAND\n\nGenerates and validates QEMU launch configurations for vDPA devices.')
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
  return chosen === undefined ? 0 : await chosen(io);
}

/**
 * Standard input is read once; as --output a dash is standard output.
 * @throws VdpaQemuError usage
 */
function refuseSecondInput(words: readonly string[]): void {
  const dashes = words.filter((word, index) =>
    word === '-' ? words[index - 1] !== '--output' : /^--(?!output=)[a-z-]+=-$/.test(word),
  );
  if (dashes.length > 1) throw new VdpaQemuError('usage', '- is standard input, which can be read once');
}

const lists = new Set(['_', 'devices', 'parents', 'qemu', 'host', 'set', 'reports', 'to', 'device', 'allow', 'files']);

/** Of an option that was given twice yargs makes a list. */
function onlyOnce(args: Record<string, unknown>): true {
  const twice = Object.keys(args).find((name) => Array.isArray(args[name]) && !lists.has(name));
  if (twice !== undefined) throw new VdpaQemuError('usage', `--${twice} can be given once`);
  return true;
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

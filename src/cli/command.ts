import type { Argv } from 'yargs';
import type { ExitCode, GlobalOptions, Io } from '../commands/io.ts';
import { standardInput } from '../model/standard-input.ts';

export type Parser = Argv<Record<keyof GlobalOptions, unknown>>;

/** Takes the work of the command that was given. It runs after parsing: see `run` in cli.ts. */
export type Choose = (work: (io: Io) => Promise<ExitCode>) => void;

/** Describes one command to yargs. What it runs is imported only then, so that help and short commands start fast. */
export type AddCommand = (parser: Parser, choose: Choose) => Parser;

export function withGlobals(parser: Argv): Parser {
  return parser
    .option('json', { type: 'boolean', default: false, describe: 'machine output' })
    .option('output', { type: 'string', describe: 'write the result to this file, whole or not at all; - is stdout' })
    .option('color', { type: 'boolean', default: true, describe: '--no-color: plain text' })
    .option('quiet', { type: 'boolean', default: false, describe: 'tell only errors' })
    .option('verbose', { type: 'boolean', default: false, describe: 'tell more' });
}

export function globals(args: Record<keyof GlobalOptions, unknown>): GlobalOptions {
  return {
    json: args.json === true,
    output: typeof args.output === 'string' && args.output !== standardInput ? args.output : undefined,
    color: args.color !== false,
    quiet: args.quiet === true,
    verbose: args.verbose === true,
  };
}

/** Where the command asks a running VM. */
export const monitorOptions = {
  qmp: { type: 'string', describe: 'QMP socket of the running VM (a path, or HOST:PORT)' },
  domain: { type: 'string', describe: 'running libvirt domain, asked through virsh' },
  connect: { type: 'string', describe: 'libvirt URI for --domain; default qemu:///system' },
  pid: { type: 'number', describe: 'process of QEMU; found by itself where the rights suffice' },
} as const;

/** An option that takes one word each time it is given. */
export function repeatable(describe: string): {
  type: 'string';
  array: true;
  nargs: 1;
  default: string[];
  describe: string;
} {
  return { type: 'string', array: true, nargs: 1, default: [], describe };
}

export const parentsOption = repeatable('your own rows on parent drivers (YAML or JSON); may be repeated');

import { globals, parentsOption, type AddCommand } from './command.ts';

export const addBaseline: AddCommand = (parser, choose) =>
  parser.command(
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
        .option('parents', parentsOption)
        .example('$0 baseline host1.json host2.json', 'what both can serve, and the commands that make it so')
        .example('$0 baseline --json < hosts.ndjson', 'thousands of reports, one a line'),
    (args) =>
      choose(async (io) => {
        const { baselineCommand } = await import('../commands/baseline.ts');
        return await baselineCommand(
          { ...globals(args), reports: args.reports, class: args.class, parents: args.parents },
          io,
        );
      }),
  );

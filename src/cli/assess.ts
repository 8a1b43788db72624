import { globals, parentsOption, type AddCommand } from './command.ts';

export const addAssess: AddCommand = (parser, choose) =>
  parser.command(
    'assess [report]',
    'verdict per device and virtqueue: may the kick go straight to the doorbell?',
    (command) =>
      command
        .positional('report', {
          type: 'string',
          describe: 'host report (JSON or YAML, - is stdin); this host when left out',
        })
        .option('parents', parentsOption)
        .option('svg', { type: 'string', describe: 'draw the doorbell pages of each device into this file' })
        .option('draw', { type: 'boolean', default: false, describe: 'draw them in text as well' })
        .example('$0 assess', 'this host')
        .example('$0 assess host.json --json', 'a host that was probed before')
        .example('$0 assess host.json --svg doorbells.svg', 'see why a page is safe or not'),
    (args) =>
      choose(async (io) => {
        const { assess } = await import('../commands/assess.ts');
        return await assess(
          { ...globals(args), report: args.report, parents: args.parents, svg: args.svg, draw: args.draw },
          io,
        );
      }),
  );

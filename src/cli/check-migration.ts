import { configurationKinds } from '../import/kinds.ts';
import { globals, monitorOptions, parentsOption, repeatable, type AddCommand } from './command.ts';

export const addCheckMigration: AddCommand = (parser, choose) =>
  parser.command(
    'check-migration [file]',
    'can this guest migrate to those hosts, and if not, how would it fail?',
    (command) =>
      command
        .positional('file', {
          type: 'string',
          describe: 'VM spec, plan, libvirt domain XML or QEMU command line (- is stdin)',
        })
        .options(monitorOptions)
        .option('as', {
          choices: configurationKinds,
          describe: 'what the file is; told from its content when left out',
        })
        .option('with', { type: 'string', describe: 'what the destination would start with (of the same kinds)' })
        .option('from', { type: 'string', describe: 'report of the host that the guest runs on' })
        .option('to', repeatable('report of a destination, made while its devices were idle; may be repeated'))
        .option('device', repeatable('ID=NAME: the vDPA device that a guest device gets; may be repeated'))
        .option('parents', parentsOption)
        .option('allow', repeatable('verdict that is no failure: can-with-loss, unknown; may be repeated'))
        .example('$0 check-migration web1.xml --to b.json', 'a libvirt domain; --from tells more')
        .example('$0 check-migration --qmp SOCKET --to b.json', 'by what the guest really took'),
    (args) =>
      choose(async (io) => {
        const { checkMigrationCommand } = await import('../commands/check-migration.ts');
        return await checkMigrationCommand(
          {
            ...globals(args),
            file: args.file,
            qmp: args.qmp,
            domain: args.domain,
            connect: args.connect,
            pid: args.pid,
            as: args.as,
            with: args.with,
            from: args.from,
            to: args.to,
            device: args.device,
            allow: args.allow,
            parents: args.parents,
          },
          io,
        );
      }),
  );

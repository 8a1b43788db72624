import { configurationKinds } from '../import/kinds.ts';
import { globals, monitorOptions, parentsOption, repeatable, type AddCommand } from './command.ts';

export const addGuestAbi: AddCommand = (parser, choose) =>
  parser.command(
    'guest-abi [file]',
    'what a configuration shows to the guest, and its digest',
    (command) =>
      command
        .positional('file', {
          type: 'string',
          describe: 'VM spec, plan, libvirt domain XML or QEMU command line (- is stdin)',
        })
        .options(monitorOptions)
        .option('host', repeatable('host report; may be repeated; for a spec this host when left out'))
        .option('parents', parentsOption)
        .option('on', { type: 'string', describe: 'host to bind a spec to, where there are several' })
        .option('as', {
          choices: configurationKinds,
          describe: 'what the file is; told from its content when left out',
        })
        .option('digest', { type: 'boolean', default: false, describe: 'print only the digest' })
        .example('$0 guest-abi web1.xml --digest', 'the same on every host, or the guest cannot move')
        .example('$0 guest-abi --qmp /run/web1.qmp', 'of a running VM'),
    (args) =>
      choose(async (io) => {
        const { guestAbi } = await import('../commands/guest-abi.ts');
        return await guestAbi(
          {
            ...globals(args),
            file: args.file,
            qmp: args.qmp,
            domain: args.domain,
            connect: args.connect,
            pid: args.pid,
            host: args.host,
            on: args.on,
            parents: args.parents,
            as: args.as,
            digest: args.digest,
          },
          io,
        );
      }),
  );

import { globals, parentsOption, repeatable, type AddCommand } from './command.ts';

export const addLaunch: AddCommand = (parser, choose) =>
  parser.command(
    'launch <spec>',
    'start QEMU from a VM spec, wait for the guest driver, verify, report',
    (command) =>
      command
        .positional('spec', { type: 'string', demandOption: true, describe: 'VM spec (YAML, - is stdin)' })
        .option('host', repeatable('host report; may be repeated; this host when left out'))
        .option('parents', parentsOption)
        .option('on', { type: 'string', describe: 'which of several hosts this one is' })
        .option('timeout', { type: 'number', default: 60, describe: 'seconds for the guest driver to come up' })
        .option('detach', {
          type: 'boolean',
          default: false,
          describe: 'leave the VM running; print pid, socket and log, whose folder you remove when it has ended',
        })
        .option('require', {
          type: 'boolean',
          default: false,
          describe: 'every vDPA device must have active host notifiers',
        })
        .example('$0 launch vm.yaml', 'until QEMU ends or Ctrl-C')
        .example('$0 launch vm.yaml --detach --json', 'for a script'),
    (args) =>
      choose(async (io) => {
        const { launch } = await import('../commands/launch.ts');
        return await launch(
          {
            ...globals(args),
            spec: args.spec,
            host: args.host,
            on: args.on,
            parents: args.parents,
            timeout: args.timeout,
            detach: args.detach,
            require: args.require,
          },
          io,
        );
      }),
  );

import { globals, monitorOptions, parentsOption, repeatable, type AddCommand } from './command.ts';

export const addVerify: AddCommand = (parser, choose) =>
  parser.command(
    'verify',
    'are the host notifiers of a running VM active, and if not, why?',
    (command) =>
      command
        .options(monitorOptions)
        .option('spec', { type: 'string', describe: 'VM spec: compare the VM with its plan' })
        .option('host', repeatable('host report, made while the devices were idle; may be repeated'))
        .option('parents', parentsOption)
        .option('on', { type: 'string', describe: 'which of several hosts the VM runs on' })
        .option('wait', {
          type: 'number',
          default: 0,
          describe: 'seconds to wait for the guest driver; still not up: not-yet, and exit 0 without --require',
        })
        .option('require', {
          type: 'boolean',
          default: false,
          describe: 'every vDPA device must have active host notifiers',
        })
        .example('$0 verify --qmp /run/web1.qmp --wait 30', 'a VM that is just booting')
        .example('$0 verify --domain web1 --spec web1.yaml', 'a libvirt domain against its plan'),
    (args) =>
      choose(async (io) => {
        const { verify } = await import('../commands/verify.ts');
        return await verify(
          {
            ...globals(args),
            qmp: args.qmp,
            domain: args.domain,
            connect: args.connect,
            spec: args.spec,
            host: args.host,
            on: args.on,
            parents: args.parents,
            wait: args.wait,
            pid: args.pid,
            require: args.require,
          },
          io,
        );
      }),
  );

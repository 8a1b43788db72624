import { globals, parentsOption, repeatable, type AddCommand } from './command.ts';

export const addGen: AddCommand = (parser, choose) =>
  parser.command(
    'gen [spec]',
    'QEMU command line or libvirt XML from a VM spec and host reports',
    (command) =>
      command
        .positional('spec', { type: 'string', describe: 'VM spec (YAML, - is stdin)' })
        .option('host', repeatable('host report; may be repeated; this host when left out'))
        .option('on', { type: 'string', describe: 'host to bind to, where there are several' })
        .option('parents', parentsOption)
        .option('format', {
          choices: ['qemu', 'libvirt', 'plan'] as const,
          default: 'qemu' as const,
          describe: 'what to write',
        })
        .option('template', { type: 'string', describe: 'start from a shipped template instead of SPEC' })
        .option('set', repeatable('KEY=VALUE in the spec, such as interfaces.0.vdpa=vp1'))
        .example('$0 gen vm.yaml --host host.json', 'the QEMU command line, one option per line')
        .example('$0 gen vm.yaml --host all.ndjson --on hostA', 'for one host of several, fit for all')
        .example('$0 gen vm.yaml --format libvirt', 'libvirt XML for this host'),
    (args) =>
      choose(async (io) => {
        const { gen } = await import('../commands/gen.ts');
        return await gen(
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
        );
      }),
  );

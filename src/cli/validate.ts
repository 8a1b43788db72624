import { documentKinds } from '../validate/document.ts';
import { globals, parentsOption, repeatable, type AddCommand } from './command.ts';

export const addValidate: AddCommand = (parser, choose) =>
  parser.command(
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
        .option('parents', parentsOption)
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
        .example('$0 validate vms/*.yaml --format sarif', 'in CI'),
    (args) =>
      choose(async (io) => {
        const { validate } = await import('../commands/validate.ts');
        return await validate(
          {
            ...globals(args),
            files: args.files,
            as: args.as,
            host: args.host,
            on: args.on,
            parents: args.parents,
            format: args.format,
            withPrograms: args.withPrograms,
          },
          io,
        );
      }),
  );

import { globals, repeatable, type AddCommand } from './command.ts';

export const addProbe: AddCommand = (parser, choose) =>
  parser.command(
    'probe [devices..]',
    'read the facts of this host -> HostReport (JSON)',
    (command) =>
      command
        .positional('devices', {
          type: 'string',
          array: true,
          default: [] as string[],
          describe: 'vdpa names or /dev/vhost-vdpa-N; all when left out',
        })
        .option('open', {
          type: 'boolean',
          default: true,
          describe: '--no-open: never open a device (opening resets an idle one)',
        })
        .option('qemu', repeatable('QEMU binary to ask; may be repeated'))
        .example('$0 probe > host.json', 'the facts of this host')
        .example('$0 probe vp0 --no-open', 'one device, without touching it'),
    (args) =>
      choose(async (io) => {
        const { probe } = await import('../commands/probe.ts');
        return await probe({ ...globals(args), devices: args.devices, open: args.open, qemu: args.qemu }, io);
      }),
  );

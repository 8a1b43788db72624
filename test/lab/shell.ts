/**
 * `npm run lab`: a shell on a machine with vDPA devices, for whoever has none.
 *
 *   npm run lab                            a shell in L1 on this terminal; leaving it switches L1 off
 *   npm run lab -- vdpa-qemu probe         one command, with its output and exit code
 *   echo 'vdpa dev show' | npm run lab     a script
 *
 * The shell runs on L1's serial console, so that it is a terminal with job control; the agent starts it and tells when
 * it has ended.
 */
import { text } from 'node:stream/consumers';
import { images, missing } from './images.ts';
import { bootL1, type L1 } from './l1.ts';

const powerOffKey = '\x1d'; // Ctrl-]

const welcome = `
This is L1, an emulated host with four vDPA devices: vp0 (one doorbell page per virtqueue), vp1 (four-byte doorbells),
sim0 (simulated network card) and blk0 (simulated disk), at /dev/vhost-vdpa-0 to -3. The checkout is /project and its
command vdpa-qemu is on PATH. Nothing you change is kept; while L1 runs, its /share is your machine's
SHARE. Try: vdpa dev show; vdpa-qemu probe; vdpa-qemu assess.
For virsh, start libvirt first: sh /project/test/lab/l1/libvirtd.sh
Leave with exit or Ctrl-D; Ctrl-] switches L1 off at once.

`;

const reasons = missing();
if (reasons.length > 0) {
  console.error(`The lab cannot run here:\n${reasons.map((reason) => `  ${reason}`).join('\n')}`);
  process.exitCode = 2;
} else {
  const built = await images();
  console.error('lab: booting L1');
  const l1 = await bootL1(built);
  try {
    process.exitCode = await use(l1, process.argv.slice(2));
  } finally {
    await l1.close();
  }
}

async function use(l1: L1, argv: string[]): Promise<number> {
  if (argv.length > 0) return await pass(l1, argv, '');
  if (process.stdin.isTTY) return await shell(l1);
  return await pass(l1, ['bash', '-s'], await text(process.stdin));
}

async function pass(l1: L1, argv: readonly string[], stdin: string): Promise<number> {
  const { code, stdout, stderr } = await l1.run(argv, { stdin, timeoutMs: 0 });
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  return code ?? 1;
}

async function shell(l1: L1): Promise<number> {
  const { stdin, stdout } = process;
  const { input, output } = l1.consoleStreams;
  const env = { TERM: process.env['TERM'] ?? 'linux' };
  const resize = () =>
    l1.run(['stty', '-F', '/dev/ttyS0', 'rows', String(stdout.rows), 'cols', String(stdout.columns)]);
  await resize();
  const type = (keys: Buffer) => (keys.includes(powerOffKey) ? void l1.close() : input.write(keys));
  stdout.on('resize', () => void resize());
  stdout.write(welcome.replace('SHARE', l1.share));
  output.on('data', (shown: string) => stdout.write(shown));
  stdin.setRawMode(true).on('data', type);
  try {
    const login = 'exec setsid --ctty --wait bash </dev/ttyS0 >/dev/ttyS0 2>&1';
    await l1.run(['sh', '-c', login], { env, timeoutMs: 0 }).catch(() => undefined);
    return 0;
  } finally {
    stdin.setRawMode(false).destroy();
    stdout.write('\n');
  }
}

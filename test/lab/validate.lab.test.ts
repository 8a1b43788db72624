/**
 * The behaviour behind the rules of validate: QEMU 10.0 and libvirt 11.3 out of the lab's tree on this machine, and what
 * takes a real vDPA device in L1. The same cases are tried on the machine's own versions in test/validate.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startProgram, type Program } from '../../src/host/process.ts';
import type { QmpClient } from '../../src/host/qmp-client.ts';
import { connectQmp } from '../../src/host/qmp-connect.ts';
import { defineAll, type Defined } from '../validate/embedded-libvirt.ts';
import { domainOf, libvirtCases } from '../validate/libvirt-cases.ts';
import { backends, board, port, refused } from '../validate/qemu-cases.ts';
import { full } from './extent.ts';
import { images, missing, type Images } from './images.ts';
import { bootL1, type L1, type RunResult } from './l1.ts';
import { bootL2, endL2, startL2, type L2, type L2Options } from './l2.ts';
import { copyEmulator } from './old-qemu.ts';
import { qmpReturn, until } from './witness.ts';

const why = missing();
const all = Object.keys(libvirtCases);
const starting = new Set(all.filter((name) => libvirtCases[name]?.starts !== undefined));

describe.skipIf(why.length > 0)(`programs of the tree ${why.join(', ')}`, () => {
  let directory: string;
  let around: (directory: string) => string[];
  beforeAll(async () => {
    const { root }: Images = await images();
    directory = mkdtempSync(join(tmpdir(), 'vdpa-qemu-tree-'));
    const script = resolve('test/lab/validate/in-tree.sh');
    around = (own) => ['unshare', '-m', '--propagation', 'private', script, root, own];
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  describe('libvirt', () => {
    let defined: Map<string, Defined>;
    beforeAll(() => {
      const xmls = new Map(all.map((name) => [name, domainOf(name)]));
      defined = defineAll(directory, xmls, undefined, around, starting);
    });

    test.each(all)('%s', (name) => {
      const { refuses, starts, keeps, drops } = libvirtCases[name]!;
      const { error, xml } = defined.get(name)!;
      expect(error).toMatch(refuses ?? starts ?? /^$/);
      if (keeps) expect(xml).toMatch(keeps);
      if (drops) expect(/<interface.*<\/interface>/.exec(xml)?.[0]).not.toMatch(drops);
    });
  });

  describe('QEMU', () => {
    let program: Program;
    let client: QmpClient;
    beforeAll(async () => {
      const words = [...board, ...backends, ...[1, 2, 3, 4].flatMap(port), '-qmp', 'stdio'];
      const [first, ...rest] = around(directory);
      program = await startProgram(first!, [...rest, 'qemu-system-x86_64', ...words], { pipe: true });
      client = await connectQmp({ stream: program.stdio! }, { timeoutMs: 60_000 });
    });
    afterAll(async () => {
      client.close();
      await program.stop();
    });

    test.each(refused)('refuses %s: %s', async (_, says, [command, given]) => {
      await expect(client.execute(command, given)).rejects.toThrow(says);
    });

    test('vhost-vdpa-device-pci without its device, and with what it has not (validate.generic-device)', async () => {
      const device = { driver: 'vhost-vdpa-device-pci', bus: 'rp3' };
      await expect(client.execute('device_add', device)).rejects.toThrow(/vhostdev are missing/);
      const more = { ...device, vhostdev: '/dev/null', vectors: 3 };
      await expect(client.execute('device_add', more)).rejects.toThrow(/Property '.*vectors' not found/);
    });
  });
});

describe.skipIf(why.length > 0)(`real devices in L1 ${why.join(', ')}`, () => {
  let l1: L1;
  beforeAll(async () => {
    l1 = await bootL1(await images());
  });
  afterAll(async () => {
    await l1.close();
  });

  /** Runs monitor commands on a QEMU whose CPU stands still. */
  const ask = async (emulator: string, commands: readonly string[], words: readonly string[]): Promise<RunResult> => {
    const fixed = '-M q35 -nodefaults -display none -S -accel tcg -m 64 -monitor stdio'.split(' ');
    return await l1.run([emulator, ...fixed, ...words], {
      stdin: [...commands, 'quit', ''].join('\n'),
      timeoutMs: 120_000,
    });
  };
  const start = async (...words: string[]): Promise<string> => (await ask('qemu-system-x86_64', [], words)).stderr;
  const netdev = (id: string, name = 'vp0', more = ''): string[] => [
    '-netdev',
    `vhost-vdpa,id=${id},vhostdev=${l1.devices.get(name) ?? ''}${more}`,
  ];

  test('a device is opened once (validate.device-shared)', async () => {
    expect(await start(...netdev('n0'), ...netdev('n1'))).toMatch(/Device or resource busy/);
  });

  test('only virtio-net can be in front of it (validate.front-end)', async () => {
    expect(await start(...netdev('n0'), '-device', 'e1000e,netdev=n0')).toMatch(
      /requires frontend driver virtio-net-\*/,
    );
  });

  test('and QEMU 7.2 says so, too (validate.front-end)', async () => {
    await copyEmulator(l1, 'qemu-7.2');
    const { stderr } = await ask('qemu-7.2', [], [...netdev('n0'), '-device', 'e1000e,netdev=n0']);
    expect(stderr).toMatch(/requires frontend driver virtio-net-\*/);
  });

  test('a disk is no NIC (validate.device-class)', async () => {
    expect(await start(...netdev('n0', 'blk0'), '-device', 'virtio-net-pci,netdev=n0')).not.toBe('');
  });

  test('queues= is never read (validate.queues-ignored)', async () => {
    expect(await start(...netdev('n0', 'vp0', ',queues=64'), '-device', 'virtio-net-pci,netdev=n0,mq=on')).toBe('');
  });

  test('a vDPA disk through the page cache (validate.disk-cache-direct)', async () => {
    const node = (direct: string): string[] => [
      '-blockdev',
      `driver=virtio-blk-vhost-vdpa,node-name=b,path=${l1.devices.get('blk0') ?? ''},cache.direct=${direct}`,
    ];
    expect(await start(...node('off'))).toMatch(/cache\.direct=off is not supported/);
    expect(await start(...node('on'))).toBe('');
  });

  test('packed rings that the device does not offer are gone (validate.packed-not-offered)', async () => {
    for (const name of ['vp0', 'sim0']) {
      const words = [...netdev('n0', name), '-device', 'virtio-net-pci,netdev=n0,id=net0,packed=on'];
      const { stdout } = await ask('qemu-system-x86_64', ['qom-get /machine/peripheral/net0 packed'], words);
      expect(stdout).toMatch(/^false\r?$/m);
    }
  });

  test('a generic device keeps the machine where it is (validate.not-migratable)', async () => {
    const words = ['-device', `vhost-vdpa-device-pci,vhostdev=${l1.devices.get('vp0') ?? ''}`];
    const { stdout } = await ask('qemu-system-x86_64', ['migrate exec:cat>/dev/null'], words);
    expect(stdout).toMatch(/non-migratable device|not migratable/);
  });

  describe('while the guest runs', () => {
    let l2: L2 | undefined;
    afterEach(async () => {
      if (l2 !== undefined) await endL2(l1, l2);
      l2 = undefined;
    });
    const mac = '52:54:00:0d:0a:77';
    const boot = async (name: string, options: Partial<L2Options> = {}): Promise<L2> =>
      (l2 = await bootL2(l1, { device: l1.devices.get(name)!, mac, ...options }));

    /** What the guest reads from the virtio configuration space of its NIC: at 0x2000 of BAR 4. */
    async function configuration(socket: string, offset: number, count: number): Promise<number[]> {
      const buses = await qmpReturn(l1, socket, { execute: 'query-pci' });
      const bar = /"qdev_id":"net0".*?"address":([0-9]+),"bar":4/.exec(ordered(buses))?.[1];
      const line = `xp /${count}bx ${Number(bar) + 0x2000 + offset}`;
      const read = { execute: 'human-monitor-command', arguments: { 'command-line': line } };
      const text = String(await qmpReturn(l1, socket, read));
      return [...text.matchAll(/0x([0-9a-f]{2})\b/g)].map(([, byte = '']) => parseInt(byte, 16));
    }

    test('it reads the MAC address of the device, not that of the command line (validate.mac-differs)', async () => {
      const { socket } = await boot('vp0');
      expect(await configuration(socket, 0, 6)).toEqual([0x52, 0x54, 0, 0x0d, 0x0a, 0]);
    });

    test('but a simulator takes that of the command line (validate.mac-differs)', async () => {
      const { socket } = await boot('sim0');
      expect(await configuration(socket, 0, 6)).toEqual([0x52, 0x54, 0, 0x0d, 0x0a, 0x77]);
    });

    test('it reads the MTU of the device, not host_mtu (validate.mtu-differs)', async () => {
      const { socket } = await boot('sim0', { nic: 'host_mtu=9000' });
      const [low = 0, high = 0] = await configuration(socket, 10, 2);
      expect(low + high * 256).toBe(1500);
    });

    const name = 'Linux takes no device without a control virtqueue (validate.mq-without-ctrl-vq)';
    // a whole Linux: more than a minute
    test.skipIf(!full)(full ? name : `${name}: npm run test:lab:full`, async () => {
      const kernel = [
        '-kernel',
        '/share/kernel',
        '-append',
        'console=ttyS0 panic=0',
        '-serial',
        'file:/run/lab/l2.log',
      ];
      const nic = 'mq=on,ctrl_vq=off';
      l2 = await startL2(l1, { device: l1.devices.get('sim0')!, mac, nic, program: 'none', extra: kernel });
      const said = await until(
        'word of Linux',
        async () => /virtio_net .*/.exec(await l1.readFile('/run/lab/l2.log'))?.[0],
        400_000,
      );
      // the simulator offers no MQ
      expect(said).toMatch(/device advertises feature VIRTIO_NET_F_CTRL_MAC_ADDR but not VIRTIO_NET_F_CTRL_VQ/);
    });
  });
});

/** JSON with sorted keys, so that a pattern can follow one device: `qdev_id` comes before its `regions`. */
function ordered(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(ordered).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${ordered(member)}`).join(',')}}`;
}

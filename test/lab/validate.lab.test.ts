/**
 * The behaviour behind the rules of validate: QEMU 10.0 and libvirt 11.3 out of the lab's tree on this machine, and what
 * takes a real vDPA device in L1. The same cases are tried on the machine's own versions in test/validate.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startProgram, type Program } from '../../src/host/process.ts';
import type { QmpClient } from '../../src/host/qmp-client.ts';
import { connectQmp } from '../../src/host/qmp-connect.ts';
import { defineAll, type Defined } from '../validate/embedded-libvirt.ts';
import { domainOf, libvirtCases } from '../validate/libvirt-cases.ts';
import { backends, board, port, refused } from '../validate/qemu-cases.ts';
import { images, missing, type Images } from './images.ts';
import { bootL1, type L1 } from './l1.ts';

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

  const start = async (...words: string[]): Promise<string> => {
    const fixed = '-M q35 -nodefaults -display none -S -accel tcg -m 64 -monitor stdio'.split(' ');
    const { stderr } = await l1.run(['qemu-system-x86_64', ...fixed, ...words], {
      stdin: 'quit\n',
      timeoutMs: 120_000,
    });
    return stderr;
  };
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

  test('a disk is no NIC (validate.device-class)', async () => {
    expect(await start(...netdev('n0', 'blk0'), '-device', 'virtio-net-pci,netdev=n0')).not.toBe('');
  });

  test('queues= is never read (validate.queues-ignored)', async () => {
    expect(await start(...netdev('n0', 'vp0', ',queues=64'), '-device', 'virtio-net-pci,netdev=n0,mq=on')).toBe('');
  });
});

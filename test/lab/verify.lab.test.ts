/**
 * What `verify` says of real VMs on real vDPA devices, against three witnesses of the lab: QEMU's object tree, its memory
 * map, and the kernel's list of the process's mappings. With LAB_CAPTURE=DIRECTORY also what QMP answered is kept there.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Verification } from '../../src/model/generated/verification.ts';
import { usualDevices, type LabDevice } from './devices.ts';
import { chosen, full, whatIsLeftOut } from './extent.ts';
import { images, missing } from './images.ts';
import { bootL1, type Background, type L1, type RunResult } from './l1.ts';
import { bootL2, endL2, startL2, type L2, type L2Options } from './l2.ts';
import { product, productOk } from './product.ts';
import { Table } from './table.ts';
import { hostNotifiers, mappedDoorbells, qmpReturn, until, untilDriverOk } from './witness.ts';

const why = missing();
const captureTo = process.env['LAB_CAPTURE'];

const devices: readonly LabDevice[] = [
  ...usualDevices,
  { kind: 'vp', name: 'mq0', mac: '52:54:00:0d:0a:03', pagePerVq: true, queuePairs: 3 },
  { kind: 'vp', name: 'mq8', mac: '52:54:00:0d:0a:04', pagePerVq: true, queuePairs: 8 },
  { kind: 'vp', name: 'mq64', mac: '52:54:00:0d:0a:06', pagePerVq: true, queuePairs: 64 },
  { kind: 'sim-net', name: 'sim1', add: ['mac', '52:54:00:0d:0a:02'] },
  // simulators with a page per doorbell: their host notifiers are active, and they can migrate
  { kind: 'sim-net', name: 'page0', add: ['mac', '52:54:00:0d:0a:05'], zoo: 'page' },
  { kind: 'sim-net', name: 'page1', add: ['mac', '52:54:00:0d:0a:05'], zoo: 'page' },
];
const macs: Readonly<Record<string, string>> = {
  vp0: '52:54:00:0d:0a:00',
  vp1: '52:54:00:0d:0a:01',
  sim0: '52:54:00:0d:0a:02',
  sim1: '52:54:00:0d:0a:02',
  mq0: '52:54:00:0d:0a:03',
  mq8: '52:54:00:0d:0a:04',
  mq64: '52:54:00:0d:0a:06',
  page0: '52:54:00:0d:0a:05',
  page1: '52:54:00:0d:0a:05',
};

/** Processes of QEMU, without the search itself, and without those that have ended and are not yet waited for. */
const aliveQemus = 'grep -l qemu-[s]ystem /proc/[0-9]*/cmdline';
const here = 'verify.lab.test.ts';
const versions = [
  { label: 'QEMU 10.0', root: undefined },
  { label: 'QEMU 7.2', root: '/' },
];

describe.skipIf(why.length > 0).each(chosen(here, versions, ({ root }) => root === undefined))(
  `verify in L1, $label ${why.join(', ')}`,
  ({ label, root }) => {
    const table = new Table();
    const modern = root === undefined;
    let l1: L1;
    let running: L2[] = [];

    beforeAll(async () => {
      l1 = await bootL1({ ...(await images(root === undefined ? {} : { root })), devices });
      await l1.writeFile('/tmp/l1.json', await productOk(l1, ['probe', '--quiet']));
    });
    afterEach(async () => {
      for (const l2 of running) await endL2(l1, l2).catch(() => undefined);
      running = [];
    });
    afterAll(async () => {
      console.log(`verify, ${label}\n${table.toString()}${whatIsLeftOut()}`);
      await l1.close();
    });

    function options(name: string, more: Partial<L2Options> = {}): L2Options {
      return { device: l1.devices.get(name)!, mac: macs[name]!, ...more };
    }

    async function start(name: string, more: Partial<L2Options> = {}): Promise<L2> {
      const l2 = await startL2(l1, options(name, more));
      running.push(l2);
      return l2;
    }

    async function boot(name: string, more: Partial<L2Options> = {}): Promise<L2> {
      const l2 = await bootL2(l1, options(name, more));
      running.push(l2);
      return l2;
    }

    async function verify(socket: string, ...more: string[]): Promise<{ result: RunResult; said: Verification }> {
      const result = await product(l1, ['verify', '--qmp', socket, '--json', '--verbose', ...more]);
      if (result.code === 2) throw new Error(result.stderr);
      return { result, said: JSON.parse(result.stdout) as Verification };
    }

    /** A case that the usual run leaves out. */
    function onlyFull(name: string, body: () => Promise<void>): void {
      for (const one of chosen(here, [body], () => false)) test(name, one);
    }

    /** A case of QEMU 10.0 only. On 7.2 it is shown as skipped: that QEMU cannot migrate these devices, and its tree has neither the device nor libvirt. */
    function onlyModern(name: string, body: () => Promise<void>): void {
      test.skipIf(!modern)(modern ? name : `${name}: not with QEMU 7.2 and its tree`, body);
    }

    /** Asks the product and the witnesses at the same moment of the VM's life, and compares. */
    async function check(
      name: string,
      l2: L2,
      device: string,
      expected: string,
      ...more: string[]
    ): Promise<Verification> {
      const look = async (): Promise<{ said: Verification; words: string; agreed: boolean }> => {
        const { said } = await verify(l2.socket, ...more);
        const [first] = said.devices;
        const active = activeIn(said);
        const reasons = new Set(
          first?.virtqueues.filter(({ role }) => role !== 'control').map(({ reasons: [reason] }) => reason?.code),
        );
        // null: they went away while the witness looked
        const qom = await hostNotifiers(l1, l2.socket, 'net0').then(
          (found) => found.map(({ vq }) => vq),
          () => null,
        );
        const maps = await mappedDoorbells(l1, l2.qemu.pid, l1.devices.get(device)!);
        const witnesses = JSON.stringify([qom, maps, await flatView(l2.socket)]);
        const agreed = witnesses === JSON.stringify([active, active, active]);
        const words = `${JSON.stringify(active)} ${first?.verdict ?? 'no device'} ${[...reasons].join(' ')}`;
        return { said, agreed, words: agreed ? words : `${words} but witnesses ${witnesses}` };
      };
      // The guest goes on between the product's look and the witnesses': a disagreement counts if it stays.
      let seen = await look();
      for (let again = 0; again < 3 && !seen.agreed; again++) seen = await look();
      const { said, words } = seen;
      table.add(name, expected, words);
      expect(words, JSON.stringify(said.observation.migration)).toBe(expected);
      await capture(name, l2.socket, !expected.includes('not-yet'));
      return said;
    }

    function activeIn(said: Verification): number[] {
      return said.devices.flatMap(({ virtqueues }) =>
        virtqueues.filter(({ verdict }) => verdict === 'active').map(({ index }) => index),
      );
    }

    async function flatView(socket: string): Promise<number[]> {
      const text = String(
        await qmpReturn(l1, socket, {
          execute: 'human-monitor-command',
          arguments: { 'command-line': 'info mtree -f' },
        }),
      );
      const view = text.split(/^FlatView/m).find((part) => part.includes('AS "memory", root: system')) ?? '';
      return [...view.matchAll(/host-notifier@\S+ mmaps\[(\d+)\]/g)]
        .map((match) => Number(match[1]))
        .sort((a, b) => a - b);
    }

    /** Keeps what QMP answers, for the unit tests: through the library itself, run in L1. */
    async function capture(name: string, socket: string, driverUp: boolean): Promise<void> {
      if (captureTo === undefined) return;
      const text = await l1.ok(['node', '/project/test/lab/l1/record-qmp.mjs', socket, driverUp ? '90' : '0']);
      mkdirSync(captureTo, { recursive: true });
      const file = `${label} ${name}`.toLowerCase().replace(/[^a-z0-9.]+/g, '-');
      writeFileSync(join(captureTo, `${file}.json`), text);
    }

    const steady: readonly (readonly [string, boolean, string])[] = [
      ['vp0', true, '[0,1] active verify.active'],
      ['vp0', false, '[] inactive verify.page-per-vq-off'],
      ['vp1', true, '[] inactive verify.kernel-refuses'],
      ['sim0', true, '[] inactive verify.kernel-refuses'],
      ['mq0', true, '[0,1] active verify.active'],
    ];
    test.each(chosen(here, steady, ([name, on]) => on && (name === 'vp0' || name === 'sim0')))(
      '%s, page-per-vq %s',
      async (name, pagePerVq, expected) => {
        await check(
          `${name} page-per-vq=${pagePerVq ? 'on' : 'off'}`,
          await boot(name, { pagePerVq }),
          name,
          expected,
          '--wait',
          '90',
        );
      },
    );

    onlyFull('with a report that was made before, the kernel’s own answer is the reason', async () => {
      const said = await check(
        'vp1 with --host',
        await boot('vp1'),
        'vp1',
        '[] inactive verify.kernel-refuses',
        '--host',
        '/tmp/l1.json',
        '--wait',
        '90',
      );
      expect(said.devices[0]?.virtqueues[0]?.reasons[0]?.message).toContain('ENOTSUPP');
    });

    onlyModern('rings larger than the device takes: the driver is up, and nothing is received', async () => {
      // QEMU 10.0.13 offers 1024 descriptors; the guest takes them all
      const l2 = await boot('sim0', {
        program: { driver: 'want=100000020 pairs=1 size=400' },
      });
      const expected = '[] inactive verify.vhost-not-started';
      const said = await check('rings of 1024', l2, 'sim0', expected, '--host', '/tmp/l1.json');
      expect(said.findings.map(({ code }) => code)).toEqual(['verify.vhost-not-started']);
      expect(said.devices[0]?.summary).toContain('rings have 1024 descriptors, and the device takes at most 256');
      expect(await l1.readFile(l2.qemu.log)).toContain('vhost_set_vring_num failed: Invalid argument');
    });

    for (const pairs of chosen(here, [8, 64], () => false)) {
      onlyModern(`${pairs} queue pairs and the control virtqueue, all in use`, async () => {
        // with VIRTIO_NET_F_MQ, without which QEMU has no more than one
        const l2 = await boot(`mq${pairs}`, {
          nic: `mq=on,vectors=${2 * pairs + 2}`,
          program: { driver: `want=100420020 pairs=${pairs} silent=1` },
        });
        const all = JSON.stringify(Array.from({ length: 2 * pairs + 1 }, (_, index) => index));
        const expected = `${all} active verify.active`;
        const said = await check(`${pairs} queue pairs`, l2, `mq${pairs}`, expected, '--wait', '90');
        expect(said.devices[0]?.virtqueues).toHaveLength(2 * pairs + 1);
      });
    }

    onlyFull('the device is named by a link, as udev makes them', async () => {
      await l1.ok(['mkdir', '-p', '/dev/vdpa']);
      await l1.ok(['ln', '-sf', l1.devices.get('vp0')!, '/dev/vdpa/vp0']);
      const l2 = await boot('vp0', { device: '/dev/vdpa/vp0' });
      const said = await check('vp0 by a link', l2, 'vp0', '[0,1] active verify.active', '--wait', '90');
      expect(said.devices[0]?.charDevice).toBe(l1.devices.get('vp0'));
    });

    onlyFull('a doorbell in an I/O BAR as well: the pages are there, and which one is used is not known', async () => {
      const l2 = await boot('vp0', { nic: 'modern-pio-notify=on' });
      const { said } = await verify(l2.socket, '--wait', '90');
      const maps = await mappedDoorbells(l1, l2.qemu.pid, l1.devices.get('vp0')!);
      const words = `${said.devices[0]?.verdict} ${said.devices[0]?.virtqueues[0]?.reasons[0]?.code} ${JSON.stringify(maps)}`;
      table.add('modern-pio-notify=on', 'unknown verify.pio-notify [0,1]', words);
      expect(words).toBe('unknown verify.pio-notify [0,1]');
    });

    for (const name of chosen(here, ['sim0', 'page0'], () => false)) {
      test(`x-svq=on, ${name}`, async () => {
        const svq = await bootWith(name, 'x-svq=on');
        await check(`${name} x-svq=on`, svq, name, '[] inactive verify.shadow-virtqueues', '--wait', '90');
      });
    }

    /** An L2 with another property of its netdev: its last -netdev argument is written anew. */
    async function bootWith(name: string, property: string): Promise<L2> {
      const l2 = await startL2(l1, { ...options(name), device: `${l1.devices.get(name)!},${property}` });
      running.push(l2);
      await untilDriverOk(l1, l2.qemu, l2.socket, 'net0');
      return l2;
    }

    test('before DRIVER_OK, --wait until it is there, reset, and paused', async () => {
      const l2 = await start('vp0', { extra: ['-S'] });
      await until('socket', async () => ((await l1.run(['test', '-S', l2.socket])).code === 0 ? true : undefined));
      await check('before the VM runs', l2, 'vp0', '[] not-yet verify.vm-stopped');
      await qmpReturn(l1, l2.socket, { execute: 'cont' });
      await check('--wait 60', l2, 'vp0', '[0,1] active verify.active', '--wait', '60');
      await qmpReturn(l1, l2.socket, { execute: 'stop' });
      await check('paused', l2, 'vp0', '[] not-yet verify.vm-stopped');
      await qmpReturn(l1, l2.socket, { execute: 'cont' });
      if (full) await check('continued', l2, 'vp0', '[0,1] active verify.active', '--wait', '60');
      await qmpReturn(l1, l2.socket, { execute: 'system_reset' });
      await check('after system_reset, --wait 60', l2, 'vp0', '[0,1] active verify.active', '--wait', '60');
    });

    onlyFull('a guest without a driver', async () => {
      const l2 = await start('vp0', { program: 'none' });
      await until('socket', async () => ((await l1.run(['test', '-S', l2.socket])).code === 0 ? true : undefined));
      await check('before DRIVER_OK', l2, 'vp0', '[] not-yet verify.driver-not-up', '--wait', '1');
    });

    onlyFull('a notifier that is required and not active: exit code 1', async () => {
      const l2 = await boot('sim0');
      const { result, said } = await verify(l2.socket, '--require');
      table.add(
        '--require on sim0',
        'exit 1 verify.required-not-active',
        `exit ${result.code} ${said.findings[0]?.code}`,
      );
      expect([result.code, said.findings[0]?.code]).toEqual([1, 'verify.required-not-active']);
      await endL2(l1, l2);
      running = [];
      const good = await verify((await boot('vp0')).socket, '--require', '--wait', '90');
      table.add('--require on vp0', 'exit 0', `exit ${good.result.code}`);
      expect(good.result.code).toBe(0);
    });

    onlyFull('chaos: the monitor is held by another; QEMU is killed; the socket is gone', async () => {
      const l2 = await boot('vp0');
      const holder = await l1.spawn([
        'node',
        '-e',
        `require('net').connect('${l2.socket}'); setTimeout(() => {}, 60000)`,
      ]);
      const held = await until('held', async () => {
        const result = await product(l1, ['verify', '--qmp', l2.socket]);
        return result.code === 2 ? result : undefined;
      });
      table.add(
        'monitor held by another',
        'exit 2 another client',
        `exit ${held.code} ${/another client/.exec(held.stderr)?.[0]}`,
      );
      expect(held.stderr).toContain('another client may hold this monitor');
      await l1.kill(holder, 'SIGKILL');
      await l1.wait(holder);
      const both = await Promise.all([1, 2].map(() => product(l1, ['verify', '--qmp', l2.socket, '--quiet'])));
      table.add('two at once', 'exit 0, 0', `exit ${both.map(({ code }) => code).join(', ')}`);
      expect(both.map(({ code }) => code)).toEqual([0, 0]);
      await qmpReturn(l1, l2.socket, { execute: 'system_reset' });
      await qmpReturn(l1, l2.socket, { execute: 'stop' });
      const waiting = product(l1, ['verify', '--qmp', l2.socket, '--wait', '60']);
      await until('verify at work', async () =>
        (await l1.run(['sh', '-c', `cat /proc/net/unix | grep -c '${l2.socket}$'`])).stdout.trim() > '1'
          ? true
          : undefined,
      );
      await l1.kill(l2.qemu, 'SIGKILL');
      const killed = await waiting;
      table.add('kill -9 QEMU during verify', 'exit 2', `exit ${killed.code}`);
      expect({ code: killed.code, text: killed.stderr }).toEqual({
        code: 2,
        text: expect.stringMatching(/closed|EPIPE|reset/i) as string,
      });
      const gone = await product(l1, ['verify', '--qmp', '/run/lab/no.sock']);
      table.add('no such socket', 'exit 2', `exit ${gone.code}`);
      expect(gone.code).toBe(2);
    });

    onlyFull('chaos: the socket vanishes while verify waits; who comes later cannot connect', async () => {
      const l2 = await start('vp0', { extra: ['-S'] });
      await until('socket', async () => ((await l1.run(['test', '-S', l2.socket])).code === 0 ? true : undefined));
      const waiting = product(l1, ['verify', '--qmp', l2.socket, '--json', '--wait', '15']);
      await until('verify at work', async () =>
        (await l1.run(['sh', '-c', `cat /proc/net/unix | grep -c '${l2.socket}$'`])).stdout.trim() > '1'
          ? true
          : undefined,
      );
      await l1.ok(['rm', l2.socket]);
      const { code, stdout } = await waiting;
      const said = JSON.parse(stdout) as Verification;
      const after = await product(l1, ['verify', '--qmp', l2.socket]);
      table.add(
        'socket removed while waiting',
        'exit 0 not-yet, then exit 2',
        `exit ${code} ${said.devices[0]?.verdict}, then exit ${after.code}`,
      );
      expect([code, said.devices[0]?.verdict, after.code]).toEqual([0, 'not-yet', 2]);
      expect(after.stderr).toContain('ENOENT');
    });

    onlyFull('chaos: a slow socket, and one that stalls', async () => {
      const l2 = await boot('vp0');
      const proxy = async (name: string): Promise<[string, Background]> => {
        const socket = `/run/lab/${name}.sock`;
        const relay = await l1.spawn(['node', '/project/test/lab/l1/relay.mjs', l2.socket, socket, name]);
        await until('relay', async () => ((await l1.run(['test', '-S', socket])).code === 0 ? true : undefined));
        return [socket, relay];
      };
      const [slow, slowRelay] = await proxy('slow');
      await check('slow socket', { ...l2, socket: slow }, 'vp0', '[0,1] active verify.active', '--wait', '90');
      await l1.kill(slowRelay, 'SIGKILL');
      await l1.wait(slowRelay);
      const [stalled, stalledRelay] = await proxy('stalled');
      const none = await product(l1, ['verify', '--qmp', stalled]);
      table.add('a socket that stalls', 'exit 2', `exit ${none.code}`);
      expect({ code: none.code, text: none.stderr }).toEqual({
        code: 2,
        text: expect.stringMatching(/was not answered within/) as string,
      });
      await l1.kill(stalledRelay, 'SIGKILL');
      await l1.wait(stalledRelay);
    });

    /** Starts a destination for `l2`, and a migration that is too slow to end by itself. */
    async function migrate(l2: L2, to: string, channel: string, waiting?: string): Promise<L2> {
      const socket = `/run/lab/${channel}.sock`;
      const destination = await start(to, { extra: ['-incoming', `unix:${socket}`] });
      await until('socket', async () => ((await l1.run(['test', '-S', socket])).code === 0 ? true : undefined));
      if (waiting !== undefined) await check(`${to}, waiting`, destination, to, waiting);
      await qmpReturn(l1, l2.socket, {
        execute: 'migrate-set-parameters',
        arguments: { 'max-bandwidth': 8192, 'downtime-limit': 1 },
      });
      await qmpReturn(l1, l2.socket, { execute: 'migrate', arguments: { uri: `unix:${socket}` } });
      return destination;
    }

    const migrations: readonly (readonly [string, string, string])[] = [
      ['page0', 'page1', '[0,1] active verify.active'],
      ['sim0', 'sim1', '[] inactive verify.kernel-refuses'],
    ];
    for (const [from, to, steadily] of chosen(here, migrations, ([name]) => name === 'page0')) {
      onlyModern(`live migration, ${from} to ${to}: shadowed meanwhile, cancelled, then completed`, async () => {
        const l2 = await boot(from);
        await check(`${from}, before`, l2, from, steadily, '--wait', '90');
        await migrate(l2, to, `${from}-cancelled`, '[] not-yet verify.vm-stopped');
        await check(`${from}, during`, l2, from, '[] inactive verify.migrating', '--wait', '20');
        await qmpReturn(l1, l2.socket, { execute: 'migrate_cancel' });
        await check(`${from}, cancelled`, l2, from, steadily, '--wait', '90');
        await endL2(l1, running.pop()!);

        const destination = await migrate(l2, to, `${from}-completed`);
        await qmpReturn(l1, l2.socket, {
          execute: 'migrate-set-parameters',
          arguments: { 'max-bandwidth': 2 ** 33, 'downtime-limit': 2000 },
        });
        await until('migration completed', async () => {
          const { status } = (await qmpReturn(l1, l2.socket, { execute: 'query-migrate' })) as { status: string };
          if (status === 'failed') throw new Error(await l1.readFile(destination.qemu.log));
          return status === 'completed' ? true : undefined;
        });
        await check(`${from}, completed`, l2, from, '[] not-yet verify.vm-stopped');
        await check(`${to}, completed`, destination, to, steadily, '--wait', '90');
      });
    }

    onlyModern('vhost-vdpa-device-pci: never asked for its virtio status, and judged all the same', async () => {
      const generic = async (name: string, rest: string): Promise<L2> => {
        const socket = `/run/lab/generic-${name}.sock`;
        const qemu: Background = await l1.spawn([
          ...['prlimit', '--memlock=unlimited', 'qemu-system-x86_64', '-M', 'q35,memory-backend=ram', '-accel', 'tcg'],
          ...[
            '-m',
            '256',
            '-nodefaults',
            '-display',
            'none',
            '-object',
            'memory-backend-memfd,id=ram,size=256M,share=on',
          ],
          ...['-qmp', `unix:${socket},server=on,wait=off`, '-device', 'pcie-root-port,id=port0,chassis=1,addr=0x2'],
          ...[
            '-device',
            `vhost-vdpa-device-pci,id=net0,bus=port0,page-per-vq=on,bootindex=1,vhostdev=${l1.devices.get(name)!}${rest}`,
          ],
        ]);
        const l2 = { socket, qemu };
        running.push(l2);
        await until('socket', async () => ((await l1.run(['test', '-S', socket])).code === 0 ? true : undefined));
        return l2;
      };
      const block = await generic('blk0', '');
      await check('blk0 as a device', block, 'blk0', '[] inactive verify.kernel-refuses', '--wait', '60');
      const net = await generic('vp0', ',romfile=pxe-virtio.rom');
      await check('vp0 as a device', net, 'vp0', '[0,1,2] active verify.active', '--wait', '60');
    });

    onlyModern('launch: verified, detached, verified again; and nothing is left after a failure', async () => {
      const spec = (device: string, more = '') =>
        `schemaVersion: 1\nname: lab\nmachine: pc-q35-10.0\nmemory: 256MiB\ninterfaces: [{ id: net0, vdpa: ${device}, bootIndex: 1${more} }]\n`;
      const args = ['launch', '-', '--host', '/tmp/l1.json', '--timeout', '90', '--json', '--require', '--detach'];
      const launched = await product(l1, args, spec('vp0'));
      expect(launched.stderr).not.toContain('error');
      const said = JSON.parse(launched.stdout) as Verification;
      table.add(
        'launch vp0 --require --detach',
        'exit 0 [0,1]',
        `exit ${launched.code} ${JSON.stringify(activeIn(said))}`,
      );
      const { pid, socket } = said.vm!;
      await l1.writeFile('/tmp/spec.yaml', spec('vp0'));
      const again = await verify(socket, '--spec', '/tmp/spec.yaml', '--host', '/tmp/l1.json');
      const drift = again.said.findings.map(({ code }) => code);
      table.add('launched VM against its spec', 'exit 0', `exit ${again.result.code} ${drift.join(' ')}`.trim());
      if (full) {
        const unhosted = await verify(socket, '--spec', '/tmp/spec.yaml');
        table.add('against its spec without a report', 'exit 0', `exit ${unhosted.result.code}`);
      }
      await l1.writeFile('/tmp/other.yaml', spec('vp0', ', hostNotifier: off').replace('256MiB', '512MiB'));
      const other = await verify(socket, '--spec', '/tmp/other.yaml', '--host', '/tmp/l1.json');
      const paths = other.said.findings.filter(({ code }) => code === 'verify.drift').map(({ path }) => path);
      table.add(
        'against another spec',
        'exit 1 /interfaces/0/pagePerVq /memoryBytes',
        `exit ${other.result.code} ${paths.join(' ')}`,
      );
      await l1.ok(['sh', '-c', `kill -9 ${pid}`]);
      await l1.ok(['rm', '-r', socket.replace(/\/qmp$/, '')]);
      await l1.writeFile('/tmp/example.yaml', spec('sim0'));
      const example = ['node', '/project/examples/launch-and-verify.mjs', '/tmp/example.yaml', '90'];
      const notActive = await l1.run(example, { timeoutMs: 300_000 });
      const alive = (await l1.run(['sh', '-c', aliveQemus])).stdout.trim();
      table.add(
        'examples/launch-and-verify.mjs, sim0',
        'exit 1, nothing left',
        `exit ${notActive.code}, ${alive === '' ? 'nothing left' : alive}`,
      );
      expect(table.rows.filter((row) => row.predicted !== row.observed)).toEqual([]);
      if (!full) return;
      const refused = await product(l1, args, spec('sim0'));
      const left = (await l1.run(['sh', '-c', `ls -d /run/vdpa-qemu-* /tmp/vdpa-qemu-*; ${aliveQemus}`])).stdout.trim();
      table.add(
        'launch sim0 --require',
        'exit 1, nothing left',
        `exit ${refused.code}, ${left === '' ? 'nothing left' : left}`,
      );
      await l1.writeFile('/tmp/example.yaml', spec('mq0'));
      const orchestrated = await l1.run(example, { timeoutMs: 300_000 });
      const [, runningPid, runningSocket] = /pid (\d+)\nqmp (\S+)/.exec(orchestrated.stdout) ?? [];
      table.add(
        'examples/launch-and-verify.mjs, mq0',
        'exit 0',
        `exit ${orchestrated.code} ${orchestrated.stderr}`.trim(),
      );
      const found = await hostNotifiers(l1, runningSocket!, 'net0');
      table.add('the VM it left running', '2 host notifiers', `${found.length} host notifiers`);
      await l1.ok(['sh', '-c', `kill -9 ${runningPid}`]);
      await l1.ok(['rm', '-r', runningSocket!.replace(/\/qmp$/, '')]);
      expect(table.rows.filter((row) => row.predicted !== row.observed)).toEqual([]);
    });

    onlyModern('through libvirt', async () => {
      await l1.ok(['sh', '/project/test/lab/l1/libvirtd.sh']);
      // No DHCP server answers behind mq0's tap: iPXE goes on asking, and keeps the device.
      const spec =
        'schemaVersion: 1\nname: lab\nmachine: pc-q35-10.0\nmemory: 256MiB\ninterfaces: [{ id: net0, vdpa: mq0, bootIndex: 1 }]\n';
      await l1.writeFile('/tmp/spec.yaml', spec);
      const xml = await productOk(l1, ['gen', '/tmp/spec.yaml', '--host', '/tmp/l1.json', '--format', 'libvirt']);
      // where nothing can be booted, SeaBIOS starts again: the driver comes back
      await l1.writeFile('/tmp/lab.xml', xml.replace('</os>', "<bios rebootTimeout='1'/></os>"));
      const virsh = ['virsh', '-q', '-c', 'qemu:///system'];
      await l1.ok([...virsh, 'define', '/tmp/lab.xml']);
      await l1.ok([...virsh, 'start', 'lab']);
      try {
        const result = await product(l1, [
          'verify',
          '--domain',
          'lab',
          '--json',
          '--verbose',
          '--wait',
          '90',
          '--spec',
          '/tmp/spec.yaml',
          '--host',
          '/tmp/l1.json',
        ]);
        expect(result.stderr).toContain('tainted');
        const said = JSON.parse(result.stdout) as Verification;
        const doorbells = said.observation.process?.doorbells;
        const maps = Array.isArray(doorbells) ? doorbells.map(({ virtqueue }) => virtqueue) : [];
        const errors = said.findings.filter(({ severity }) => severity !== 'info').map(({ message }) => message);
        // the one thing that is not in the spec is the one that was written into the XML above
        const drift = ['option boot is reboot-timeout=1,strict=on in the running VM and strict=on in the plan'];
        table.add(
          'mq0 through libvirt, with another -boot',
          `exit 1 [0,1] [0,1] ${drift.join('; ')}`,
          `exit ${result.code} ${JSON.stringify(activeIn(said))} ${JSON.stringify(maps)} ${errors.join('; ')}`,
        );
        expect([result.code, activeIn(said), maps, errors]).toEqual([1, [0, 1], [0, 1], drift]);
      } finally {
        await l1.run([...virsh, 'destroy', 'lab']);
        await l1.run([...virsh, 'undefine', 'lab']);
      }
    });
  },
);

/** What QEMU on this machine really does with what the rules find: one QEMU, asked over QMP. */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startProgram, type Program } from '../../src/host/process.ts';
import type { QmpClient } from '../../src/host/qmp-client.ts';
import { connectQmp } from '../../src/host/qmp-connect.ts';
import { needsQemu, qemu } from '../host/qemu.ts';
import { backends, board, diskArgs, nic, nicArgs, port, refused } from './qemu-cases.ts';
import { args, codesIn, domain, findingsIn, rootPort } from './samples.ts';

if (qemu === undefined) console.log(`QEMU is not asked:${needsQemu}`);

describe.skipIf(qemu === undefined)(`QEMU${needsQemu}`, () => {
  let program: Program;
  let client: QmpClient;
  beforeAll(async () => {
    const words = [...board, ...backends, ...[1, 2, 3, 4].flatMap(port), '-qmp', 'stdio'];
    program = await startProgram(qemu!, words, { pipe: true });
    client = await connectQmp({ stream: program.stdio! }, { timeoutMs: 60_000 });
  }, 90_000);
  afterAll(async () => {
    client.close();
    await program.stop();
  });

  test.each(refused)('refuses %s: %s', async (_, says, [command, given]) => {
    await expect(client.execute(command, given)).rejects.toThrow(says);
  });

  test.each(['virtio-net-pci', 'virtio-blk-pci', 'vhost-vdpa-device-pci'])(
    'every property of %s is known here (validate.property-unknown)',
    async (driver) => {
      const said = spawnSync(qemu!, [...board, '-device', `${driver},help`], { encoding: 'utf8', timeout: 60_000 });
      const names = [...said.stdout.matchAll(/^ {2}([\w.-]+)=/gm)].map(([, name]) => name ?? '');
      if (driver !== 'vhost-vdpa-device-pci') expect(names.length).toBeGreaterThan(60);
      const text = `qemu-system-x86_64 -M pc-q35-10.0 ${rootPort} -device ${driver},${names.map((name) => `${name}=1`).join(',')}`;
      const found = (await findingsIn(text)).filter(({ code }) => code === 'validate.property-unknown');
      expect(found.map(({ message }) => message)).toEqual([]);
    },
  );

  test('a netdev serves one device (validate.netdev-link)', async () => {
    await client.execute(...nic({ netdev: 'n1', id: 'first' }, 'rp3'));
    await expect(client.execute(...nic({ netdev: 'n1', id: 'second' }, 'rp4'))).rejects.toThrow(/in use/);
  });

  test('it lets a multicast MAC address through: only libvirt refuses it (validate.mac-invalid)', async () => {
    await client.execute(...nic({ mac: '53:54:00:00:00:01', id: 'multicast' }));
  });
});

describe('and the rules find it', () => {
  test.each(refused)('%s %s', async (code, _, __, text) => {
    expect((await codesIn(text)).map((one) => one.split(' ')[0])).toContain(code);
  });
});

describe.skipIf(qemu === undefined)(`QEMU at its start${needsQemu}`, () => {
  const start = (...words: string[]): { stderr: string; signal: string | null; status: number | null } =>
    spawnSync(qemu!, [...board, ...backends, ...words], { encoding: 'utf8', timeout: 60_000, input: '' });

  test('makes key=value devices before JSON ones (validate.device-order)', async () => {
    const json = JSON.stringify({ driver: 'pcie-root-port', id: 'rp1', bus: 'pcie.0', chassis: 1 });
    const words = ['-device', json, '-device', 'virtio-net-pci,netdev=n0,bus=rp1'];
    expect(start(...words).stderr).toMatch(/Bus 'rp1' not found/);
    const text = args().replace(rootPort, `-device '${json}'`);
    expect(await codesIn(text)).toContain('validate.device-order error');
  });

  test.each([
    ['pc-q35-2.7', true],
    ['pc-q35-2.8', false],
  ])('%s has page-per-vq %s by itself (validate.machine-old)', async (machine, on) => {
    const get = { execute: 'qom-get', arguments: { path: '/machine/peripheral/net0', property: 'page-per-vq' } };
    const input = [{ execute: 'qmp_capabilities' }, get, { execute: 'quit' }].map((one) => JSON.stringify(one));
    const words = ['-M', machine, ...'-nodefaults -display none -S -accel tcg -m 64 -qmp stdio'.split(' ')];
    const device = ['-netdev', 'hubport,hubid=0,id=n0', '-device', 'virtio-net-pci,netdev=n0,id=net0'];
    const { stdout } = spawnSync(qemu!, [...words, ...device], {
      encoding: 'utf8',
      input: input.join('\n'),
      timeout: 60_000,
    });
    expect(stdout).toContain(`{"return": ${String(on)}}`);
    const text = args('', '', { machine: `-M ${machine}` }).replace(',page-per-vq=off', '');
    const found = (await codesIn(text)).map((one) => one.split(' ')[0]);
    expect(found.includes('validate.machine-old')).toBe(on);
  });

  test('says which machine types are aliases, deprecated, or not there (validate.machine-*)', async () => {
    const { stdout } = spawnSync(qemu!, ['-M', 'help'], { encoding: 'utf8', timeout: 60_000 });
    expect(stdout).toMatch(/^q35 .*\(alias of pc-q35-[0-9.]+\)$/m);
    expect(stdout).toMatch(/^pc-i440fx-[0-9.]+ .*\(deprecated\)$/m);
    expect(start('-M', 'pc-q35-99.0').stderr).toMatch(/unsupported machine type/);
    const found = await codesIn(args('', '', { machine: '-M q35' }));
    expect(found).toContain('validate.machine-unversioned warning');
  });

  test('aborts on more than 1024 queues of a disk (validate.disk-queues)', async () => {
    const words = [...port(1), '-device', 'virtio-blk-pci,drive=b0,bus=rp1,num-queues=1025'];
    expect(start(...words).signal).toBe('SIGABRT');
    expect(await codesIn(diskArgs('num-queues=1025'))).toContain('validate.disk-queues error');
  });

  test.each([
    ['disable-modern=on', /neither modern nor legacy mode is enabled/, 'validate.modern-disabled'],
    ['disable-legacy=true', /does not accept value 'true'/, 'validate.on-off-auto'],
  ])('refuses %s behind a PCIe port', async (more, says, code) => {
    const words = [...port(1), '-device', `virtio-net-pci,netdev=n0,bus=rp1,${more}`];
    expect(start(...words).stderr).toMatch(says);
    expect(await codesIn(nicArgs(more))).toContain(`${code} error`);
  });
});

test('qemu:arg on a bus of libvirt (validate.device-order)', async () => {
  const arg = (value: string): string =>
    `<qemu:commandline><qemu:arg value='-device'/><qemu:arg value='${value}'/></qemu:commandline>\n`;
  const late = arg('vhost-vdpa-device-pci,vhostdev=/dev/vhost-vdpa-0,bus=pci.3');
  const json = arg('{"driver":"vhost-vdpa-device-pci","vhostdev":"/dev/vhost-vdpa-0","bus":"pci.3"}');
  expect(await codesIn(domain('', { tail: late }))).toContain('validate.device-order error');
  expect(await codesIn(domain('', { tail: json }))).not.toContain('validate.device-order error');
});

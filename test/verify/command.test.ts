import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { qmpAddressOf } from '../../src/commands/qmp-address.ts';
import { main } from '../../src/cli.ts';
import { startProgram, type Program } from '../../src/host/process.ts';
import { reply, serve, polite } from '../host/qmp-peer.ts';

const qemu = '/usr/bin/qemu-system-x86_64';

async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const code = await main(argv, { out: (text) => (out += text), err: (text) => (err += text), color: true });
  return { code, out, err };
}

describe('the command line', () => {
  test.each([
    [['verify'], /either --qmp SOCKET or --domain NAME/],
    [['verify', '--qmp', 's', '--domain', 'd'], /either --qmp/],
    [['verify', '--qmp', 's', '--wait', '-1'], /--wait takes seconds/],
    [['verify', '--qmp', 's', '--pid', '0'], /--pid takes a process number/],
    [
      ['verify', '--qmp', 'x', '--pid', String(process.pid)],
      new RegExp(`--pid ${process.pid}: process ${process.pid} is no QEMU, it is node`),
    ],
    [['verify', '--qmp', 'x', '--pid', '2147483647'], /--pid 2147483647: process 2147483647: there is none/],
    [['verify', '--domain=-x'], /not the name of a libvirt domain: "-x"/],
    [['verify', '--domain', 'a/b'], /not the name of a libvirt domain/],
    [['verify', '--qmp', '/nonexistent/socket'], /no such socket/],
    [['verify', '--qmp', '127.0.0.1:1'], /nobody listens/],
    [['verify', '--qmp', 's', '--host', '/nonexistent'], /no such file/],
    [['launch', '/nonexistent', '--timeout', '0'], /--timeout takes seconds/],
    [
      ['launch', 'examples/quickstart/vm.yaml', '--host', 'examples/quickstart/host.json', '--quiet'],
      /the report is of host l1, and this is .*: its devices have other numbers here/,
    ],
  ])('%j', async (argv, words) => {
    const { code, out, err } = await run(...argv);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(words);
  });

  test('a monitor that ends meanwhile: exit code 2', async () => {
    const address = await serve(
      polite(({ execute, id }, socket) => (execute === 'qmp_capabilities' ? reply(socket, id) : socket.destroy())),
    );
    const { code, err } = await run('verify', '--qmp', 'path' in address ? address.path : '');
    expect([code, err]).toEqual([2, expect.stringMatching(/closed/)]);
  });
});

describe.skipIf(!existsSync(qemu))(`a real QEMU without vDPA${existsSync(qemu) ? '' : ` (no ${qemu})`}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'verify-'));
  const socket = join(directory, 'qmp');
  let program: Program;
  beforeAll(async () => {
    program = await startProgram(qemu, [
      ...['-M', 'pc-q35-7.2', '-accel', 'tcg', '-m', '64', '-nodefaults', '-display', 'none'],
      ...['-qmp', `unix:${socket},server=on,wait=off`, '-netdev', 'user,id=n0,restrict=on'],
      ...['-device', 'virtio-net-pci,netdev=n0,romfile='],
    ]);
    while (!existsSync(socket)) await sleep(20);
  });
  afterAll(async () => {
    await program.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  test('says so', async () => {
    const { code, out, err } = await run('verify', '--qmp', socket, '--no-color');
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^QEMU \d+\.\d+\.\d+, pc-q35-7\.2, running\nno vDPA device\n$/);
  });

  test('and that is an error where a host notifier is required', async () => {
    const { code, out } = await run(
      'verify',
      '--qmp',
      socket,
      '--require',
      '--json',
      '--verbose',
      '--pid',
      String(program.pid),
    );
    const said = JSON.parse(out) as { findings: { code: string }[]; observation: { process: { pid: number } } };
    expect(code).toBe(1);
    expect(said.findings.map((finding) => finding.code)).toEqual(['verify.required-not-active']);
    expect(said.observation.process.pid).toBe(program.pid);
  });

  test('a spec that is wrong', async () => {
    const file = join(directory, 'vm.yaml');
    writeFileSync(file, 'schemaVersion: 1\nname: x\n');
    const { code, err } = await run(
      'verify',
      '--qmp',
      socket,
      '--spec',
      file,
      '--host',
      'examples/quickstart/host.json',
    );
    expect([code, err]).toEqual([2, expect.stringContaining('machine')]);
  });

  test('against the plan of another VM', async () => {
    const files = ['--spec', 'examples/quickstart/vm.yaml', '--host', 'examples/quickstart/host.json'];
    const { code, err } = await run('verify', '--qmp', socket, '--on', 'hostA', ...files).catch(() => ({
      code: -1,
      err: '',
    }));
    const again = code === 2 ? await run('verify', '--qmp', socket, ...files) : { code, err };
    expect(again.code).toBe(1);
    expect(again.err).toContain('[verify.device-missing]');
    expect(again.err).toContain('[verify.drift]');
  });
});

test.each([
  ['/run/a:b', { path: '/run/a:b' }],
  ['unix:/run/q', { path: '/run/q' }],
  ['host:4444', { host: 'host', port: 4444 }],
  ['tcp:host:4444', { host: 'host', port: 4444 }],
  ['[::1]:4444', { host: '::1', port: 4444 }],
  ['tcp:[::1]:4444', { host: '::1', port: 4444 }],
])('--qmp %s', (text, address) => {
  expect(qmpAddressOf(text)).toEqual(address);
});

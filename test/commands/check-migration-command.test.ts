import { describe, expect, test } from 'vitest';
import type { MigrationCheck } from '../../src/model/generated/migration-check.ts';
import validate from '../../src/model/generated/migration-check.validate.js';
import { planVm } from '../../src/plan/plan-vm.ts';
import { renderLibvirtXml } from '../../src/render/libvirt-xml.ts';
import { renderQemuArgv } from '../../src/render/qemu-argv.ts';
import { host, netConfig, qemu, reportWith } from '../report-builder.ts';
import { specOf } from '../spec-builder.ts';
import { offers, simHost, there } from '../migration/migrating.ts';
import { Files, run, runWith, type Ran } from './command-line.ts';

const body = 'interfaces: [{id: net0, vdpa: sim0, mac: 52:54:00:0d:0a:02}]\n';
const { plan } = planVm(specOf(body), [simHost()]);

function parsed(text: string): MigrationCheck {
  const document: unknown = JSON.parse(text);
  if (!validate(document)) throw new Error(JSON.stringify(validate.errors));
  return document;
}

/** Files of a guest on l1 and of two hosts, of which the second lacks a feature. */
class Scene extends Files {
  readonly from = this.report('l1.json', simHost());
  readonly to = this.report('l2.json', simHost(there));
  readonly less = this.report('l3.json', simHost(host({ name: 'l3' }), offers('sim0', 0x308820028n)));
  readonly args = this.write('vm.args', renderQemuArgv(plan!).join('\n'));
  readonly xml = this.write('vm.xml', renderLibvirtXml(plan!));
  readonly vm = this.spec({ interfaces: [{ id: 'net0', vdpa: 'sim0', mac: '52:54:00:0d:0a:02' }] });
}

describe('check-migration', () => {
  test.each(['args', 'xml', 'vm'] as const)('of %s: it can', async (kind) => {
    const files = new Scene();
    const { code, out, err } = await run(
      'check-migration',
      files[kind],
      '--from',
      files.from,
      '--to',
      files.to,
      '--quiet',
    );
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('l2: can\n  the guest can migrate, and keeps all that it has\n');
  });

  test('several destinations, as JSON', async () => {
    const files = new Scene();
    const { code, out } = await run(
      'check-migration',
      files.args,
      '--from',
      files.from,
      '--to',
      files.to,
      '--to',
      files.less,
      '--json',
    );
    expect(code).toBe(1);
    expect(parsed(out)).toMatchObject({
      verdict: 'unknown',
      source: { host: 'l1', origin: 'qemu-argv' },
      destinations: [
        { host: 'l2', verdict: 'can' },
        { host: 'l3', verdict: 'unknown' },
      ],
    });
  });

  test('--allow makes verdicts no failure, but never `cannot`', async () => {
    const files = new Scene();
    const common = [files.args, '--from', files.from, '--to', files.less];
    expect((await run('check-migration', ...common)).code).toBe(1);
    expect((await run('check-migration', ...common, '--allow', 'unknown')).code).toBe(0);
    expect((await run('check-migration', ...common, '--allow', 'can-with-loss')).code).toBe(1);
    const refusal = await run('check-migration', ...common, '--allow', 'cannot');
    expect(refusal).toMatchObject({
      code: 2,
      err: expect.stringContaining('--allow takes can-with-loss or unknown, not cannot') as string,
    });
  });

  test('--with: what the destination would start with', async () => {
    const files = new Scene();
    const other = files.write('other.args', renderQemuArgv(plan!).join('\n').replace('vectors=4', 'vectors=6'));
    const { code, out } = await run(
      'check-migration',
      files.args,
      '--with',
      other,
      '--from',
      files.from,
      '--to',
      files.to,
      '--verbose',
    );
    expect(code).toBe(1);
    expect(out).toContain(
      'l2: cannot\n  the destination ends while it loads the devices, and the guest can be lost: net0 vectors is 4',
    );
    expect(out).toContain('    source: QEMU hw/pci/pci.c');
    expect(out).toContain("named by the destination's configuration");
  });

  test('--device, colour, and a file', async () => {
    const files = new Scene();
    const { code, out } = await runWith(
      true,
      'check-migration',
      files.args,
      '--from',
      files.from,
      '--to',
      files.to,
      '--device',
      'net0=sim0',
    );
    expect(code).toBe(0);
    expect(out).toContain('l2: \u001b[32mcan\u001b[0m');
    expect(out).toContain('net0 -> sim0 (/dev/vhost-vdpa-2), named by --device');
    expect((await run('check-migration', files.args, '--to', files.to, '--output', files.at('out'))).out).toBe('');
  });

  test("--device by the spec's id, where libvirt's alias has a prefix; a device that is not there is named", async () => {
    const files = new Scene();
    const xml = files.write('vm.xml', renderLibvirtXml(plan!));
    const common = ['check-migration', xml, '--from', files.from, '--to', files.to, '--device'];
    for (const id of ['net0', 'ua-net0']) {
      const { out } = await run(...common, `${id}=sim0`);
      expect(out).toContain('ua-net0 -> sim0 (/dev/vhost-vdpa-2), named by --device\n');
    }
    const { out, code } = await run(...common, 'net0=sim9');
    expect(out).toContain('ua-net0 -> no device, named by --device: sim9\n');
    expect(code).toBe(1);
  });

  test('a spec that no plan fits on all hosts is judged as gen makes it for the first', async () => {
    const files = new Scene();
    const old = files.report(
      'old.json',
      simHost(there, qemu({ machines: [{ name: 'pc-q35-9.2', deprecated: false }] })),
    );
    const { code, out, err } = await run('check-migration', files.vm, '--from', files.from, '--to', old);
    expect(code).toBe(1);
    expect(err).toContain('note: no plan fits all these hosts');
    expect(out).toContain('[migration.machine-missing]');
  });

  test('a spec that cannot be planned: 1; one that is wrong: 2', async () => {
    const files = new Scene();
    const nothing = files.spec({ interfaces: [{ id: 'net0', vdpa: 'sim9' }] });
    expect((await run('check-migration', nothing, '--from', files.from, '--to', files.to)).code).toBe(1);
    const wrong = files.spec({ interfaces: [{ id: 'net0' }] });
    expect((await run('check-migration', wrong, '--from', files.from, '--to', files.to)).code).toBe(2);
  });

  test.each([
    ['nothing to check', ['--to', 'x'], 'give one of these: a configuration, --qmp SOCKET, --domain NAME'],
    ['nowhere to go', ['vm.args'], 'say where to: --to REPORT'],
    ['a spec without its host', ['vm.yaml', '--to', 'l2.json'], '--from REPORT'],
    [
      'a device without a name',
      ['vm.args', '--to', 'l2.json', '--device', 'net0='],
      '--device takes ID=NAME, not net0=',
    ],
    [
      'a device that the guest does not have',
      ['vm.args', '--to', 'l2.json', '--device', 'nic0=sim0'],
      'the guest has no vDPA device nic0: its vDPA devices are net0',
    ],
    ['a file that is not there', ['none.xml', '--to', 'l2.json'], 'no such file or directory'],
    [
      'two reports as the source',
      ['vm.args', '--to', 'l2.json', '--from', 'two.ndjson'],
      '--from takes the report of one host',
    ],
    ['a broken domain', ['broken.xml', '--to', 'l2.json'], 'broken.xml'],
    ['no socket', ['--qmp', '/none.sock', '--to', 'l2.json'], '/none.sock'],
  ])('%s: exit code 2', async (_, words, message) => {
    const files = new Scene();
    files.report('two.ndjson', simHost(), simHost(there, netConfig('sim0', { mtu: 1400 })));
    files.write('broken.xml', '<domain><devices>');
    const argv = words.map((word) => (/^[\w-]+\.\w+$/.test(word) ? files.at(word) : word));
    const { code, err } = await run('check-migration', ...argv);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});

describe('guests and hosts beyond number', () => {
  const guest = (count: number): string =>
    `qemu-system-x86_64 -machine pc-q35-10.0 ${Array.from({ length: count }, (_, n) => `-netdev vhost-vdpa,id=n${n},vhostdev=/dev/vhost-vdpa-${n} -device virtio-net-pci,netdev=n${n}`).join(' ')}`;
  const check = async (devices: number, hosts: number, ...more: string[]): Promise<Ran> => {
    const files = new Files();
    const reports = Array.from({ length: hosts }, (_, n) =>
      reportWith((one) => void Object.assign(one, { devices: [] }), host({ name: `h${n}` })),
    );
    const to = files.report('to.json', ...reports);
    return await run('check-migration', files.write('vm.args', guest(devices)), '--to', to, ...more);
  };

  test('more devices than PCI holds', async () => {
    const err = 'vdpa-qemu: a guest with 257 vDPA devices: PCI has room for 256\n';
    expect(await check(257, 1)).toEqual({ code: 2, out: '', err });
  });

  test('more devices by hosts than a run takes', async () => {
    const err = 'vdpa-qemu: 200 vDPA devices on 101 destinations: check no more than 100 of them in one run\n';
    expect(await check(200, 101)).toEqual({ code: 2, out: '', err });
  });

  test('of each kind of finding the first hundred; the verdict is made of all', async () => {
    const { code, out } = await check(200, 1, '--json');
    const { verdict, destinations } = parsed(out);
    expect([code, verdict]).toEqual([1, 'cannot']);
    const missing = destinations[0]!.findings.filter((one) => one.code === 'migration.device-missing');
    expect(missing).toHaveLength(101);
    expect(missing[100]).toMatchObject({
      message: '100 more of this kind: only the first 100 are told',
      effect: missing[0]!.effect,
    });
  });
});

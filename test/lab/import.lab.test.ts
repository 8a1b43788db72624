/**
 * One guest, five origins: the plan, the XML that libvirt keeps, the command line that libvirt builds, the QEMU that it
 * starts, and the QEMU that starts from our own command line. All must have one digest.
 * With VDPA_QEMU_CAPTURE set to a directory what was seen is kept there: so were the files in test/fixtures/import made.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { GuestConfiguration } from '../../src/model/generated/guest-configuration.ts';
import type { VmPlan } from '../../src/model/generated/vm-plan.ts';
import { chosen, whatIsLeftOut } from './extent.ts';
import { images, missing } from './images.ts';
import { bootL1, type Background, type L1 } from './l1.ts';
import { product, productOk } from './product.ts';
import { Table } from './table.ts';
import { qmpReturn, until, untilDriverOk } from './witness.ts';

const why = missing();
const captureTo = process.env['VDPA_QEMU_CAPTURE'];

const cases = [
  {
    name: 'net',
    devices:
      'cpu: { model: qemu64, count: 2 }\ninterfaces: [{ id: net0, vdpa: vp0, bootIndex: 1 }]\ndisks: [{ id: disk0, file: /tmp/disk.raw, readOnly: true }]\n',
  },
  {
    name: 'blockdev',
    devices:
      'interfaces: [{ id: net0, vdpa: sim0, mtu: 1500 }]\ndisks: [{ id: disk0, vdpa: blk0, attach: blockdev }]\n',
  },
  {
    name: 'generic',
    devices: 'disks: [{ id: disk0, vdpa: blk0, attach: device, bootIndex: 1 }, { id: disk1, file: /tmp/disk.raw }]\n',
  },
] as const;

const socket = '/run/lab/import.qmp';
const monitor = `<qemu:arg value='-qmp'/><qemu:arg value='unix:${socket},server=on,wait=off'/>`;

/** The XML of a VM with a second monitor beside libvirt's own. */
function withMonitor(xml: string): string {
  if (xml.includes('<qemu:commandline>')) return xml.replace('<qemu:commandline>', `<qemu:commandline>${monitor}`);
  return xml.replace('</domain>', `<qemu:commandline>${monitor}</qemu:commandline></domain>`);
}

describe.skipIf(why.length > 0)(`guest ABI in L1 ${why.join(', ')}`, () => {
  const table = new Table();
  let l1: L1;
  let end: (() => Promise<void>) | undefined;

  beforeAll(async () => {
    l1 = await bootL1(await images());
    await l1.writeFile('/tmp/l1.json', await productOk(l1, ['probe', '--quiet']));
    await l1.ok(['truncate', '-s', '16M', '/tmp/disk.raw']);
    await l1.ok(['sh', '/project/test/lab/l1/libvirtd.sh']);
  });
  afterEach(async () => {
    await end?.();
    end = undefined;
  });
  afterAll(async () => {
    console.log(`guest ABI by origin\n${table.toString()}${whatIsLeftOut()}`);
    await l1.close();
  });

  const virsh = async (...args: string[]): Promise<string> =>
    await l1.ok(['virsh', '-q', '-c', 'qemu:///system', ...args]);

  function keep(name: string, text: string | Buffer): void {
    if (captureTo === undefined) return;
    mkdirSync(captureTo, { recursive: true });
    writeFileSync(join(captureTo, name), text);
  }

  async function gen(spec: string, format: string, ...more: string[]): Promise<string> {
    return await productOk(l1, ['gen', '-', '--host', '/tmp/l1.json', '--format', format, ...more], spec);
  }

  /** The whole document, and its digest beside the plan's in the table. */
  async function importOf(what: string, plan: VmPlan, args: string[], stdin?: string): Promise<GuestConfiguration> {
    const { code, stdout, stderr } = await product(l1, ['guest-abi', ...args, '--json'], stdin);
    if (code !== 0) throw new Error(`${what}: ended with ${code}\n${stderr}`);
    const configuration = JSON.parse(stdout) as GuestConfiguration;
    table.add(what, plan.guestAbiDigest.slice(0, 12), configuration.digest?.slice(0, 12) ?? 'none');
    expect(configuration.undetermined.filter(({ inDigest }) => inDigest)).toEqual([]);
    return configuration;
  }

  async function record(name: string, pid: string): Promise<void> {
    if (captureTo === undefined) return;
    keep(name, await l1.ok(['node', '/project/test/lab/l1/record-import.mjs', socket, pid], { timeoutMs: 300_000 }));
  }

  test.each(chosen('import.lab.test.ts', cases, ({ name }) => name === 'net'))('$name', async ({ name, devices }) => {
    const head = `schemaVersion: 1\nname: lab\nmachine: pc-q35-10.0\nmemory: 256MiB\n`;
    const spec = `${head}${devices}`;
    const plan = JSON.parse(await gen(spec, 'plan')) as VmPlan;
    keep(`${name}.plan.json`, JSON.stringify(plan, null, 2));

    // libvirt
    const xml = withMonitor(await gen(spec, 'libvirt'));
    await l1.writeFile('/tmp/lab.xml', xml);
    await virsh('define', '--validate', '/tmp/lab.xml');
    end = async () => {
      await l1.run(['virsh', '-q', '-c', 'qemu:///system', 'destroy', 'lab']);
      await l1.run(['virsh', '-q', '-c', 'qemu:///system', 'undefine', 'lab']);
    };
    const inactive = await virsh('dumpxml', 'lab');
    await virsh('start', 'lab');
    const migratable = await virsh('dumpxml', '--migratable', 'lab');
    keep(`${name}.live.xml`, await virsh('dumpxml', 'lab'));
    keep(`${name}.inactive.xml`, inactive);
    keep(`${name}.migratable.xml`, migratable);
    const pid = (await l1.ok(['cat', '/run/libvirt/qemu/lab.pid'])).trim();
    keep(`${name}.cmdline`, Buffer.from(await l1.ok(['sh', '-c', `base64 -w0 </proc/${pid}/cmdline`]), 'base64'));
    const found = [
      await importOf(`${name}: inactive XML`, plan, ['-'], inactive),
      await importOf(`${name}: migratable XML`, plan, ['-'], migratable),
      await importOf(`${name}: /proc/PID/cmdline of libvirt's QEMU`, plan, [`/proc/${pid}/cmdline`]),
      await importOf(`${name}: QMP of libvirt's QEMU`, plan, ['--qmp', socket, '--pid', pid]),
    ];
    found.push(await importOf(`${name}: virsh of libvirt's QEMU`, plan, ['--domain', 'lab']));
    await record(`${name}.libvirt.qmp.json`, pid);
    expect(found[0]?.guest.otherDevices).toEqual(found[1]?.guest.otherDevices);
    await end();
    end = undefined;

    // our own command line
    const argv = JSON.parse(await gen(`${spec}qmpSocket: ${socket}\n`, 'qemu', '--json')) as string[];
    const limit = ['prlimit', `--memlock=${plan.binding.lockedMemoryBytes}:${plan.binding.lockedMemoryBytes}`];
    const qemu: Background = await l1.spawn([...limit, ...argv]);
    end = async () => {
      await l1.kill(qemu, 'SIGKILL').catch(() => undefined);
      await l1.wait(qemu);
    };
    if (name === 'net') {
      await untilDriverOk(l1, qemu, socket, 'net0');
      // iPXE gives up after a while and resets the device
      await qmpReturn(l1, socket, { execute: 'stop' });
    } else
      await until('QMP', async () => await qmpReturn(l1, socket, { execute: 'query-status' }).catch(() => undefined));
    const running = await importOf(`${name}: QMP of our QEMU`, plan, ['--qmp', socket]);
    found.push(running);
    await record(`${name}.qmp.json`, String(qemu.pid));
    expect(running.binding.devices.map(({ charDevice }) => charDevice).filter((device) => device !== null)).toEqual(
      [...plan.binding.interfaces, ...plan.binding.disks, ...plan.binding.vdpaDevices].flatMap((bound) =>
        'charDevice' in bound ? [bound.charDevice] : [],
      ),
    );
    if (name === 'net') {
      const [device] = running.running?.devices ?? [];
      expect(device).toMatchObject({
        driverOk: true,
        negotiatedFeatures: expect.stringMatching(/^0x[0-9a-f]+$/) as string,
      });
    }
    expect(found.map(({ digest }) => digest)).toEqual(found.map(() => plan.guestAbiDigest));
  });
});

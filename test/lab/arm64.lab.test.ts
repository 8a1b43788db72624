/**
 * The product on arm64 with 64K pages: probe, assess, gen and verify there. QEMU's host notifiers are 4096 bytes apart
 * whatever the host's pages are, so a doorbell that the kernel maps is never installed, and each command has to say so.
 * Only in a full run: L1 is emulated by instructions of another machine, and a guest in it takes minutes.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { HostReport } from '../../src/model/generated/host-report.ts';
import type { Verification } from '../../src/model/generated/verification.ts';
import type { VmPlan } from '../../src/model/generated/vm-plan.ts';
import { zooLayouts, type LabDevice } from './devices.ts';
import { full } from './extent.ts';
import { images, missing } from './images.ts';
import { bootL1, type Background, type L1 } from './l1.ts';
import { bootL2, endL2 } from './l2.ts';
import { assess, probe, product, productOk } from './product.ts';
import { doorbells, hostNotifiers, mappedDoorbells, until, untilDriverOk } from './witness.ts';
import { setZoo, zooState } from './zoo.ts';

const why = full ? missing('arm64-64k') : ['npm run test:lab:full takes it'];
const mac = '52:54:00:0d:0b:00';
const pageSize = 65536;
const file = '/tmp/arm64.json';
const noStride = `QEMU installs only doorbell pages of 4096 bytes and this host's pages have ${pageSize}`;
const errnoNames: Readonly<Record<number, string>> = { 0: 'mapped', 22: 'EINVAL', 524: 'ENOTSUPP' };

const devices: readonly LabDevice[] = [
  { kind: 'vp', name: 'vp0', mac: '52:54:00:0d:0a:00', pagePerVq: true },
  ...zooLayouts.map((zoo): LabDevice => ({ kind: 'sim-net', name: `zoo-${zoo}`, zoo, add: ['mac', mac] })),
];

describe.skipIf(why.length > 0)(`arm64 with 64K pages ${why.join(', ')}`, () => {
  let l1: L1;
  let report: HostReport;
  let end: (() => Promise<unknown>) | undefined;

  beforeAll(async () => {
    l1 = await bootL1({ ...(await images({ arch: 'arm64-64k' })), devices, bootTimeoutMs: 600_000 });
    // of its own accord only the QEMU for the host's own guests is asked
    const qemus = ['aarch64', 'x86_64'].flatMap((name) => ['--qemu', `/usr/bin/qemu-system-${name}`]);
    report = await probe(l1, ...qemus);
    await l1.writeFile(file, JSON.stringify(report));
  });
  afterEach(async () => {
    await end?.();
    end = undefined;
  });
  afterAll(async () => {
    await l1.close();
  });

  test('probe: the page size, and every doorbell as an independent mmap finds it', async () => {
    expect(report.host).toMatchObject({ architecture: 'aarch64', pageSize });
    for (const { name } of devices) {
      const found = report.devices.find((device) => device.name === name);
      const witness = await doorbells(l1, l1.devices.get(name)!);
      expect(found?.virtqueues, name).toMatchObject(
        witness.vqs.map(({ index, errno }) => {
          const answer = errnoNames[errno] ?? String(errno);
          return { index, doorbell: answer === 'mapped' ? answer : { refused: answer } };
        }),
      );
    }
  });

  test('assess: nothing is safe, and what the kernel maps is unavailable for the stride of QEMU', async () => {
    const assessment = await assess(l1, report);
    expect(assessment.devices.map(({ verdict }) => verdict)).toEqual(devices.map(() => 'unavailable'));
    const page = assessment.devices.find(({ name }) => name === 'zoo-page')!;
    expect(page.virtqueues.map(({ kernel }) => kernel)).toEqual(['mapped', 'mapped', 'mapped']);
    for (const { reasons } of page.virtqueues) {
      expect(reasons[0]).toMatchObject({ code: 'doorbell.host-page-not-4096', by: 'qemu' });
      expect(reasons[0]?.message).toContain(noStride);
    }
    expect(page.expectedHostNotifiers).toEqual({ netdev: [], device: [] });
  });

  const specOf = (machine: string, policy: string): string =>
    [
      ...['schemaVersion: 1', 'name: lab', `machine: ${machine}`, 'memory: 256MiB', 'qmpSocket: /run/lab/vm.qmp'],
      `interfaces: [{ id: net0, vdpa: zoo-page, hostNotifier: ${policy}, bootIndex: 1 }]`,
      '',
    ].join('\n');

  describe.each(['virt-10.0', 'pc-q35-10.0'])('gen, %s', (machine) => {
    test('hostNotifier: auto leaves page-per-vq off, and counts on no host notifier', async () => {
      const args = ['gen', '-', '--host', file, '--format', 'plan'];
      const plan = JSON.parse(await productOk(l1, args, specOf(machine, 'auto'))) as VmPlan;
      expect(plan.guestAbi.interfaces[0]?.pagePerVq).toBe(false);
      expect(plan.binding.interfaces[0]?.expectedHostNotifiers).toEqual([]);
    });

    test('hostNotifier: require is refused, for the size of the pages', async () => {
      const { code, stdout, stderr } = await product(l1, ['gen', '-', '--host', file], specOf(machine, 'require'));
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toContain(`virtqueue 0 (rx0) is unavailable: the kernel maps it, but ${noStride}`);
      expect(stderr).toContain('[plan.host-notifier-required]');
    });
  });

  test('what gen writes starts as it is, and has no host notifier', async () => {
    const text = await productOk(l1, ['gen', '-', '--host', file, '--json'], specOf('pc-q35-10.0', 'auto'));
    const argv = JSON.parse(text) as string[];
    const qemu: Background = await l1.spawn(['prlimit', '--memlock=unlimited', ...argv]);
    end = async () => {
      await l1.kill(qemu, 'SIGKILL').catch(() => undefined);
      await l1.wait(qemu);
    };
    await untilDriverOk(l1, qemu, '/run/lab/vm.qmp', 'net0', 600_000);
    expect(await hostNotifiers(l1, '/run/lab/vm.qmp', 'net0')).toEqual([]);
  });

  test('verify: page-per-vq=on, the kernel maps the doorbells, QEMU installs none, and the reason is the page size', async () => {
    const device = l1.devices.get('zoo-page')!;
    expect((await doorbells(l1, device)).vqs.map(({ errno }) => errno)).toEqual([0, 0, 0]);
    const l2 = await bootL2(l1, { device, mac, pagePerVq: true, guest: 'x86_64' });
    end = async () => await endL2(l1, l2);
    const said = await until(
      'verdict of a driver that is up',
      async () => {
        const args = ['verify', '--qmp', l2.socket, '--json', '--wait', '90', '--host', file];
        const { code, stdout, stderr } = await product(l1, args);
        if (code === 2) throw new Error(stderr);
        const verification = JSON.parse(stdout) as Verification;
        const [first] = verification.devices;
        return first === undefined || first.virtqueues.some(({ verdict }) => verdict === 'not-yet')
          ? undefined
          : verification;
      },
      1_200_000,
    );
    const data = said.devices[0]!.virtqueues.filter(({ role }) => role !== 'control');
    expect(data.map(({ index, verdict, reasons: [reason] }) => [index, verdict, reason?.code])).toEqual([
      [0, 'inactive', 'verify.host-page-size'],
      [1, 'inactive', 'verify.host-page-size'],
    ]);
    expect(data[0]?.reasons[0]?.message).toContain(`pages of ${pageSize} bytes`);
    expect(await hostNotifiers(l1, l2.socket, 'net0')).toEqual([]);
    expect(await mappedDoorbells(l1, l2.qemu.pid, device, pageSize)).toEqual([]);
  });

  test.each(zooLayouts.map((layout) => [layout, layout === 'registers' || layout === 'page' ? 1000 : 100] as const))(
    'probes of %s write nothing: %i of them',
    { timeout: 7_200_000 },
    async (layout, count) => {
      const name = `zoo-${layout}`;
      await setZoo(l1, name, layout);
      const often = ['node', '/project/test/lab/l1/probe-often.mjs', String(count), name];
      expect(await l1.ok(often, { timeoutMs: 7_000_000 })).toBe(`${count}\n`);
      expect(await zooState(l1, name)).toEqual({ layout, stores: 0, changed: 0 });
    },
  );
});

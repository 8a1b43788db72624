/**
 * Facts and verdicts on real devices: what `probe` says of each doorbell is what the lab's own C program finds by mmap,
 * and the verdict follows. VDPA_QEMU_CAPTURE=1 renews the host reports in examples/.
 */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostReport } from '../../src/model/generated/host-report.ts';
import { renderJson } from '../../src/render/json.ts';
import type { LabDevice } from './devices.ts';
import { images, missing } from './images.ts';
import { bootL1, type L1 } from './l1.ts';
import { assess, probe, product } from './product.ts';
import { Table } from './table.ts';
import { doorbells } from './witness.ts';

const why = missing();
const errnoNames: Record<number, string> = { 0: 'mapped', 22: 'EINVAL', 524: 'ENOTSUPP' };

describe.skipIf(why.length > 0)(`probe and assess in L1 ${why.join(', ')}`, () => {
  const table = new Table();
  let l1: L1;
  let report: HostReport;
  beforeAll(async () => {
    l1 = await bootL1(await images());
    report = await probe(l1);
    if (process.env['VDPA_QEMU_CAPTURE'] === '1') await capture();
  });
  afterAll(async () => {
    console.log(`probe and assess on kernel ${report.host.kernelRelease}\n${table.toString()}`);
    await l1.close();
  });

  /** Keeps the report of this host, and of a second one: named l2, with one device that has the MAC of vp1. */
  async function capture(): Promise<void> {
    writeFileSync('examples/quickstart/host.json', renderJson(report));
    const devices: LabDevice[] = [{ kind: 'vp', name: 'vp0', mac: '52:54:00:0d:0a:01', pagePerVq: true }];
    const l2 = await bootL1({ ...(await images()), devices });
    await l2.ok(['sh', '-c', 'echo l2 > /proc/sys/kernel/hostname']);
    writeFileSync('examples/migration-domain/l2.json', renderJson(await probe(l2)));
    await l2.close();
  }

  test('every device is in the report, opened, with nothing unknown that the kernel can tell', () => {
    expect(report.devices.map(({ name, open, driver }) => ({ name, open, driver }))).toEqual(
      ['blk0', 'sim0', 'vp0', 'vp1'].map((name) => ({ name, open: 'opened', driver: 'vhost_vdpa' })),
    );
    for (const { identity } of report.devices) expect(JSON.stringify(identity)).not.toContain('unknown');
  });

  test.each(['vp0', 'vp1', 'sim0', 'blk0'])('%s: the report agrees with an independent mmap', async (name) => {
    const device = report.devices.find((candidate) => candidate.name === name)!;
    const witness = await doorbells(l1, l1.devices.get(name)!);
    const found = (device.virtqueues as { doorbell: string | { refused: string } }[]).map(({ doorbell }) =>
      typeof doorbell === 'string' ? doorbell : doorbell.refused,
    );
    const seen = witness.vqs.map(({ errno }) => errnoNames[errno] ?? String(errno));
    table.add(`${name}: mmap`, found, seen);
    expect(found).toEqual(seen);
    const { identity } = device;
    expect(identity).toMatchObject({
      virtioId: witness.deviceId,
      vqCount: witness.vqCount,
      vqSizeMax: witness.vqSizeMax,
      configSize: witness.configSize,
      features: { bits: witness.features },
      backendFeatures: { bits: witness.backendFeatures },
    });
  });

  test('the verdicts are what the doorbells are', async () => {
    const { devices } = await assess(l1, report);
    const verdicts = Object.fromEntries(devices.map(({ name, layout, verdict }) => [name, `${layout} ${verdict}`]));
    expect(verdicts).toEqual({
      vp0: 'page-per-vq safe',
      vp1: 'per-vq-sub-page unavailable',
      sim0: 'none unavailable',
      blk0: 'none unavailable',
    });
    for (const { name, virtqueues } of devices) {
      const witness = await doorbells(l1, l1.devices.get(name)!);
      for (const { index, verdict } of virtqueues) {
        const mapped = witness.vqs[index]?.errno === 0;
        table.add(`${name} vq ${index}: mappable`, verdict === 'safe' ? 'yes' : 'no', mapped ? 'yes' : 'no');
        expect(verdict === 'safe').toBe(mapped);
      }
    }
  });

  test('probing twice gives the same bytes, and leaves the devices as they were', async () => {
    expect(await probe(l1)).toEqual(report);
    const { stdout } = await l1.run(['vdpa', '-j', 'dev', 'show']);
    expect(Object.keys((JSON.parse(stdout) as { dev: object }).dev).sort()).toEqual(['blk0', 'sim0', 'vp0', 'vp1']);
  });

  test('a device in use is a line in the report, and its user notices nothing', async () => {
    const holder = await l1.spawn(['sh', '-c', 'exec 3<>/dev/vhost-vdpa-0; echo open; exec sleep 1000']);
    const busy = await probe(l1, 'vp0');
    expect(busy.devices[0]?.open).toMatchObject({ unknown: 'EBUSY' });
    expect(busy.notes.map(({ code }) => code)).toContain('probe.busy');
    const { devices } = await assess(l1, busy);
    expect(devices[0]).toMatchObject({ verdict: 'unknown' });
    await l1.kill(holder);
    await l1.wait(holder);
  });

  test('a device bound to virtio_vdpa is a line in the report, with the way out', async () => {
    await l1.ok(['sh', '-c', 'echo sim0 > /sys/bus/vdpa/drivers/vhost_vdpa/unbind']);
    const { devices, notes } = await probe(l1, 'sim0');
    await l1.ok(['sh', '-c', 'echo sim0 > /sys/bus/vdpa/drivers/vhost_vdpa/bind']);
    expect(devices[0]).toMatchObject({ driver: null, charDevice: null });
    expect(notes.map(({ code }) => code)).toContain('probe.not-bound');
  });

  test('--no-open never opens a device', async () => {
    const { devices } = await probe(l1, '--no-open');
    for (const device of devices) expect(device.open).toMatchObject({ unknown: 'not-asked' });
  });

  test('without root there are facts and reasons, and no crash', async () => {
    const { stdout, code } = await l1.run([
      'setpriv',
      '--reuid',
      '65534',
      '--regid',
      '65534',
      '--clear-groups',
      'vdpa-qemu',
      'probe',
      '--quiet',
    ]);
    expect(code).toBe(0);
    const unprivileged = JSON.parse(stdout) as HostReport;
    expect(unprivileged.devices.map(({ name }) => name)).toEqual(['blk0', 'sim0', 'vp0', 'vp1']);
    for (const device of unprivileged.devices) expect(device.open).toMatchObject({ unknown: 'EACCES' });
  });

  test.each(['/tmp', '/etc/passwd', '/dev/null', '/dev/vhost-vdpa-99', 'nosuch'])(
    'probe %s is refused with exit code 2',
    async (name) => {
      const { code, stdout, stderr } = await product(l1, ['probe', name]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/^vdpa-qemu: /);
      expect(stderr).not.toContain('    at ');
    },
  );
});

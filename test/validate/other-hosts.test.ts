/** `--on` binds the device paths to one host; the others are checked all the same. */
import { expect, test } from 'vitest';
import type { HostReport } from '../../src/model/generated/host-report.ts';
import { deviceOf as device, reportWith } from '../report-builder.ts';
import { args, codesIn, findingsIn, l1 } from './samples.ts';

const other = (change: (report: HostReport) => void): HostReport =>
  reportWith((copy) => {
    copy.host.name = 'l2';
    change(copy);
  });
const codesOn = async (text: string, l2: HostReport): Promise<string[]> =>
  await codesIn(text, { reports: [l2, l1], on: 'l1' });

test('a doorbell that is unsafe on another host, where the device has another path', async () => {
  const l2 = other((copy) => {
    const vp0 = device(copy, 'vp0');
    Object.assign(vp0.charDevice!, { path: '/dev/vhost-vdpa-7' });
    Object.assign((vp0.pci as { capabilities: { msix: object } }).capabilities.msix, {
      tableBar: 4,
      tableOffset: 0x3000,
    });
  });
  expect(await codesOn(args('page-per-vq=on'), l2)).toContain('validate.doorbell-unsafe error');
});

test('machine type, QEMU and properties of another host', async () => {
  const l2 = other((copy) => {
    const qemu = copy.qemu[0]!.capabilities as {
      machines: object[];
      netdevVhostVdpa: null;
      deviceProperties: Record<string, string[]>;
    };
    Object.assign(qemu, { machines: [], netdevVhostVdpa: null });
    qemu.deviceProperties['virtio-net-pci'] = ['netdev'];
  });
  expect(await codesOn(args(), l2)).toEqual(
    expect.arrayContaining([
      'validate.machine-missing error',
      'validate.qemu-lacks error',
      'validate.property-unknown error',
    ]),
  );
});

test('a device that only has the same name is no error', async () => {
  const l2 = other((copy) => Object.assign(device(copy, 'vp0').identity.config, { mac: '52:54:00:aa:aa:aa' }));
  expect(await codesOn(args(), l2)).toContain('validate.mac-differs warning');
});

test('what was not checked is told', async () => {
  const l2 = other((copy) => (copy.devices = copy.devices.filter(({ name }) => name !== 'vp0')));
  const found = await findingsIn(args(), { reports: [l1, l2], on: 'l1' });
  expect(found.filter(({ code }) => code === 'validate.device-elsewhere')).toMatchObject([
    { severity: 'warning', message: expect.stringMatching(/none named vp0 .* on l2: .* not checked/) as string },
  ]);
  const bound = await findingsIn(args().replace('vdpa-0', 'vdpa-9'), { reports: [l1, l2], on: 'l1' });
  expect(bound.map(({ code, message }) => `${code} ${message}`).filter((one) => one.includes('device-'))).toEqual([
    expect.stringMatching(/^validate.device-missing net0: there is no \/dev\/vhost-vdpa-9 on l1$/),
    expect.stringMatching(/^validate.device-elsewhere net0: no name tells which vDPA device/),
  ]);
});

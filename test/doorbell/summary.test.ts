/** The sentence and the advice that people read first. */
import { describe, expect, test } from 'vitest';
import { assessDevice, assessHost } from '../../src/doorbell/assess.ts';
import { unknown } from '../../src/model/fact.ts';
import {
  busy,
  device,
  deviceOf,
  doorbells,
  host,
  msix,
  parentDriver,
  pci,
  refused,
  reportWith,
  type Edit,
} from '../report-builder.ts';

const off = 'hostNotifier: off for every VM that may run here, or keep this host out of the migration domain';
const harmless =
  'page-per-vq=on does no harm here and has no effect; use it only where another host of the migration domain gains by it';
const asRoot = 'run `vdpa-qemu probe` as root, so that PCI config space can be read';

describe('a control virtqueue that is worse than the data virtqueues', () => {
  const control = doorbells('vp0', 'mapped', 'mapped', refused('ENOMEM'));

  test('is told in the summary, and no advice speaks for page-per-vq', () => {
    const report = reportWith(control);
    const { verdict, summary, advice } = assessDevice(report.host, deviceOf(report, 'vp0'));
    expect(verdict).toBe('safe');
    expect(summary).toBe(
      'do not set page-per-vq=on: the data virtqueues are safe, but virtqueue 2 (control) is unknown: mmap failed with ENOMEM, which says nothing of the doorbell',
    );
    expect(advice).toEqual([]);
  });

  test('is a finding of its own, an error where it is unsafe', () => {
    const report = reportWith(
      doorbells('vp0', refused('ENOTSUPP'), refused('ENOTSUPP'), 'mapped'),
      msix('vp0', { tableBar: 4, tableOffset: 0x5000 }),
    );
    const { devices, findings } = assessHost(report);
    const vp0 = devices.find(({ name }) => name === 'vp0')!;
    expect(vp0.verdict).toBe('unavailable');
    expect(vp0.virtqueues[2]?.reasons[0]).toMatchObject({ code: 'doorbell.page-holds-registers' });
    expect(vp0.summary).toBe(
      'do not set page-per-vq=on: the data virtqueues are unavailable, but virtqueue 2 (control) is unsafe: the page at BAR 4 + 0x5000 also holds the MSI-X table at BAR 4 + 0x5000',
    );
    expect(vp0.advice).toEqual([off]);
    expect(findings.filter(({ code }) => code === 'assess.unsafe')).toEqual([
      {
        code: 'assess.unsafe',
        severity: 'error',
        path: '/devices/2',
        message: 'vp0: virtqueue 2 (control): the page at BAR 4 + 0x5000 also holds the MSI-X table at BAR 4 + 0x5000',
        fix: off,
      },
    ]);
  });
});

describe('summary and advice', () => {
  test.each<[what: string, name: string, edits: Edit[], summary: string, advice: string[]]>([
    [
      'safe',
      'vp0',
      [],
      "the guest's kick may go straight to the device: PCI config space: the page at BAR 4 + 0x3000 is inside the notify capability and holds nothing else",
      ['hostNotifier: auto (or require) gives page-per-vq=on'],
    ],
    [
      'unavailable: the reason of the virtqueue that is',
      'vp0',
      [doorbells('vp0', 'mapped', refused('EINVAL'))],
      "kicks go through eventfd, which is safe and slower: the doorbell's address is not a multiple of the host's page size of 4096 (PCI: BAR 4 + 0x4000, 4096 bytes per virtqueue)",
      [harmless],
    ],
    [
      'unsafe by its kernel',
      'vp0',
      [host({ architecture: 'aarch64', kernelRelease: '6.12.74' })],
      'do not set page-per-vq=on: kernel 6.12.74 maps doorbells cacheable on arm64 (fixed in 6.12.75, 6.18.16, 6.19.6, 7.0)',
      [
        off,
        'update the kernel to one that is known to be sound: 6.12.75, 6.18.16, 6.19.6, 7.0 or newer of the same line',
      ],
    ],
    [
      'unsafe by its parent driver',
      'vp0',
      [parentDriver('vp0', 'octep_vdpa')],
      'do not set page-per-vq=on: octep_vdpa: the interrupt cause byte of the queue lies at doorbell + 4, in the exported page (drivers/vdpa/octeon_ep/octep_vdpa_main.c: octep_get_vq_notification(); octep_vdpa_hw.c: cb_notify_addr, octep_pci_caps_read())',
      [off],
    ],
    [
      'PCI capabilities could not be read',
      'vp0',
      [pci('vp0', { capabilities: unknown('EACCES', 'only 64 bytes can be read') })],
      'not known, so not to be trusted: nothing vouches for what else the page holds: only 64 bytes can be read',
      [asRoot],
    ],
    [
      'PCI capabilities are broken: root would not help',
      'vp0',
      [pci('vp0', { capabilities: unknown('malformed', 'the capability list leads to ones, at 0x60') })],
      'not known, so not to be trusted: nothing vouches for what else the page holds: the capability list leads to ones, at 0x60',
      [],
    ],
    [
      'the PCI function is not known: root would not help',
      'vp0',
      [device('vp0', { pci: unknown('EIO', 'x: EIO') })],
      'not known, so not to be trusted: nothing vouches for what else the page holds: x: EIO',
      [],
    ],
    [
      'no virtqueue',
      'vp0',
      [doorbells('vp0')],
      'not known, so not to be trusted: the device has no data virtqueues',
      [],
    ],
  ])('%s', (_, name, edits, summary, advice) => {
    const report = reportWith(...edits);
    const assessment = assessDevice(report.host, deviceOf(report, name));
    expect({ summary: assessment.summary, advice: assessment.advice }).toEqual({ summary, advice });
  });
});

describe('why a device could not be opened decides the advice', () => {
  test.each<[errno: string, advice: string[]]>([
    ['EBUSY', ['a VM uses the device: probe it while it is idle, or ask the running QEMU with `vdpa-qemu verify`']],
    ['EACCES', ['run `vdpa-qemu probe` as root']],
    ['EPERM', ['run `vdpa-qemu probe` as root']],
    ['ENOTSUPP', ['the parent needs a cache-coherent IOMMU: enable it in firmware and on the kernel command line']],
    ['not-asked', ['probe without --no-open while the device is idle']],
    ['EIO', []],
  ])('%s', (errno, advice) => {
    const report = reportWith(busy('vp0', errno));
    const assessment = assessDevice(report.host, deviceOf(report, 'vp0'));
    expect(assessment.summary).toBe(`not known, so not to be trusted: /dev/vhost-vdpa-0: ${errno}`);
    expect(assessment.advice).toEqual(advice);
  });
});

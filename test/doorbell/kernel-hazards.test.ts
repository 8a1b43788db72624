import { describe, expect, test } from 'vitest';
import { adviceOnCaching, cachingHazard, isOpenToIndexOverrun } from '../../src/doorbell/kernel-hazards.ts';
import type { Host } from '../../src/model/generated/host-report.ts';
import { host, reportWith } from '../report-builder.ts';

function hostWith(architecture: string, kernelRelease: string, kernelVersion = ''): Host {
  return reportWith(host({ architecture, kernelRelease, kernelVersion })).host;
}

describe('cachingHazard: arm64 kernels that map doorbells cacheable', () => {
  test.each<[release: string, verdict: 'unsafe' | 'unknown' | undefined]>([
    ['5.10.223', undefined],
    ['5.10.224', 'unknown'],
    ['5.10.134-18.al8.aarch64', 'unknown'],
    ['5.15.167', 'unknown'],
    ['5.19.17', 'unknown'],
    ['5.14.0-427.el9.aarch64', 'unknown'],
    // the change that lost pgprot_noncached is in 6.10.5, and in some older stables: 6.1.176 was read, the others were not
    ['6.0', 'unknown'],
    ['6.1.175', 'unknown'],
    ['6.1.176', 'unsafe'],
    ['6.1.177', 'unknown'],
    ['6.6.50', 'unknown'],
    ['6.10.4', 'unknown'],
    ['6.10.0-5-arm64', 'unknown'],
    ['6.10.5', 'unsafe'],
    ['6.11.0', 'unsafe'],
    ['6.12.74', 'unsafe'],
    ['6.12.75', undefined],
    ['6.12.107', undefined],
    ['6.12.0-1-arm64', 'unknown'],
    ['6.17.0', 'unsafe'],
    ['6.18.15', 'unsafe'],
    ['6.18.16', undefined],
    ['6.18.40', undefined],
    ['6.19.5', 'unsafe'],
    ['6.19.6', undefined],
    ['6.19.14', undefined],
    ['7.0.0', undefined],
    ['7.1.8', undefined],
    ['vendor-kernel', 'unknown'],
  ])('%s: %s', (release, verdict) => {
    const hazard = cachingHazard(hostWith('aarch64', release));
    expect(hazard?.verdict).toBe(verdict);
    if (hazard) expect(hazard).toMatchObject({ code: 'doorbell.kernel-caching' });
  });

  test('the message names the kernel, and what is known of it', () => {
    expect(cachingHazard(hostWith('aarch64', '6.12.74'))?.message).toBe(
      'kernel 6.12.74 maps doorbells cacheable on arm64 (fixed in 6.12.75, 6.18.16, 6.19.6, 7.0)',
    );
    expect(cachingHazard(hostWith('aarch64', '6.6.50'))?.message).toBe(
      'kernel 6.6.50 may map doorbells cacheable: some stable and distribution kernels have the change that lost pgprot_noncached without its fix',
    );
    expect(cachingHazard(hostWith('aarch64', 'vendor-kernel'))?.message).toBe(
      'kernel release vendor-kernel cannot be read as a version',
    );
  });

  test("Debian's own numbering is seen through", () => {
    expect(cachingHazard(hostWith('aarch64', '6.12.0-1-arm64', '#1 SMP Debian 6.12.80-1'))).toBeUndefined();
  });

  test.each(['x86_64', 'i686'])('%s is not concerned', (architecture) => {
    expect(cachingHazard(hostWith(architecture, '6.12.74'))).toBeUndefined();
  });

  test.each(['riscv64', 'ppc64le', 'armv7l', 'loongarch64'])('of %s nobody has looked', (architecture) => {
    expect(cachingHazard(hostWith(architecture, '7.1.8'))).toEqual({
      code: 'doorbell.kernel-caching',
      verdict: 'unknown',
      message: `whether kernels of ${architecture} map doorbells cacheable is not known: only aarch64, x86_64, i386, i486, i586, i686 were looked at`,
    });
    expect(adviceOnCaching(hostWith(architecture, '6.12.74'))).toBeUndefined();
  });
});

describe('adviceOnCaching', () => {
  test.each(['6.12.74', '6.6.50', 'vendor-kernel'])('%s: every version that is known to be sound', (release) => {
    expect(adviceOnCaching(hostWith('aarch64', release))).toBe(
      'update the kernel to one that is known to be sound: 6.12.75, 6.18.16, 6.19.6, 7.0 or newer of the same line',
    );
  });

  test('a sound kernel needs none', () => {
    expect(adviceOnCaching(hostWith('aarch64', '6.19.6'))).toBeUndefined();
    expect(adviceOnCaching(hostWith('x86_64', '6.12.74'))).toBeUndefined();
  });
});

describe('isOpenToIndexOverrun: CVE-2026-74312', () => {
  test.each<[release: string, open: boolean | undefined]>([
    ['5.7.19', false],
    ['5.8.0', true],
    ['5.10.260', true],
    ['5.10.261', false],
    ['5.14.21', true],
    ['5.15.211', true],
    ['5.15.212', false],
    ['6.1.177', true],
    ['6.1.178', false],
    ['6.6.144', true],
    ['6.6.145', false],
    ['6.12.96', true],
    ['6.12.97', false],
    ['6.12.107', false],
    ['6.13.12', true],
    ['6.18.39', true],
    ['6.18.40', false],
    ['6.19.12', true],
    ['7.0.9', true],
    ['7.1.4', true],
    ['7.1.5', false],
    ['7.2', false],
    ['8.0.1', false],
    ['5.14.0-427.el9.x86_64', undefined],
    ['6.8.0-31-generic', undefined],
    // vendors carry vhost-vdpa back into kernels that are older than it
    ['4.18.0-553.el8_10.x86_64', undefined],
    ['5.4.17-2136.315.5.el8uek.x86_64', undefined],
    ['6.12.0-1-amd64', undefined],
    ['vendor-kernel', undefined],
  ])('%s: %s', (release, open) => {
    expect(isOpenToIndexOverrun(hostWith('x86_64', release))).toBe(open);
  });

  test('Debian tells its patch level', () => {
    expect(isOpenToIndexOverrun(hostWith('x86_64', '6.1.0-40-amd64', '#1 SMP Debian 6.1.176-1'))).toBe(true);
    expect(isOpenToIndexOverrun(hostWith('x86_64', '6.1.0-42-amd64', '#1 SMP Debian 6.1.178-1'))).toBe(false);
  });
});

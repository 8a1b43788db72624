import { describe, expect, test } from 'vitest';
import { isBefore, kernelVersionOf, type KernelVersion } from '../../src/doorbell/kernel-version.ts';

describe('kernelVersionOf', () => {
  test.each<[release: string, version: string | undefined, wanted: KernelVersion | undefined]>([
    ['6.12.107', '#1 SMP Sun Nov 22 17:22:24 UTC 2026', { major: 6, minor: 12, patch: 107 }],
    ['6.12.107', undefined, { major: 6, minor: 12, patch: 107 }],
    ['6.1.0-40-amd64', '#1 SMP PREEMPT_DYNAMIC Debian 6.1.176-1 (2026-11-01)', { major: 6, minor: 1, patch: 176 }],
    ['6.12.9+bpo-arm64', '#1 SMP Debian 6.12.9-1~bpo12+1', { major: 6, minor: 12, patch: 9 }],
    // Debian 6.1 does not speak of a 6.12 kernel, nor a 16.1 of a 6.1 one
    ['6.12.0-1-amd64', '#1 SMP Debian 6.1.176-1', { major: 6, minor: 12, patch: undefined, vendor: true }],
    ['6.1.0-40-amd64', '#1 SMP Debian 16.1.176-1', { major: 6, minor: 1, patch: undefined, vendor: true }],
    ['5.14.0-427.el9.x86_64', '#1 SMP PREEMPT_DYNAMIC', { major: 5, minor: 14, patch: undefined, vendor: true }],
    ['6.8.0-45-generic', '#45-Ubuntu SMP', { major: 6, minor: 8, patch: undefined, vendor: true }],
    ['7.0.0-rc3', '', { major: 7, minor: 0, patch: undefined, vendor: true }],
    ['7.0', '', { major: 7, minor: 0, patch: 0 }],
    ['6.18.15-cloud', '', { major: 6, minor: 18, patch: 15, vendor: true }],
    ['6.6.0', '', { major: 6, minor: 6, patch: 0 }],
    ['linux', '', undefined],
    ['', '', undefined],
  ])('%s with %s', (kernelRelease, kernelVersion, wanted) => {
    const host = { kernelRelease, ...(kernelVersion === undefined ? {} : { kernelVersion }) };
    expect(kernelVersionOf(host)).toEqual(wanted);
  });
});

describe('isBefore', () => {
  const version = { major: 6, minor: 12, patch: 75 };
  test.each<[KernelVersion, number, number, number | undefined, boolean]>([
    [version, 7, 0, undefined, true],
    [version, 5, 19, undefined, false],
    [version, 6, 13, undefined, true],
    [version, 6, 11, undefined, false],
    [version, 6, 12, 76, true],
    [version, 6, 12, 75, false],
    [version, 6, 12, undefined, false],
    [{ ...version, patch: undefined }, 6, 12, 1, true],
    [{ ...version, patch: undefined }, 6, 12, undefined, false],
  ])('%o before %i.%i.%s: %s', (found, major, minor, patch, wanted) => {
    expect(isBefore(found, major, minor, patch)).toBe(wanted);
  });
});

import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { cpuOf } from '../../src/host/cpuinfo.ts';
import { hostRoots } from '../../src/host/files.ts';
import { clock, hostName, readMachine } from '../../src/host/machine.ts';
import { unknown } from '../../src/model/fact.ts';
import { FakeVhost } from './fake-vhost.ts';
import { capturedRun, changedHost, l1Roots, nothingInstalled, temporaryDirectory } from './fixtures.ts';

const native = new FakeVhost({ pageSize: 65536 });

test('the captured host', async () => {
  expect(await readMachine(l1Roots, native, capturedRun)).toMatchObject({
    pageSize: 65536,
    cpu: { vendor: 'AuthenticAMD', model: 'QEMU TCG CPU version 2.5+', count: 2 },
    kvm: false,
    iommuGroups: 7,
    lockedMemoryLimit: 8388608,
  });
});

test('this machine, as uname says', async () => {
  const uname = (flag: string) => execFileSync('uname', [flag], { encoding: 'utf8' }).trim();
  expect(await readMachine(hostRoots, native)).toMatchObject({
    architecture: uname('-m'),
    kernelRelease: uname('-r'),
    kernelVersion: uname('-v'),
  });
});

describe('page size without native system calls', () => {
  const missing = unknown('native-unavailable', 'x');
  test('getconf tells it', async () => {
    expect((await readMachine(l1Roots, missing)).pageSize).toBe(
      Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' })),
    );
  });
  test('getconf is missing, or talks nonsense', async () => {
    expect((await readMachine(l1Roots, missing, nothingInstalled)).pageSize).toMatchObject({ unknown: 'no-tool' });
    const nonsense = () => Promise.resolve({ stdout: 'many' });
    expect((await readMachine(l1Roots, missing, nonsense)).pageSize).toMatchObject({ unknown: 'malformed' });
  });
});

test('what cannot be read is a fact with its reason', async () => {
  const empty = temporaryDirectory();
  const roots = { sysfsRoot: empty, devRoot: empty, procRoot: empty };
  expect(await readMachine(roots, native, nothingInstalled)).toMatchObject({
    cpu: { unknown: 'ENOENT' },
    kvm: false,
    iommuGroups: 0,
    lockedMemoryLimit: { unknown: 'ENOENT' },
  });
});

test('KVM that can be opened, and KVM that cannot', async () => {
  const roots = changedHost();
  const file = path.join(roots.devRoot, 'kvm');
  symlinkSync('/dev/null', file);
  expect((await readMachine(roots, native)).kvm).toBe(true);
  rmSync(file);
  mkdirSync(file);
  expect((await readMachine(roots, native)).kvm).toMatchObject({ unknown: 'EISDIR' });
});

test('IOMMU groups that cannot be listed', async () => {
  const roots = changedHost((sys) => {
    rmSync(path.join(sys, 'kernel/iommu_groups'), { recursive: true });
    writeFileSync(path.join(sys, 'kernel/iommu_groups'), '');
  });
  expect((await readMachine(roots, native)).iommuGroups).toMatchObject({ unknown: 'ENOTDIR' });
});

test.each([
  ['Max locked memory         unlimited            unlimited            bytes', 'unlimited'],
  ['Max locked memory         65536                67108864             bytes', 67108864],
  ['Max locked memory', { unknown: 'malformed' }],
  ['', { unknown: 'malformed' }],
])('limits %j', async (text, expected) => {
  const roots = changedHost();
  writeFileSync(path.join(roots.procRoot, 'self/limits'), `Limit  Soft  Hard  Units\n${text}\n`);
  const { lockedMemoryLimit } = await readMachine(roots, native);
  if (typeof expected === 'object') expect(lockedMemoryLimit).toMatchObject(expected);
  else expect(lockedMemoryLimit).toBe(expected);
});

describe('cpuOf', () => {
  test('arm64: numbers only (as a Graviton3 has them)', () => {
    const one = (index: number) =>
      `processor\t: ${index}\nBogoMIPS\t: 2100.00\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x1\nCPU part\t: 0xd40\nCPU revision\t: 1\n`;
    expect(cpuOf([0, 1, 2, 3].map(one).join('\n'))).toEqual({
      vendor: 'implementer 0x41',
      model: 'part 0xd40, variant 0x1, revision 1',
      count: 4,
    });
    expect(cpuOf('processor : 0\nCPU implementer : 0x41\n')).toMatchObject({
      model: 'part unknown, variant unknown, revision unknown',
    });
  });

  test.each(['', 'processor\t: 0\nhart\t: 0\nisa\t: rv64imafdc\n', '\u0000\u0000', 'vendor_id :\nmodel name :\n'])(
    '%j is not known',
    (text) => {
      expect(cpuOf(text)).toMatchObject({ unknown: 'not-supported' });
    },
  );

  test('control characters do not pass', () => {
    expect(cpuOf('processor : 0\nvendor_id : x\nmodel name : a\u001b[31mb\n')).toMatchObject({ model: 'a\\x1b[31mb' });
  });
});

test.each([
  ['hostA', 'hostA'],
  ['host.example.org', 'host.example.org'],
  ['(none)', 'none-'],
  ['-x', 'x'],
  ['höst', 'h-st'],
  ['', 'localhost'],
  ['a'.repeat(300), 'a'.repeat(254)],
])('hostName(%j) is %j', (name, expected) => {
  expect(hostName(name)).toBe(expected);
});

test('the clock goes on', () => {
  expect(clock()).toBeLessThan(clock());
});

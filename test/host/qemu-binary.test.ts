import { execFileSync } from 'node:child_process';
import { chmod, mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findQemuBinaries, queryQemuCapabilities } from '../../src/host/qemu-binary.ts';
import { descendantsOf } from '../../src/host/process-tree.ts';
import { capabilitiesOf } from '../../src/host/qmp-capabilities.ts';
import { QmpError } from '../../src/host/qmp-error.ts';
import { QmpSchema } from '../../src/host/qmp-schema.ts';
import { VdpaQemuError } from '../../src/model/error.ts';
import type { QemuCapabilities } from '../../src/model/generated/host-report.ts';
import validate from '../../src/model/generated/host-report.validate.js';
import { needsQemu, qemu } from './qemu.ts';
import { folder } from './qmp-peer.ts';

/** A script in a folder of its own; gives its path. */
async function script(text: string, name = 'qemu-system-x86_64'): Promise<string> {
  const path = join(await folder(), name);
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
  return path;
}

function expectValid(capabilities: QemuCapabilities): void {
  const asked = { unknown: 'not-asked', detail: '' };
  const report = {
    schemaVersion: 1,
    kind: 'HostReport',
    generator: { name: 'vdpa-qemu', version: '0' },
    host: {
      name: 'h',
      architecture: 'x86_64',
      kernelRelease: '',
      pageSize: asked,
      cpu: asked,
      kvm: asked,
      iommuGroups: asked,
      lockedMemoryLimit: asked,
    },
    vdpa: { bus: asked, managementDevices: asked },
    qemu: [{ path: '/q', capabilities }],
    libvirt: asked,
    devices: [],
    notes: [],
  };
  validate(JSON.parse(JSON.stringify(report)));
  expect(validate.errors ?? []).toEqual([]);
}

describe('findQemuBinaries', () => {
  it('looks in PATH for both names, in order; each file once; only executable files', async () => {
    const [first, second] = [await folder(), await folder()];
    for (const [path, mode] of [
      [join(first, 'qemu-system-aarch64'), 0o755],
      [join(second, 'qemu-kvm'), 0o755],
      [join(second, 'qemu-system-x86_64'), 0o755],
      [join(second, 'qemu-system-arm'), 0o644],
    ] as const) {
      await writeFile(path, '');
      await chmod(path, mode);
    }
    await symlink(join(second, 'qemu-kvm'), join(first, 'qemu-kvm'));
    await mkdir(join(first, 'qemu-system-x86_64'));
    const pathVariable = `${first}:${second}:/nonexistent::.:relative`;
    expect(await findQemuBinaries({ architecture: 'aarch64', pathVariable })).toEqual([
      join(first, 'qemu-system-aarch64'),
      join(first, 'qemu-kvm'),
    ]);
    expect(await findQemuBinaries({ architecture: 'x86_64', pathVariable })).toEqual([
      join(second, 'qemu-system-x86_64'),
      join(first, 'qemu-kvm'),
    ]);
    expect(await findQemuBinaries({ architecture: 'armv7l', pathVariable: second })).toEqual([
      join(second, 'qemu-kvm'),
    ]);
    expect(await findQemuBinaries({ architecture: '../../x', pathVariable: first })).toEqual([join(first, 'qemu-kvm')]);
  });

  it('looks at given candidates instead', async () => {
    const path = await script('', 'my-qemu');
    expect(await findQemuBinaries({ architecture: 'x86_64', candidates: [path, '/nonexistent', path] })).toEqual([
      path,
    ]);
    expect(await findQemuBinaries({ architecture: 'x86_64', candidates: [] })).toEqual([]);
  });

  it.skipIf(qemu === undefined)(`finds the one of this host${needsQemu}`, async () => {
    const found = await findQemuBinaries({ architecture: 'x86_64' });
    expect(await Promise.all(found.map((path) => realpath(path)))).toContain(await realpath(qemu!));
  });
});

describe.skipIf(qemu === undefined)(`queryQemuCapabilities of a real QEMU${needsQemu}`, () => {
  it('gives what a HostReport takes, sorted, the same each time, and leaves no process', async () => {
    const capabilities = await queryQemuCapabilities(qemu!);
    expectValid(capabilities);
    expect(await queryQemuCapabilities(qemu!)).toEqual(capabilities);
    expect(descendantsOf(process.pid)).toEqual([]);
    expect(capabilities.target).toBe('x86_64');
    const names = capabilities.machines.map((machine) => machine.name);
    expect(names).toEqual([...names].sort());
    expect(names).toContain('none');
    expect(capabilities.machines.filter((machine) => machine.default)).toHaveLength(1);
    expect(capabilities.machines.find((machine) => machine.alias === 'q35')?.name).toMatch(/^pc-q35-/);
    expect(capabilities.deviceProperties['virtio-net-pci']).toEqual(
      expect.arrayContaining(['page-per-vq', 'mac', 'mq', 'vectors']),
    );
    expect(capabilities.netdevVhostVdpa).toEqual(expect.arrayContaining(['queues', 'vhostdev']));
    expect(capabilities.commands).toEqual(expect.arrayContaining(['qom-get', 'qom-list', 'query-machines']));
    for (const list of [
      ...Object.values(capabilities.deviceProperties),
      capabilities.netdevVhostVdpa,
      capabilities.commands,
    ]) {
      if (list !== null) expect(list).toEqual([...list].sort());
    }
  });

  it('knows what 7.2 has and lacks', async ({ skip }) => {
    const capabilities = await queryQemuCapabilities(qemu!);
    if (!capabilities.version.startsWith('7.2.')) skip(`this QEMU is ${capabilities.version}`);
    expect(capabilities.deviceProperties['vhost-vdpa-device-pci']).toBeNull();
    expect(capabilities.netdevVhostVdpa).toEqual(['queues', 'vhostdev', 'vhostfd', 'x-svq']);
    expect(capabilities.commands).toContain('x-query-virtio');
    expect(capabilities.commands).not.toContain('qom-list-get');
  });

  it('knows its CPU models and types of devices, and not those of which it would end', async () => {
    const { cpuModels, deviceTypes } = await queryQemuCapabilities(qemu!);
    expect(cpuModels).toEqual(expect.arrayContaining(['EPYC', 'max', 'qemu64']));
    expect(deviceTypes).toMatchObject({ e1000: true, 'qemu-xhci': true, 'tpm-tis-device': false });
    expect(Object.keys(deviceTypes!)).toEqual(Object.keys(deviceTypes!).sort());
    // asked of a QEMU without the module of the part, this type ends it
    const listed = execFileSync(qemu!, ['-device', 'help'], { encoding: 'utf8' }).includes('"virtio-gpu-gl-device"');
    if (!listed) expect(deviceTypes).toMatchObject({ 'virtio-gpu-gl-pci': false, 'virtio-vga-gl': false });
  });

  it('can be aborted', async () => {
    const error = await queryQemuCapabilities(qemu!, { signal: AbortSignal.timeout(5) }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: 'program' });
    expect(descendantsOf(process.pid)).toEqual([]);
  });
});

describe('what is not a QEMU', () => {
  async function refusal(path: string, timeoutMs = 5000): Promise<VdpaQemuError> {
    const started = performance.now();
    const error = await queryQemuCapabilities(path, { timeoutMs }).catch((thrown: unknown) => thrown);
    expect(performance.now() - started).toBeLessThan(timeoutMs + 4000);
    expect(descendantsOf(process.pid)).toEqual([]);
    if (error instanceof VdpaQemuError) return error;
    throw new Error('it did not fail');
  }

  it.each([
    ['/bin/true', 'it ended with exit code 0'],
    ['/bin/cat', 'it ended with exit code 1'],
  ])('%s', async (path, how) => {
    expect(await refusal(path)).toMatchObject({
      code: 'program',
      message: `${path} does not answer as QEMU does (${how}): this is no QMP monitor: the peer closed the connection`,
    });
  });

  it('a folder, a file that cannot be executed, nothing', async () => {
    expect(await refusal('/tmp')).toMatchObject({ code: 'program' });
    expect(await refusal('/etc/passwd')).toMatchObject({ code: 'program' });
    expect(await refusal('/nonexistent')).toMatchObject({ code: 'not-found' });
  });

  it('tells what it wrote to stderr', async () => {
    const path = await script('echo "no \x1b[2J such option" >&2; exit 2');
    expect(await refusal(path)).toMatchObject({ code: 'program', details: ['no \\x1b[2J such option'] });
  });

  it('a script that hangs, with what it has started', async () => {
    const error = await refusal(await script('echo working >&2; sleep 1000 & sleep 1000'), 300);
    expect(error).toMatchObject({ code: 'program', details: ['working'], cause: { kind: 'greeting' } });
  });

  it('a script that hangs after the greeting, deaf to SIGTERM', async () => {
    const hello =
      '{"QMP": {"version": {"qemu": {"major": 1, "minor": 2, "micro": 3}, "package": ""}, "capabilities": []}}';
    const path = await script(`trap '' TERM; echo '${hello}'; while :; do sleep 0.1; done`);
    expect(await refusal(path, 300)).toMatchObject({ cause: { kind: 'timeout', command: 'qmp_capabilities' } });
  });

  it('garbage, at once and without end', async () => {
    expect(await refusal(await script('echo garbage; sleep 1000'))).toMatchObject({ cause: { kind: 'greeting' } });
    expect(await refusal(await script('exec cat /dev/zero'))).toMatchObject({ cause: { kind: 'too-large' } });
    const endless = await script('exec yes');
    expect(await refusal(endless)).toMatchObject({
      message: `${endless} does not answer as QEMU does: this is no QMP monitor: the peer sent "y", which is not JSON on one line`,
      cause: { kind: 'greeting' },
    });
  });

  it('one that answers every question with nonsense', async () => {
    const hello =
      '{"QMP": {"version": {"qemu": {"major": 1, "minor": 2, "micro": 3}, "package": ""}, "capabilities": []}}';
    const path = await script(
      `echo '${hello}'; n=1; while read line; do echo "{\\"return\\": [[]], \\"id\\": $n}"; n=$((n+1)); done`,
    );
    expect(await refusal(path)).toMatchObject({
      code: 'program',
      cause: { kind: 'protocol', message: 'query-qmp-schema: an entry: expected an object, got a list' },
    });
  });
});

describe('capabilitiesOf', () => {
  const machine = (index: number): object => ({ name: `m${index}`, 'cpu-max': 1 });
  const answers = (changes: Record<number, unknown>): Parameters<typeof capabilitiesOf>[0] =>
    [
      {},
      { qemu: { major: 10, minor: 0, micro: 2 }, package: 'p\x1b' },
      { arch: 'x86_64' },
      [{ name: 'b', alias: 'a', 'is-default': true, deprecated: true, 'cpu-max': 4 }, { name: 'a' }],
      [
        { name: 'blockdev-add', 'meta-type': 'command', 'arg-type': '1' },
        { name: '1', 'meta-type': 'object', variants: [{ case: 'virtio-blk-vhost-vdpa', type: '2' }] },
        { name: '2', 'meta-type': 'object', members: [] },
        { name: 'qom-get', 'meta-type': 'event' },
      ],
      [{ name: 'z' }, { name: 'y' }],
      [],
      [],
      [],
      [],
    ].map((value, index) => ({ ok: true, value: index in changes ? changes[index] : value }));

  it('writes what was answered', () => {
    const capabilities = capabilitiesOf(answers({}));
    expectValid(capabilities);
    expect(capabilities).toEqual({
      version: '10.0.2',
      package: 'p\\x1b',
      target: 'x86_64',
      machines: [
        { name: 'a', deprecated: false },
        { name: 'b', alias: 'a', default: true, deprecated: true, cpuMax: 4 },
      ],
      deviceProperties: {
        'pcie-root-port': ['y', 'z'],
        'vhost-vdpa-device-pci': [],
        'virtio-blk-pci': [],
        'virtio-net-pci': [],
        'virtio-net-pci-non-transitional': [],
      },
      netdevVhostVdpa: null,
      blockdevVirtioBlkVhostVdpa: true,
      commands: [],
    });
  });

  const refused = (errorClass: string, description: string): { ok: false; error: QmpError } => ({
    ok: false,
    error: new QmpError('command', 'c', { errorClass, description }),
  });

  it('a driver whose module is not installed is not there, whatever the schema says', () => {
    const [, ...rest] = answers({});
    const missing = refused('GenericError', "Unknown driver 'virtio-blk-vhost-vdpa'");
    expect(capabilitiesOf([missing, ...rest]).blockdevVirtioBlkVhostVdpa).toBe(false);
    const there = refused('GenericError', 'cache.direct=off is not supported');
    expect(capabilitiesOf([there, ...rest]).blockdevVirtioBlkVhostVdpa).toBe(true);
  });

  it('DeviceNotFound is an answer, another refusal is a failure', () => {
    const all = answers({});
    expect(
      capabilitiesOf(all.with(6, refused('DeviceNotFound', ''))).deviceProperties['vhost-vdpa-device-pci'],
    ).toBeNull();
    expect(() => capabilitiesOf(all.with(6, refused('GenericError', '')))).toThrow(QmpError);
    expect(() => capabilitiesOf(all.with(3, refused('CommandNotFound', '')))).toThrow(QmpError);
  });

  it.each([
    [
      'too many machines',
      { 3: Array.from({ length: 4097 }, (_, index) => machine(index)) },
      'query-machines: 4097 entries',
    ],
    [
      'too many properties',
      { 5: Array.from({ length: 4097 }, () => ({ name: 'p' })) },
      'device-list-properties: 4097 entries',
    ],
    [
      'a version that is none',
      { 1: { qemu: { major: 1e6, minor: 0, micro: 0 }, package: '' } },
      'query-version: 1000000.0.0',
    ],
    [
      'no package',
      { 1: { qemu: { major: 1, minor: 0, micro: 0 } } },
      'query-version: package: expected a string, got nothing',
    ],
    ['a machine without a name', { 3: [{}] }, 'query-machines: name: expected a string, got nothing'],
  ])('%s', (_, changes, message) => {
    expect(() => capabilitiesOf(answers(changes))).toThrow(message);
  });
});

describe('QmpSchema', () => {
  it('finds nothing where a link is missing, and refuses a branch without a type', () => {
    const schema = new QmpSchema([
      { name: 'a', 'meta-type': 'command' },
      { name: 'b', 'meta-type': 'command', 'arg-type': '9' },
      { name: 'c', 'meta-type': 'command', 'arg-type': '1' },
      { name: '1', variants: [{ case: 'x', type: '2' }] },
    ]);
    expect(['a', 'b', 'none'].map((name) => schema.branchMembers(name, 'x'))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(schema.branchMembers('c', 'y')).toBeUndefined();
    expect(() => schema.branchMembers('c', 'x')).toThrow('schema of c: members of x: expected a list, got nothing');
    expect([schema.hasCommand('a'), schema.hasCommand('1'), schema.hasCommand('constructor')]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

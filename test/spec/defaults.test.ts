import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fillDefaults, isVirtMachine, type CompleteSpec } from '../../src/spec/defaults.ts';
import { specOf } from '../spec-builder.ts';

describe('what is left out', () => {
  test('of the machine', () => {
    expect(specOf('')).toEqual({
      name: 'web1',
      uuid: '0228fc7c-a8ec-514a-8c77-cf394863f9b1',
      machine: 'pc-q35-10.0',
      cpu: { model: 'qemu64', count: 1 },
      memoryBytes: 2 ** 30,
      accelerator: 'auto',
      emulator: null,
      qmpSocket: null,
      interfaces: [],
      disks: [],
      vdpaDevices: [],
      hosts: null,
    } satisfies CompleteSpec);
  });

  test('of an interface', () => {
    expect(specOf('interfaces: [{id: net0, vdpa: vp0}]').interfaces).toEqual([
      {
        id: 'net0',
        vdpa: 'vp0',
        mac: null,
        queuePairs: null,
        hostNotifier: 'auto',
        rxQueueSize: 256,
        txQueueSize: 256,
        packed: false,
        mtu: null,
        bootIndex: null,
        optionRom: false,
        rootPort: null,
      },
    ]);
  });

  test('of a disk in a file', () => {
    expect(specOf('disks: [{id: d, file: /x}]').disks).toEqual([
      { id: 'd', file: '/x', format: 'raw', readOnly: false, bootIndex: 1, rootPort: null },
    ]);
  });

  test('of a vDPA disk', () => {
    expect(specOf('disks: [{id: d, vdpa: blk0}]').disks).toEqual([
      { id: 'd', vdpa: 'blk0', attach: 'auto', hostNotifier: 'auto', readOnly: false, bootIndex: null, rootPort: null },
    ]);
  });

  test('of a generic device', () => {
    expect(specOf('vdpaDevices: [{id: d, vdpa: fs0}]').vdpaDevices).toEqual([
      { id: 'd', vdpa: 'fs0', hostNotifier: 'auto', queueSize: null, bootIndex: null, rootPort: null },
    ]);
  });
});

test('what is said stays', () => {
  const spec = specOf(`uuid: 12345678-1234-1234-1234-123456789abc
cpu: {model: EPYC, count: 8}
accelerator: tcg
emulator: /opt/qemu
qmpSocket: /run/q
interfaces: [{id: n, vdpa: {a: vp0, b: vp1}, mac: "52:54:00:AB:CD:EF", queuePairs: 4, hostNotifier: require, rxQueueSize: 512, txQueueSize: 1024, packed: true, mtu: 9000, bootIndex: 3, rootPort: 7}]
disks:
  - {id: d, vdpa: blk0, attach: blockdev, hostNotifier: "off", readOnly: true, rootPort: 9}
  - {id: f, file: /x, format: qcow2, readOnly: true, bootIndex: 2}
vdpaDevices: [{id: g, vdpa: fs0, hostNotifier: require, queueSize: 512, bootIndex: 4, rootPort: 1}]
migration: {hosts: [a, b]}
`);
  expect(spec).toEqual({
    name: 'web1',
    uuid: '12345678-1234-1234-1234-123456789abc',
    machine: 'pc-q35-10.0',
    cpu: { model: 'EPYC', count: 8 },
    memoryBytes: 2 ** 30,
    accelerator: 'tcg',
    emulator: '/opt/qemu',
    qmpSocket: '/run/q',
    interfaces: [
      {
        id: 'n',
        vdpa: { a: 'vp0', b: 'vp1' },
        mac: '52:54:00:ab:cd:ef',
        queuePairs: 4,
        hostNotifier: 'require',
        rxQueueSize: 512,
        txQueueSize: 1024,
        packed: true,
        mtu: 9000,
        bootIndex: 3,
        optionRom: true,
        rootPort: 7,
      },
    ],
    disks: [
      { id: 'd', vdpa: 'blk0', attach: 'blockdev', hostNotifier: 'off', readOnly: true, bootIndex: null, rootPort: 9 },
      { id: 'f', file: '/x', format: 'qcow2', readOnly: true, bootIndex: 2, rootPort: null },
    ],
    vdpaDevices: [{ id: 'g', vdpa: 'fs0', hostNotifier: 'require', queueSize: 512, bootIndex: 4, rootPort: 1 }],
    hosts: ['a', 'b'],
  } satisfies CompleteSpec);
});

describe('the option ROM comes with a boot index, unless the spec says otherwise', () => {
  test.each([
    ['', false],
    [', bootIndex: 1', true],
    [', bootIndex: 1, optionRom: false', false],
    [', optionRom: true', true],
  ])('%j', (more, optionRom) => {
    expect(specOf(`interfaces: [{id: n, vdpa: vp0${more}}]`).interfaces[0]).toMatchObject({ optionRom });
  });
});

describe('the first disk boots where nothing has a boot index', () => {
  test.each<[body: string, bootIndices: (number | null)[]]>([
    ['disks: [{id: a, file: /a}, {id: b, file: /b}]', [1, null]],
    ['disks: [{id: a, file: /a}, {id: b, file: /b, bootIndex: 5}]', [null, 5]],
    ['interfaces: [{id: n, vdpa: vp0, bootIndex: 1}]\ndisks: [{id: a, file: /a}]', [null]],
    ['vdpaDevices: [{id: n, vdpa: vp0, bootIndex: 1}]\ndisks: [{id: a, file: /a}]', [null]],
    ['interfaces: [{id: n, vdpa: vp0}]\ndisks: [{id: a, file: /a}]', [1]],
    ['disks: [{id: a, vdpa: blk0}, {id: b, file: /b}]', [null, null]],
  ])('%s', (body, bootIndices) => {
    expect(specOf(body).disks.map(({ bootIndex }) => bootIndex)).toEqual(bootIndices);
  });
});

test.each([
  ['pc-q35-10.0', 'qemu64'],
  ['q35', 'qemu64'],
  ['virt-10.0', 'cortex-a57'],
  ['virt', 'cortex-a57'],
  ['virtual-1.0', 'qemu64'],
])('machine %s has CPU model %s where none is named', (machine, model) => {
  const spec = fillDefaults({ schemaVersion: 1, name: 'x', machine, memory: '1GiB', cpu: { count: 2 } });
  expect(spec.cpu).toEqual({ model, count: 2 });
  expect(isVirtMachine(machine)).toBe(model === 'cortex-a57');
});

describe('the UUID that is made from the name', () => {
  const uuidOf = (name: string): string =>
    fillDefaults({ schemaVersion: 1, name, machine: 'pc-q35-10.0', memory: '1GiB' }).uuid;

  /** RFC 9562, 5.5, in other words than src. */
  function version5(namespace: string, name: string): string {
    const hash = createHash('sha1')
      .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
      .update(name)
      .digest('hex');
    const variant = ((parseInt(hash.slice(16, 18), 16) & 0x3f) | 0x80).toString(16);
    return [
      hash.slice(0, 8),
      hash.slice(8, 12),
      `5${hash.slice(13, 16)}`,
      variant + hash.slice(18, 20),
      hash.slice(20, 32),
    ].join('-');
  }

  test('is the same on every host, today and tomorrow: it is guest ABI', () => {
    expect(uuidOf('web1')).toBe('0228fc7c-a8ec-514a-8c77-cf394863f9b1');
    expect(uuidOf('web2')).toBe('bc6304fb-38f5-58c9-873c-79ec1ff3c906');
  });

  test('is a version 5 UUID in the namespace of the DNS name vdpa-qemu', () => {
    const dns = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';
    expect(version5(dns, 'www.example.com')).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2');
    const namespace = version5(dns, 'vdpa-qemu');
    fc.assert(
      fc.property(fc.string(), (name) => {
        expect(uuidOf(name)).toBe(version5(namespace, name));
      }),
    );
  });
});

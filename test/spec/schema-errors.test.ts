/** One message per breach: which field, which rule, what was found. Columns are of the value, or of the key at fault. */
import { describe, expect, test } from 'vitest';
import { describeSchemaErrors } from '../../src/spec/schema-errors.ts';
import { findingsIn } from '../spec-builder.ts';

const vdpaWords = 'must be valid (the vDPA device, one for all hosts or one per host: {hostA: vp0, hostB: vp3})';
const memoryWords =
  'memory must be valid (guest RAM: bytes, or a number with KiB, MiB, GiB or TiB; a multiple of 1 MiB)';

function breachesOf(body: string, head?: string): string[] {
  return findingsIn(body, head).map((line) => line.replace(' error spec.schema', ''));
}

describe('the document and its keys', () => {
  test.each<[body: string, breach: string]>([
    ['cpu: 3', '5:6: cpu must be a mapping; got 3'],
    ['cpu: {count: 1.5}', '5:14: cpu.count must be an integer; got 1.5'],
    ['cpu: {count: 0}', '5:14: cpu.count must be at least 1; got 0'],
    ['cpu: {count: 4097}', '5:14: cpu.count must be at most 4096; got 4097'],
    ['cpu: {count: "2"}', '5:14: cpu.count must be an integer; got "2"'],
    ['cpu: {count: null}', '5:14: cpu.count must be an integer; got null'],
    [
      'cpu: {model: "a b"}',
      '5:14: cpu.model must be valid (QEMU CPU model name; left out: qemu64, on virt machines cortex-a57); got "a b"',
    ],
    ['accelerator: xen', '5:14: accelerator must be one of "auto", "kvm", "tcg"; got "xen"'],
    [
      'emulator: qemu',
      '5:11: emulator must be valid (an absolute path without control characters, invisible ones, or code points that XML cannot hold); got "qemu"',
    ],
    [
      'qmpSocket: "/a\\tb"',
      String.raw`5:12: qmpSocket must be valid (an absolute path without control characters, invisible ones, or code points that XML cannot hold); got "/a\tb"`,
    ],
    [
      `emulator: /${'x'.repeat(1024)}`,
      `5:11: emulator must NOT have more than 1024 characters; got "/${'x'.repeat(75)}...`,
    ],
    ['uuid: 123', '5:7: uuid must be a string; got 123'],
    [
      'uuid: 69DCA66D-F212-5B62-BC6A-0AD29B07AC1D',
      '5:7: uuid must be valid (SMBIOS UUID that the guest sees; left out: made from the name (RFC 9562 version 5), the same on every host); got "69DCA66D-F212-5B62-BC6A-0AD29B07AC1D"',
    ],
    ['migration: []', '5:12: migration must be a mapping; got a list'],
    ['migration: {hosts: []}', '5:20: migration.hosts must NOT have fewer than 1 items; got a list'],
    [
      'migration: {hosts: [a, a]}',
      '5:20: migration.hosts must NOT have duplicate items (items ## 0 and 1 are identical); got a list',
    ],
    [
      'migration: {hosts: [a b]}',
      '5:21: migration.hosts[0] must be of the form ^[A-Za-z0-9][A-Za-z0-9_.-]{0,253}$; got "a b"',
    ],
  ])('%s', (body, breach) => {
    expect(breachesOf(body)).toEqual([breach]);
  });

  test.each<[text: string, breaches: string[]]>([
    ['', ['1:1: the document must be a mapping; got null']],
    ['42', ['1:1: the document must be a mapping; got 42']],
    ['text', ['1:1: the document must be a mapping; got "text"']],
    ['{}', ['machine', 'memory', 'name', 'schemaVersion'].map((key) => `1:1: the document lacks the key \`${key}\``)],
  ])('%j is no spec', (text, breaches) => {
    expect(breachesOf(text, '')).toEqual(breaches);
  });

  test.each<[line: string, instead: string, breach: string]>([
    ['schemaVersion: 1', 'schemaVersion: 2', '1:16: schemaVersion must be 1; got 2'],
    ['schemaVersion: 1', 'schemaVersion: "1"', '1:16: schemaVersion must be 1; got "1"'],
    ['name: web1', 'name: ümlaut', '2:7: name must be of the form ^[A-Za-z][A-Za-z0-9_.-]{0,62}$; got "ümlaut"'],
    [
      'name: web1',
      'name: "a\\e[31m\\u0085"',
      '2:7: name must be of the form ^[A-Za-z][A-Za-z0-9_.-]{0,62}$; got "a\\u001b[31m\\x85"',
    ],
    ['name: web1', 'name: a/../../b', '2:7: name must be of the form ^[A-Za-z][A-Za-z0-9_.-]{0,62}$; got "a/../../b"'],
    [
      'machine: pc-q35-10.0',
      'machine: Q35',
      '3:10: machine must be valid (versioned machine type of the q35 or virt family (pc-q35-7.2, virt-7.2); an alias (q35) is resolved against the hosts\' QEMU with a warning); got "Q35"',
    ],
    [
      'machine: pc-q35-10.0',
      'machine: q35,accel=tcg',
      '3:10: machine must be valid (versioned machine type of the q35 or virt family (pc-q35-7.2, virt-7.2); an alias (q35) is resolved against the hosts\' QEMU with a warning); got "q35,accel=tcg"',
    ],
    ['memory: 1GiB', 'memory: 0', `4:9: ${memoryWords}; got 0`],
    ['memory: 1GiB', 'memory: -1', `4:9: ${memoryWords}; got -1`],
    ['memory: 1GiB', 'memory: 1.5', `4:9: ${memoryWords}; got 1.5`],
    ['memory: 1GiB', 'memory: 4GB', `4:9: ${memoryWords}; got "4GB"`],
    ['memory: 1GiB', 'memory: [1]', `4:9: ${memoryWords}; got a list`],
    ['memory: 1GiB', 'memory: .inf', `4:9: ${memoryWords}; got Infinity`],
    // 2^53 + 1: the nearest number that JavaScript has is too large, too
    ['memory: 1GiB', 'memory: 9007199254740993', `4:9: ${memoryWords}; got 9007199254740992`],
  ])('%s instead of which %s', (line, instead, breach) => {
    const head = 'schemaVersion: 1\nname: web1\nmachine: pc-q35-10.0\nmemory: 1GiB\n';
    expect(breachesOf('', head.replace(line, instead))).toEqual([breach]);
  });
});

describe('devices', () => {
  test.each<[device: string, breaches: string[]]>([
    ['1', ['5:14: interfaces[0] must be a mapping; got 1']],
    ['{}', ['5:14: interfaces[0] lacks the key `id`', '5:14: interfaces[0] lacks the key `vdpa`']],
    ['{id: n, vdpa: {}}', [`5:28: interfaces[0].vdpa ${vdpaWords}; got a mapping`]],
    ['{id: n, vdpa: 3}', [`5:28: interfaces[0].vdpa ${vdpaWords}; got 3`]],
    ['{id: n, vdpa: [vp0]}', [`5:28: interfaces[0].vdpa ${vdpaWords}; got a list`]],
    ['{id: n, vdpa: /dev/vda}', [`5:28: interfaces[0].vdpa ${vdpaWords}; got "/dev/vda"`]],
    ['{id: n, vdpa: "vp0,mac=x"}', [`5:28: interfaces[0].vdpa ${vdpaWords}; got "vp0,mac=x"`]],
    [
      '{id: n, vdpa: {h1: "x y", h2: 3}}',
      [
        '5:33: interfaces[0].vdpa.h1 must be valid (a name on the vdpa bus, or /dev/vhost-vdpa-N); got "x y"',
        '5:44: interfaces[0].vdpa.h2 must be a string; got 3',
      ],
    ],
    ['{id: n, vdpa: {"a b": vp0}}', ['5:29: interfaces[0].vdpa has a key that is no valid name: `a b`']],
    [
      '{id: n, vdpa: vp0, mac: "1"}',
      ['5:38: interfaces[0].mac must be valid (unicast; left out: the device\'s own, the same on every host); got "1"'],
    ],
    ['{id: n, vdpa: vp0, queuePairs: 0}', ['5:45: interfaces[0].queuePairs must be at least 1; got 0']],
    ['{id: n, vdpa: vp0, queuePairs: 257}', ['5:45: interfaces[0].queuePairs must be at most 256; got 257']],
    [
      '{id: n, vdpa: vp0, rxQueueSize: 128}',
      ['5:46: interfaces[0].rxQueueSize must be one of 256, 512, 1024; got 128'],
    ],
    ['{id: n, vdpa: vp0, packed: yes}', ['5:41: interfaces[0].packed must be a boolean; got "yes"']],
    ['{id: n, vdpa: vp0, mtu: 67}', ['5:38: interfaces[0].mtu must be at least 68; got 67']],
    ['{id: n, vdpa: vp0, bootIndex: 0}', ['5:44: interfaces[0].bootIndex must be at least 1; got 0']],
    ['{id: n, vdpa: vp0, rootPort: 29}', ['5:43: interfaces[0].rootPort must be at most 28; got 29']],
    [
      '{id: n, vdpa: vp0, hostNotifier: on}',
      ['5:47: interfaces[0].hostNotifier must be one of "auto", "require", "off"; got "on"'],
    ],
    [
      '{id: 0net, vdpa: vp0}',
      ['5:19: interfaces[0].id must be of the form ^[A-Za-z][A-Za-z0-9_.-]{0,62}$; got "0net"'],
    ],
    [
      '{id: "a,b", vdpa: vp0}',
      ['5:19: interfaces[0].id must be of the form ^[A-Za-z][A-Za-z0-9_.-]{0,62}$; got "a,b"'],
    ],
  ])('interfaces: [%s]', (device, breaches) => {
    expect(breachesOf(`interfaces: [${device}]`)).toEqual(breaches);
  });

  test.each<[body: string, breach: string]>([
    ['interfaces: {}', '5:13: interfaces must be a list; got a mapping'],
    ['disks: [{id: d, file: /x, format: vmdk}]', '5:35: disks[0].format must be one of "raw", "qcow2"; got "vmdk"'],
    [
      'disks: [{id: d, vdpa: b, attach: pci}]',
      '5:34: disks[0].attach must be one of "auto", "blockdev", "device"; got "pci"',
    ],
    [
      'vdpaDevices: [{id: d, vdpa: b, queueSize: 100}]',
      '5:43: vdpaDevices[0].queueSize must be one of 64, 128, 256, 512, 1024; got 100',
    ],
  ])('%s', (body, breach) => {
    expect(breachesOf(body)).toEqual([breach]);
  });
});

describe('did you mean', () => {
  test.each<[key: string, hint: string]>([
    ['Memory', '; did you mean `memory`?'],
    ['memry', '; did you mean `memory`?'],
    ['memoory', '; did you mean `memory`?'],
    ['memopy', '; did you mean `memory`?'],
    ['qmp-socket', '; did you mean `qmpSocket`?'],
    ['vdpa_devices', '; did you mean `vdpaDevices`?'],
    ['interface', '; did you mean `interfaces`?'],
    ['ram', ''],
    ['mmoery', ''],
  ])('%s%s', (key, hint) => {
    expect(breachesOf(`${key}: 1`)).toEqual([`5:1: the document has an unknown key \`${key}\`${hint}`]);
  });

  test('an unknown key cannot steer the terminal, nor fill it', () => {
    expect(breachesOf('"a\\e[31mb": 1')).toEqual(['5:1: the document has an unknown key `a\\x1b[31mb`']);
    const [long = ''] = breachesOf(`${'k'.repeat(900)}: 1`);
    expect(long.length).toBeLessThan(200);
  });
});

test('what ajv says without a message or schema of ours is passed on', () => {
  const error = { instancePath: '/a/0', schemaPath: '#/x', keyword: 'x', params: {} };
  expect(describeSchemaErrors([{ ...error, message: 'must be prime', data: 4 }])).toEqual([
    { path: '/a/0', message: 'a[0] must be prime; got 4' },
  ]);
  expect(describeSchemaErrors([error])).toEqual([{ path: '/a/0', message: 'a[0] x; got undefined' }]);
  expect(describeSchemaErrors([{ ...error, keyword: 'pattern', data: 'b' }])).toEqual([
    { path: '/a/0', message: 'a[0] must be valid; got "b"' },
  ]);
  expect(
    describeSchemaErrors([{ ...error, keyword: 'additionalProperties', params: { additionalProperty: 'k' } }]),
  ).toEqual([{ path: '/a/0', key: 'k', message: 'a[0] has an unknown key `k`' }]);
});

test('the same breach is told once', () => {
  const error = { instancePath: '/a', schemaPath: '#/x', keyword: 'minimum', params: { limit: 3 }, data: 1 };
  expect(describeSchemaErrors([error, { ...error, schemaPath: '#/y' }])).toEqual([
    { path: '/a', message: 'a must be at least 3; got 1' },
  ]);
});

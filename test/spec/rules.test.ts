/** Each rule by its code: what breaches it, and what is close by and does not. */
import { describe, expect, test } from 'vitest';
import { specRules } from '../../src/spec/rules.ts';
import { findingsIn, specHead } from '../spec-builder.ts';

const taken = 'already: /dev/vhost-vdpa-N can be opened once';
const many = (count: number): string =>
  `interfaces: [${Array.from({ length: Math.min(count, 28) }, (_, index) => `{id: n${index}, vdpa: v${index}}`).join(', ')}]
disks: [${Array.from({ length: Math.max(count - 28, 0) }, (_, index) => `{id: d${index}, file: /d}`).join(', ')}]`;

const breaches: Record<string, [body: string, findings: string[]][]> = {
  'spec.duplicate-id': [
    ['interfaces: [{id: a, vdpa: v1}, {id: a, vdpa: v2}]', ['5:38 error: id a is taken by a already']],
    ['interfaces: [{id: a, vdpa: v1}]\ndisks: [{id: a, file: /x}]', ['6:14 error: id a is taken by a already']],
    ['disks: [{id: a, file: /x}]\nvdpaDevices: [{id: a, vdpa: v}]', ['6:20 error: id a is taken by a already']],
  ],
  'spec.reserved-id': [
    ['disks: [{id: pcie.0, file: /x}]', ['5:14 error: id pcie.0 is taken by the machine itself']],
    ['disks: [{id: pci.12, file: /x}]', ['5:14 error: id pci.12 is taken by the machine itself']],
    ['interfaces: [{id: serial0, vdpa: v}]', ['5:19 error: id serial0 is taken by the machine itself']],
    ['interfaces: [{id: charserial0, vdpa: v}]', ['5:19 error: id charserial0 is taken by the machine itself']],
    ['vdpaDevices: [{id: qmp, vdpa: v}]', ['5:20 error: id qmp is taken by the machine itself']],
  ],
  'spec.duplicate-root-port': [
    [
      'interfaces: [{id: a, vdpa: v, rootPort: 2}]\ndisks: [{id: b, file: /x, rootPort: 2}]',
      ['6:37 error: rootPort 2 is taken by a already'],
    ],
  ],
  'spec.duplicate-boot-index': [
    [
      'interfaces: [{id: a, vdpa: v, bootIndex: 2}]\ndisks: [{id: b, file: /x, bootIndex: 2}, {id: c, file: /y, bootIndex: 2}]',
      ['6:38 error: bootIndex 2 is taken by a already', '6:71 error: bootIndex 2 is taken by a already'],
    ],
  ],
  'spec.too-many-devices': [[many(29), ['1:1 error: 29 devices, but there are 28 PCIe root ports']]],
  'spec.memory-granularity': [],
  'spec.multicast-mac': [
    [
      'interfaces: [{id: a, vdpa: v, mac: "01:00:5e:00:00:01"}]',
      ["5:36 error: a NIC's MAC address must be unicast (even first byte); got 01:00:5e:00:00:01"],
    ],
    [
      'interfaces: [{id: a, vdpa: v, mac: "FF:ff:ff:ff:ff:ff"}]',
      ["5:36 error: a NIC's MAC address must be unicast (even first byte); got FF:ff:ff:ff:ff:ff"],
    ],
    ['interfaces: [{id: a, vdpa: v, mac: "00:00:00:00:00:00"}]', ['5:36 error: the MAC address must not be all zeros']],
  ],
  'spec.disk-source': [
    ['disks: [{id: a}]', ['5:9 error: a disk has either `file` or `vdpa`; got neither']],
    ['disks: [{id: a, file: /x, vdpa: v}]', ['5:9 error: a disk has either `file` or `vdpa`; got both']],
    ['disks: [{id: a, vdpa: v, format: raw}]', ['5:34 error: `format` goes with `file`, which this disk has not']],
    [
      'disks: [{id: a, file: /x, attach: device, hostNotifier: auto}]',
      [
        '5:35 error: `attach` goes with `vdpa`, which this disk has not',
        '5:57 error: `hostNotifier` goes with `vdpa`, which this disk has not',
      ],
    ],
  ],
  'spec.read-only-device': [
    [
      'disks: [{id: a, vdpa: v, attach: device, readOnly: true}]',
      ['5:52 error: `readOnly` has no effect with attach: device: the guest drives the vDPA device itself'],
    ],
  ],
  'spec.vdpa-device-shared': [
    ['interfaces: [{id: a, vdpa: v}, {id: b, vdpa: v}]', [`5:46 error: vDPA device v is taken by a ${taken}`]],
    [
      'disks: [{id: a, vdpa: v}]\nvdpaDevices: [{id: b, vdpa: v}]',
      [`6:29 error: vDPA device v is taken by a ${taken}`],
    ],
    [
      'interfaces: [{id: a, vdpa: {h1: v, h2: w}}, {id: b, vdpa: {h1: w, h2: w}}]',
      [`5:59 error: vDPA device w is taken by a ${taken}`],
    ],
  ],
  'spec.host-without-vdpa': [
    [
      'interfaces: [{id: a, vdpa: {h1: v}}]\nmigration: {hosts: [h1, h2, h3]}',
      ['5:28 error: names no vDPA device for hosts h2, h3 of migration.hosts'],
    ],
    [
      'interfaces: [{id: a, vdpa: {h1: v}}]\nmigration: {hosts: [h1, h2]}',
      ['5:28 error: names no vDPA device for host h2 of migration.hosts'],
    ],
    [
      'interfaces: [{id: a, vdpa: {h1: v}}]\nmigration: {hosts: [h1, h2, h3, h4, h5, h6]}',
      ['5:28 error: names no vDPA device for hosts h2, h3, h4 and 2 more of migration.hosts'],
    ],
  ],
  'spec.cpu-not-migratable': [
    [
      'cpu: {model: host}',
      ['5:14 warning: CPU model host is whatever the host has: the guest can move only between equal hosts'],
    ],
  ],
};

test('every rule has its cases here', () => {
  expect(Object.keys(breaches)).toEqual(specRules.map(({ code }) => code));
});

const cases = Object.entries(breaches).flatMap(([code, rows]) =>
  rows.map(([body, found]) => [code, body, found] as const),
);

test.each(cases)('%s: %s', (code, body, found) => {
  expect(findingsIn(body)).toEqual(found.map((line) => line.replace(/ (error|warning): /, ` $1 ${code}: `)));
});

describe('spec.memory-granularity', () => {
  const findings = (memory: string): string[] => findingsIn('', specHead.replace('1GiB', memory));
  const said = (bytes: string): string[] => [
    `4:9 error spec.memory-granularity: memory must be a multiple of 1 MiB below 8 PiB; got ${bytes} bytes`,
  ];
  test.each<[memory: string, found: string[]]>([
    ['1MiB', []],
    ['1048576', []],
    ['1025KiB', said('1049600')],
    ['1048577', said('1048577')],
    ['8191TiB', []],
    ['8192TiB', said('9007199254740992')],
    ['999999999999TiB', said('1.0995116277749005e+24')],
    // the last multiple of 1 MiB that a number can hold exactly
    ['9007199253692416', []],
  ])('%s', (memory, found) => {
    expect(findings(memory)).toEqual(found);
  });
});

describe('close by, and right', () => {
  test.each([
    'interfaces: [{id: pci, vdpa: v1}, {id: pci.x, vdpa: v2}, {id: serial1, vdpa: v3}, {id: A, vdpa: v4}, {id: a, vdpa: v5}]',
    'interfaces: [{id: a, vdpa: v, rootPort: 1}]\ndisks: [{id: b, file: /x, rootPort: 2}]',
    'interfaces: [{id: a, vdpa: v, mac: "52:54:00:00:00:00"}, {id: b, vdpa: w, mac: "02:00:00:00:00:00"}]',
    'disks: [{id: a, file: /x}, {id: b, file: /x}]',
    'disks: [{id: a, vdpa: v, attach: device}, {id: b, vdpa: w, attach: blockdev, readOnly: true}]',
    'interfaces: [{id: a, vdpa: {h1: v, h2: w}}, {id: b, vdpa: {h1: w, h2: v}}]',
    'interfaces: [{id: a, vdpa: {h1: v, h2: v, h3: v}}]\nmigration: {hosts: [h1, h2]}',
    'interfaces: [{id: a, vdpa: v}]\nmigration: {hosts: [h1, h2]}',
    many(28),
    'cpu: {model: Skylake-Server-v4}',
  ])('%s', (body) => {
    expect(findingsIn(body)).toEqual([]);
  });
});

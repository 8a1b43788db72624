import { describe, expect, test } from 'vitest';
import { planRootPorts } from '../../src/plan/root-ports.ts';
import { specOf } from '../spec-builder.ts';

const nics = (...ports: (number | undefined)[]): string =>
  `interfaces: [${ports.map((port, index) => `{id: n${index}, vdpa: v${index}${port === undefined ? '' : `, rootPort: ${port}`}}`).join(', ')}]`;
const portsOf = (body: string): Record<string, number> => Object.fromEntries(planRootPorts(specOf(body)).portOf);

describe('which port a device sits on', () => {
  test.each<[what: string, body: string, ports: Record<string, number>]>([
    ['none', '', {}],
    [
      'in the order interfaces, disks, vdpaDevices, whatever the order in the file',
      'vdpaDevices: [{id: g, vdpa: v}]\ndisks: [{id: d, file: /x}]\ninterfaces: [{id: n, vdpa: w}]',
      { n: 1, d: 2, g: 3 },
    ],
    [
      'those that the spec names are kept free',
      nics(undefined, 1, undefined, 3, undefined),
      { n0: 2, n1: 1, n2: 4, n3: 3, n4: 5 },
    ],
    ['the last one', nics(28, undefined), { n0: 28, n1: 1 }],
  ])('%s', (_, body, ports) => {
    expect(portsOf(body)).toEqual(ports);
  });

  test('taking a disk away does not move what has a port by name', () => {
    const both =
      'interfaces: [{id: n, vdpa: v, rootPort: 2}]\ndisks: [{id: a, file: /a}, {id: b, file: /b, rootPort: 3}]';
    const one = 'interfaces: [{id: n, vdpa: v, rootPort: 2}]\ndisks: [{id: b, file: /b, rootPort: 3}]';
    expect(portsOf(both)).toEqual({ n: 2, a: 1, b: 3 });
    expect(portsOf(one)).toEqual({ n: 2, b: 3 });
  });
});

describe('the ports', () => {
  const ports = (body: string) => planRootPorts(specOf(body)).rootPorts;

  test('no device, no port', () => {
    expect(ports('')).toEqual([]);
  });

  test('one device: one port, which is alone in its slot', () => {
    expect(ports(nics(undefined))).toEqual([
      { index: 1, chassis: 1, port: 16, slot: 2, function: 0, multifunction: false },
    ]);
  });

  test('two devices: two functions of a slot', () => {
    expect(ports(nics(undefined, undefined))).toEqual([
      { index: 1, chassis: 1, port: 16, slot: 2, function: 0, multifunction: true },
      { index: 2, chassis: 2, port: 17, slot: 2, function: 1, multifunction: false },
    ]);
  });

  test('eight ports fill a slot, the ninth begins the next, and is multifunction only with a tenth', () => {
    const nine = ports(nics(...Array.from({ length: 9 }, () => undefined)));
    expect(nine.slice(6)).toEqual([
      { index: 7, chassis: 7, port: 22, slot: 2, function: 6, multifunction: false },
      { index: 8, chassis: 8, port: 23, slot: 2, function: 7, multifunction: false },
      { index: 9, chassis: 9, port: 24, slot: 3, function: 0, multifunction: false },
    ]);
    const ten = ports(nics(...Array.from({ length: 10 }, () => undefined)));
    expect(ten.filter(({ multifunction }) => multifunction).map(({ index }) => index)).toEqual([1, 9]);
  });

  test('ports below the highest are there, used or not: libvirt numbers buses without gaps', () => {
    expect(ports(nics(11)).map(({ index, slot, function: fn }) => `${index}=${slot}.${fn}`)).toEqual([
      '1=2.0',
      '2=2.1',
      '3=2.2',
      '4=2.3',
      '5=2.4',
      '6=2.5',
      '7=2.6',
      '8=2.7',
      '9=3.0',
      '10=3.1',
      '11=3.2',
    ]);
  });

  test('all 28 fit before the slots that q35 itself has (from 0x1a)', () => {
    const all = ports(nics(...Array.from({ length: 28 }, () => undefined)));
    expect(all).toHaveLength(28);
    expect(new Set(all.map(({ slot, function: fn }) => `${slot}.${fn}`)).size).toBe(28);
    expect(new Set(all.map(({ port }) => port)).size).toBe(28);
    expect(Math.max(...all.map(({ slot }) => slot))).toBe(5);
  });
});

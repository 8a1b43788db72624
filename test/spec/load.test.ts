import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { VdpaQemuError } from '../../src/model/error.ts';
import { loadSpec } from '../../src/spec/load.ts';
import { findingsIn, lineOf, specHead } from '../spec-builder.ts';

describe('loadSpec', () => {
  test('a sound spec gives no finding', () => {
    const { spec, findings } = loadSpec(`${specHead}interfaces: [{id: net0, vdpa: vp0}]`, 'vm.yaml');
    expect(findings).toEqual([]);
    expect(spec).toMatchObject({ name: 'web1', interfaces: [{ id: 'net0' }] });
  });

  test('JSON is YAML', () => {
    const text = JSON.stringify({ schemaVersion: 1, name: 'web1', machine: 'pc-q35-10.0', memory: 2 ** 30 });
    expect(loadSpec(text, 'vm.json')).toMatchObject({ findings: [], spec: { memoryBytes: 2 ** 30 } });
  });

  test('everything that is wrong is told in one run, with its place: schema and rules, worst first', () => {
    const text = `schemaVersion: 2
name: web 1
machine: pc-q35-10.0
memory: 1000001
cpu: { model: host, cores: 2 }
interfaces:
  - id: net0
    vdpa: vp0
    mac: 53:54:00:12:34:56
    queuepairs: 2
  - id: net0
    vdpa: vp0
    rootPort: 30
disks:
  - { id: pcie.0 }
migration:
  hosts: [a]
`;
    const { spec, findings } = loadSpec(text, 'dir/vm.yaml');
    expect(spec).toBeUndefined();
    expect(new Set(findings.map(({ place }) => place?.file))).toEqual(new Set(['dir/vm.yaml']));
    // what breaches the schema is left out, and the rules speak of the rest: here the two things that must be there
    // are wrong themselves, so they cannot
    expect(findings.map(lineOf)).toEqual([
      '5:21 error spec.schema: cpu has an unknown key `cores`',
      '10:5 error spec.schema: interfaces[0] has an unknown key `queuepairs`; did you mean `queuePairs`?',
      '13:15 error spec.schema: interfaces[1].rootPort must be at most 28; got 30',
      '2:7 error spec.schema: name must be of the form ^[A-Za-z][A-Za-z0-9_.-]{0,62}$; got "web 1"',
      '1:16 error spec.schema: schemaVersion must be 1; got 2',
    ]);
    const fixed = text.replace('schemaVersion: 2', 'schemaVersion: 1').replace('web 1', 'web1');
    expect(loadSpec(fixed, 'vm.yaml').findings.map(lineOf)).toEqual([
      '5:21 error spec.schema: cpu has an unknown key `cores`',
      '15:5 error spec.disk-source: a disk has either `file` or `vdpa`; got neither',
      '15:11 error spec.reserved-id: id pcie.0 is taken by the machine itself',
      '10:5 error spec.schema: interfaces[0] has an unknown key `queuepairs`; did you mean `queuePairs`?',
      "9:10 error spec.multicast-mac: a NIC's MAC address must be unicast (even first byte); got 53:54:00:12:34:56",
      '11:9 error spec.duplicate-id: id net0 is taken by net0 already',
      '13:15 error spec.schema: interfaces[1].rootPort must be at most 28; got 30',
      '12:11 error spec.vdpa-device-shared: vDPA device vp0 is taken by net0 already: /dev/vhost-vdpa-N can be opened once',
      '4:9 error spec.memory-granularity: memory must be a multiple of 1 MiB below 8 PiB; got 1000001 bytes',
      '5:15 warning spec.cpu-not-migratable: CPU model host is whatever the host has: the guest can move only between equal hosts',
    ]);
  });

  test('a warning does not keep a spec from being used', () => {
    const { spec, findings } = loadSpec(`${specHead}cpu: {model: max}`, 'vm.yaml');
    expect(findings.map(lineOf)).toEqual([
      '5:14 warning spec.cpu-not-migratable: CPU model max is whatever the host has: the guest can move only between equal hosts',
    ]);
    expect(spec?.cpu.model).toBe('max');
  });

  test('place finds the line of a finding that is made later', () => {
    const { place } = loadSpec(`${specHead}interfaces:\n  - id: net0\n    vdpa: vp0\n`, 'vm.yaml');
    const later = { code: 'plan.x', severity: 'error' as const, message: 'm' };
    expect(place({ ...later, path: '/interfaces/0/vdpa' }).place).toEqual({ file: 'vm.yaml', line: 7, column: 11 });
    // where there is no such key: the nearest thing around it
    expect(place({ ...later, path: '/interfaces/0/mac' }).place).toEqual({ file: 'vm.yaml', line: 6, column: 5 });
    expect(place({ ...later, path: '/accelerator' }).place).toEqual({ file: 'vm.yaml', line: 1, column: 1 });
  });

  test('of a text that is no YAML there is no place to find', () => {
    const { place } = loadSpec('{', 'vm.yaml');
    const finding = { code: 'x', severity: 'error' as const, path: '/a', message: 'm' };
    expect(place(finding)).toBe(finding);
  });
});

describe('syntax', () => {
  test.each<[what: string, text: string, lines: string[]]>([
    ['a duplicate key', 'name: a\nmemory: 1\nname: b\n', ['3:1 error spec.syntax: Map keys must be unique']],
    ['a tab', 'cpu:\n\tcount: 1\n', ['2:1 error spec.syntax: Tabs are not allowed as indentation']],
    [
      'an unclosed list',
      'a: [1\n',
      ['2:1 error spec.syntax: Flow sequence in block collection must be sufficiently indented and end with a ]'],
    ],
    [
      'a tag that would make an object',
      'name: !!js/function x\n',
      ['1:7 error spec.syntax: Unresolved tag: tag:yaml.org,2002:js/function'],
    ],
    ['two documents', 'name: a\n---\nname: b\n', ['2:1 error spec.syntax: More than one YAML document']],
    [
      'two errors at once',
      'a: 1\na: 2\nb: 1\nb: 2\n',
      ['2:1 error spec.syntax: Map keys must be unique', '4:1 error spec.syntax: Map keys must be unique'],
    ],
  ])('%s', (_, text, lines) => {
    expect(loadSpec(text, 'vm.yaml').spec).toBeUndefined();
    expect(findingsIn(text, '')).toEqual(lines);
  });

  test('a message cannot steer the terminal', () => {
    const [line = ''] = findingsIn('a: *\u001b[31mx\n', '');
    expect(line).not.toMatch(/\u001b/);
  });
});

describe('texts that are meant to hurt', () => {
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...'bcdefghi'.split('').map((name, index) => `${name}: &${name} [${`*${'abcdefgh'[index]!},`.repeat(9)}]`),
  ].join('\n');
  test.each<[what: string, text: string, message: string]>([
    ['100,000 lists in lists', '['.repeat(100_000), 'vm.yaml: cannot be read as YAML: nested too deeply'],
    [
      '3,000 lists in lists, all closed',
      '['.repeat(3000) + ']'.repeat(3000),
      'vm.yaml: cannot be read as YAML: nested too deeply',
    ],
    ['mappings in mappings', '{a: '.repeat(3000), 'vm.yaml: cannot be read as YAML: nested too deeply'],
    ['block lists in block lists', '- '.repeat(50_000), 'vm.yaml: cannot be read as YAML: nested too deeply'],
    [
      'a billion laughs',
      bomb,
      'vm.yaml: cannot be read as YAML: Excessive alias count indicates a resource exhaustion attack',
    ],
    [
      'an alias inside of itself',
      `${specHead}migration: {hosts: [&a [*a], &b [*b]]}`,
      'vm.yaml: cannot be read as YAML: an alias stands inside of what it names',
    ],
    [
      'an alias of nothing',
      'name: *x',
      'vm.yaml: cannot be read as YAML: Unresolved alias (the anchor must be set before the alias): x',
    ],
    ['more than 1 MiB', `name: ${'a'.repeat(2 ** 20)}`, 'vm.yaml: larger than 1048576 bytes (1048582)'],
  ])('%s', (_, text, message) => {
    const started = performance.now();
    const load = (): unknown => loadSpec(text, 'vm.yaml');
    expect(load).toThrow(VdpaQemuError);
    expect(load).toThrow(expect.objectContaining({ code: 'bad-input', message }) as Error);
    expect(performance.now() - started).toBeLessThan(20_000);
  });

  test('keys that name parts of JavaScript are unknown keys, and change nothing', () => {
    expect(findingsIn('__proto__: {polluted: 1}\nconstructor: {prototype: {polluted: 1}}\ntoString: 1\n')).toEqual([
      '5:1 error spec.schema: the document has an unknown key `__proto__`',
      '6:1 error spec.schema: the document has an unknown key `constructor`',
      '7:1 error spec.schema: the document has an unknown key `toString`',
    ]);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('.. also as host names, which may be called so', () => {
    const { spec, findings } = loadSpec(`${specHead}interfaces: [{id: n, vdpa: {constructor: vp0}}]`, 'vm.yaml');
    expect(findings).toEqual([]);
    expect(spec?.interfaces[0]?.vdpa).toEqual({ constructor: 'vp0' });
    expect(findingsIn('interfaces: [{id: n, vdpa: {__proto__: vp0}}]')).toEqual([
      '5:29 error spec.schema: interfaces[0].vdpa has a key that is no valid name: `__proto__`',
    ]);
  });

  test('far too many devices and hosts are told as such, in a moment', () => {
    const started = performance.now();
    const devices = findingsIn(`interfaces: [${'{},'.repeat(20_000)}]`);
    expect(devices[0]).toBe('5:13 error spec.schema: interfaces must NOT have more than 28 items; got a list');
    expect(devices).toHaveLength(59);
    const hosts = Array.from({ length: 20_000 }, (_, index) => `h${index}`).join(',');
    expect(findingsIn(`migration: {hosts: [${hosts}]}`)).toEqual([
      '5:20 error spec.schema: migration.hosts must NOT have more than 10000 items; got a list',
    ]);
    expect(performance.now() - started).toBeLessThan(20_000);
  });

  test('a list where a mapping belongs is not taken for one', () => {
    expect(findingsIn('[]', '')).toEqual(['1:1 error spec.schema: the document must be a mapping; got a list']);
    expect(findingsIn('migration: [a]')).toEqual(['5:12 error spec.schema: migration must be a mapping; got a list']);
  });

  test('no more than 100 breaches of the schema are told, and how many more there are', () => {
    const keys = Array.from({ length: 1500 }, (_, index) => `key${index}: 1\n`).join('');
    const lines = findingsIn(keys);
    expect(lines).toHaveLength(101);
    expect(lines).toContain('1:1 error spec.schema: 1400 more things are wrong');
  });

  test('another document of ours is named, and not taken to pieces', () => {
    const schemas = readdirSync('schemas').filter((name) => name.endsWith('.schema.json'));
    const kinds = schemas.flatMap((name) => {
      const { properties } = JSON.parse(readFileSync(`schemas/${name}`, 'utf8')) as {
        properties?: { kind?: { const?: string } };
      };
      return properties?.kind?.const ?? [];
    });
    expect(kinds.length).toBeGreaterThan(6);
    for (const kind of kinds) {
      expect(loadSpec(`{a: 1, kind: ${kind}}`, 'x').findings).toMatchObject([
        {
          code: 'spec.schema',
          path: '/kind',
          message: `this is a ${kind}, not a VM spec`,
          place: { line: 1, column: 14 },
        },
      ]);
    }
    expect(findingsIn('kind: VmSpec')).toEqual(['5:1 error spec.schema: the document has an unknown key `kind`']);
  });

  test('an alias is handy, and allowed', () => {
    const { findings, spec } = loadSpec(
      `${specHead}interfaces: [{id: a, vdpa: {h: &d vp0}}]\nuuid: &u 12345678-1234-1234-1234-123456789abc\n`,
      'vm.yaml',
    );
    expect(findings).toEqual([]);
    expect(spec?.interfaces[0]?.vdpa).toEqual({ h: 'vp0' });
    expect(findingsIn('interfaces: [&i {id: a, vdpa: vp0}, *i]')).toEqual([
      '5:37 error spec.duplicate-id: id a is taken by a already',
      '5:37 error spec.vdpa-device-shared: vDPA device vp0 is taken by a already: /dev/vhost-vdpa-N can be opened once',
    ]);
  });
});

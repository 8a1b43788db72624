import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { VdpaQemuError } from '../../src/model/error.ts';
import { applySettings } from '../../src/spec/template.ts';

const text = `# a comment that stays
name: vm1
memory: 1GiB
interfaces:
  - id: net0 # so does this one
    vdpa: vp0
`;

const after = (...settings: string[]): unknown => parse(applySettings(text, settings));
const base = { name: 'vm1', memory: '1GiB', interfaces: [{ id: 'net0', vdpa: 'vp0' }] };

describe('a setting', () => {
  test.each<[settings: string[], wanted: unknown]>([
    [[], base],
    [['memory=8GiB'], { ...base, memory: '8GiB' }],
    [['memory=1', 'memory=2'], { ...base, memory: 2 }],
    [['interfaces.0.vdpa=vp1'], { ...base, interfaces: [{ id: 'net0', vdpa: 'vp1' }] }],
    [['interfaces.0.packed=true'], { ...base, interfaces: [{ id: 'net0', vdpa: 'vp0', packed: true }] }],
    [
      ['interfaces.1={id: net1, vdpa: vp1}'],
      { ...base, interfaces: [...base.interfaces, { id: 'net1', vdpa: 'vp1' }] },
    ],
    [['cpu.model=EPYC'], { ...base, cpu: { model: 'EPYC' } }],
    [['cpu={count: 2}', 'cpu.model=EPYC'], { ...base, cpu: { count: 2, model: 'EPYC' } }],
    [['migration.hosts=[a, b]'], { ...base, migration: { hosts: ['a', 'b'] } }],
    [['qmpSocket=/run/a=b'], { ...base, qmpSocket: '/run/a=b' }],
    [['name='], { ...base, name: null }],
    [['name="true"'], { ...base, name: 'true' }],
    [['name=a: b'], { ...base, name: { a: 'b' } }],
  ])('%j', (settings, wanted) => {
    expect(after(...settings)).toEqual(wanted);
  });

  test('leaves the comments', () => {
    expect(applySettings(text, ['memory=8GiB'])).toBe(text.replace('1GiB', '8GiB'));
  });

  test('cannot reach into JavaScript', () => {
    expect(applySettings('name: x', ['__proto__.polluted=1', 'constructor.prototype.polluted=1'])).toBe(
      'name: x\n__proto__:\n  polluted: 1\nconstructor:\n  prototype:\n    polluted: 1\n',
    );
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('an empty text is begun', () => {
    expect(applySettings('', ['name=x'])).toBe('name: x\n');
  });
});

describe('refused', () => {
  test.each<[what: string, setting: string, message: string]>([
    ['no =', 'memory', '--set wants KEY=VALUE; got memory'],
    ['no key', '=8GiB', '--set wants KEY=VALUE; got =8GiB'],
    ['control characters', '\u001b[31m', '--set wants KEY=VALUE; got \\x1b[31m'],
    [
      'a path through a text',
      'name.first=x',
      '--set name.first: Expected YAML collection at name. Remaining path: first',
    ],
    [
      'a word as the index of a list',
      'interfaces.first.vdpa=x',
      '--set interfaces.first.vdpa: Expected a valid index, not first.',
    ],
    ['a value that is no YAML', 'cpu={', '--set cpu: Flow map must end with a }'],
    ['a value with a duplicate key', 'cpu={count: 1, count: 2}', '--set cpu: Map keys must be unique'],
    [
      'an alias',
      'cpu=*x',
      '--set cpu: cannot be read as YAML: Unresolved alias (the anchor must be set before the alias): x',
    ],
    [
      'a value that is nested too deeply',
      `cpu=${'['.repeat(5000)}`,
      '--set cpu: cannot be read as YAML: nested too deeply',
    ],
    ['a path of nine parts', 'a.b.c.d.e.f.g.h.i=1', '--set a.b.c.d.e.f.g.h.i: a path has at most 8 parts'],
    [
      'an index behind the end of a list',
      'interfaces.2.vdpa=x',
      '--set interfaces.2.vdpa: 2 is beyond the list, which has 1 entries',
    ],
    [
      'an index of a list that is not there',
      'disks.1.file=x',
      '--set disks.1.file: 1 is beyond the list, which has 0 entries',
    ],
    [
      'lists in lists',
      `x.${'9999.'.repeat(400)}b=1`,
      `--set x.${'9999.'.repeat(400).slice(0, 78)}: a path has at most 8 parts`,
    ],
  ])('%s', (_, setting, message) => {
    const apply = (): string => applySettings(text, [setting]);
    expect(apply).toThrow(VdpaQemuError);
    expect(apply).toThrow(expect.objectContaining({ code: 'usage', message }) as Error);
  });
});

test('a text that is no YAML is left as it is: whoever reads it next tells what is wrong, and where', () => {
  for (const broken of ['{', 'a: 1\na: 2\n', '['.repeat(3000)]) expect(applySettings(broken, ['name=x'])).toBe(broken);
});

test('a value of very many keys, in bounded time', () => {
  const start = process.cpuUsage();
  applySettings(text, [`x={${Array.from({ length: 12_000 }, (_, n) => `k${n}: 1`).join(', ')}}`]);
  const { user, system } = process.cpuUsage(start);
  expect((user + system) / 1000).toBeLessThan(2000);
});

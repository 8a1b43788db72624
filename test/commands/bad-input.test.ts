/** Input of every wrong kind: exit code 2, one clear message, nothing on standard output, no stack trace. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { main } from '../../src/cli.ts';
import { capturedFile, named, reportWith } from '../report-builder.ts';

const vm = 'examples/quickstart/vm.yaml';
const head = 'schemaVersion: 1\nname: web1\nmachine: pc-q35-10.0\nmemory: 1GiB\n';
const directory = mkdtempSync(join(tmpdir(), 'bad-input-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const folder = join(directory, 'folder');
mkdirSync(folder);

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(...argv: string[]): Promise<Run> {
  let [out, err] = ['', ''];
  const code = await main(argv, { out: (text) => (out += text), err: (text) => (err += text), color: true });
  return { code, out, err };
}
const gen = (...argv: string[]): Promise<Run> => run('gen', ...argv, '--host', capturedFile);

const refusal = (message: string): Run => ({ code: 2, out: '', err: `${message}\n` });
const usage = (message: string): Run => refusal(`vdpa-qemu: ${message} (see vdpa-qemu --help)`);

let count = 0;
function written(text: string | Buffer, name = `file-${count++}`): string {
  const file = join(directory, name);
  writeFileSync(file, text);
  return file;
}

const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]'];
for (const [index, name] of 'bcdefgh'.split('').entries()) {
  bomb.push(`${name}: &${name} [${Array.from({ length: 9 }, () => `*${'abcdefg'[index]!}`).join(',')}]`);
}
const bombed = 'cannot be read as YAML: Excessive alias count indicates a resource exhaustion attack';
const tooDeep = 'cannot be read as YAML: nested too deeply';

describe('a spec', () => {
  test.each<[what: string, text: string, message: string]>([
    ['empty', '', '1:1: error: the document must be a mapping; got null [spec.schema]'],
    ['a comment', '# later\n', '1:1: error: the document must be a mapping; got null [spec.schema]'],
    ['a plain text', 'hello there\n', '1:1: error: the document must be a mapping; got "hello there" [spec.schema]'],
    ['a list', '[]', '1:1: error: the document must be a mapping; got a list [spec.schema]'],
    ['two documents', 'a: 1\n---\nb: 1\n', '2:1: error: More than one YAML document [spec.syntax]'],
    ['cut off', '{"a":', '1:6: error: Flow map must end with a } [spec.syntax]'],
  ])('that is %s', async (_, text, message) => {
    const file = written(text);
    expect(await gen(file)).toEqual(refusal(`${file}:${message}`));
  });

  test.each<[what: string, text: string | Buffer, message: string]>([
    ['a YAML bomb', bomb.join('\n'), bombed],
    ['without an end', 'a: &a [*a]', 'cannot be read as YAML: an alias stands inside of what it names'],
    ['nested 100,000 deep', '['.repeat(100_000), tooDeep],
    ['over 1 MiB', `name: ${'x'.repeat(2 ** 20)}`, 'larger than 1048576 bytes'],
    ['not UTF-8', Buffer.from([0x6e, 0xff, 0xfe]), 'is not UTF-8 text'],
  ])('that is %s', async (_, text, message) => {
    const file = written(text);
    expect(await gen(file)).toEqual(refusal(`vdpa-qemu: ${file}: ${message}`));
  });

  test('with several things wrong: every one, with its line', async () => {
    const file = written(`${head.replace('web1', '5')}colour: red\nmemoty: 1\n`);
    expect(await gen(file)).toEqual(
      refusal(
        [
          `${file}:5:1: error: the document has an unknown key \`colour\` [spec.schema]`,
          `${file}:6:1: error: the document has an unknown key \`memoty\`; did you mean \`memory\`? [spec.schema]`,
          `${file}:2:7: error: name must be a string; got 5 [spec.schema]`,
        ].join('\n'),
      ),
    );
  });

  test('of a strange name: it is read, and its place shown so', async () => {
    const file = written(head.replace('web1', '5'), 'a,"\'\n .yaml');
    expect(await gen(file)).toEqual(
      refusal(`${file.replace('\n', '\\x0a')}:2:7: error: name must be a string; got 5 [spec.schema]`),
    );
  });
});

describe('a report, for gen and for assess', () => {
  test.each<[what: string, text: string | Buffer, message: string]>([
    ['empty', '', 'is empty: no host report in it'],
    ['a plain text', 'hello there\n', 'is no host report: it must be a mapping'],
    ['a spec', head, 'is no host report: its kind is missing, not "HostReport"'],
    [
      'of a newer version',
      JSON.stringify({ ...reportWith(), schemaVersion: 2 }),
      'schemaVersion 2 is newer than this vdpa-qemu reads (1): update vdpa-qemu',
    ],
    ['a YAML bomb', bomb.join('\n'), bombed],
    ['nested 100,000 deep', '['.repeat(100_000), tooDeep],
    ['cut off', '{"kind":', 'is not JSON: Unexpected end of JSON input'],
    ['not UTF-8', Buffer.from([0x7b, 0xff]), 'is not UTF-8 text'],
    [
      'with an unknown key',
      JSON.stringify({ ...reportWith(), 'a,b"\n\u009b': 1 }),
      'the report must NOT have additional properties ("a,b\\"\\n\\x9b"), says schemas/host-report.schema.json',
    ],
    [
      'with a wrong type',
      JSON.stringify({ ...reportWith(), devices: 1 }),
      'devices must be array, says schemas/host-report.schema.json',
    ],
  ])('that is %s', async (_, text, message) => {
    const file = written(text);
    const expected = refusal(`vdpa-qemu: ${file}: ${message}`);
    expect(await run('gen', vm, '--host', file)).toEqual(expected);
    expect(await run('assess', file)).toEqual(expected);
    expect(await run('assess', file, '--json')).toEqual(expected);
  });

  test('the bad one after a good one is named', async () => {
    const file = written('{}');
    expect(await gen(vm, '--host', file)).toEqual(
      refusal(`vdpa-qemu: ${file}: is no host report: its kind is missing, not "HostReport"`),
    );
    const both = written(`${JSON.stringify(reportWith(named('a')))}\n{}\n`);
    expect(await run('assess', both)).toEqual(
      refusal(`vdpa-qemu: ${both} (document 2): is no host report: its kind is missing, not "HostReport"`),
    );
  });
});

describe('a file, for gen and for assess', () => {
  test.each<[what: string, file: string, message: string]>([
    ['a directory', folder, `${folder}: is a directory`],
    ['not there', join(folder, 'x'), `${join(folder, 'x')}: no such file or directory`],
    ['below a file', `${capturedFile}/x`, `${capturedFile}/x: no such file or directory`],
    ['of a strange name', 'a,b"\n\u001b../x', 'a,b"\\x0a\\x1b../x: no such file or directory'],
  ])('that is %s', async (_, file, message) => {
    const expected = refusal(`vdpa-qemu: ${message}`);
    expect(await gen(file)).toEqual(expected);
    expect(await run('gen', vm, '--host', file)).toEqual(expected);
    expect(await run('assess', file)).toEqual(expected);
  });

  test('of a name that no file can have', async () => {
    const { code, out, err } = await run('assess', 'a\0b');
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/^vdpa-qemu: a\\x00b: [^\n]*\n$/);
  });
});

describe('a host', () => {
  test('--on names none of them', async () => {
    expect(await gen(vm, '--on', 'l9')).toEqual(usage('no host l9 in the migration domain (l1)'));
  });

  test('given twice: ran, and found what blocks', async () => {
    expect(await gen(vm, '--host', capturedFile)).toEqual({
      code: 1,
      out: '',
      err: `${vm}:2:1: error: two reports are from a host named l1 [plan.host-twice]\n`,
    });
  });
});

describe('a template or a setting', () => {
  test.each(['', 'net.yaml', '/etc/passwd', '__proto__', 'NET', '\u001b[2J'])('no template %j', async (name) => {
    const shown = name.replace('\u001b', '\\x1b');
    expect(await gen(`--template=${name}`)).toEqual(
      usage(`no template ${shown}; there are: block, migratable, net, net-require`),
    );
  });

  test.each<[setting: string, message: string]>([
    ['nope', '--set wants KEY=VALUE; got nope'],
    ['=1', '--set wants KEY=VALUE; got =1'],
    ['\u001b[2J', '--set wants KEY=VALUE; got \\x1b[2J'],
    ['name=[', '--set name: Flow sequence must end with a ]'],
    [
      'name={a: *b}',
      '--set name: cannot be read as YAML: Unresolved alias (the anchor must be set before the alias): b',
    ],
    ['name.x=1', '--set name.x: Expected YAML collection at name. Remaining path: x'],
    ['interfaces.x=1', '--set interfaces.x: Expected a valid index, not x.'],
  ])('--set %j cannot be done', async (setting, message) => {
    expect(await gen(vm, '--set', setting)).toEqual(usage(message));
  });

  test.each<[setting: string, message: string]>([
    ['name=', '3:7: error: name must be a string; got null'],
    ['schemaVersion=2', '2:16: error: schemaVersion must be 1; got 2'],
    ['interfaces=5', '8:13: error: interfaces must be a list; got 5'],
    ['interfaces.0.queuePairs=two', '13:17: error: interfaces[0].queuePairs must be an integer; got "two"'],
    ['zz=1', '15:1: error: the document has an unknown key `zz`'],
    ['__proto__.x=1', '15:1: error: the document has an unknown key `__proto__`'],
    ...['a,b', "it's", '../x', '"a\\nb"', '"a\\"b"', '-x', '""'].map((name): [string, string] => [
      `name=${name}`,
      `3:7: error: name must be of the form ^[A-Za-z][A-Za-z0-9_.-]{0,62}$; got ${name.startsWith('"') ? name : `"${name}"`}`,
    ]),
  ])('--set %j makes the spec wrong', async (setting, message) => {
    expect(await gen(vm, '--set', setting)).toEqual(refusal(`${vm} with --set:${message} [spec.schema]`));
  });

  test('--set on a text that is no YAML: the text is told', async () => {
    const file = written('{"a":');
    expect(await gen(file, '--set', 'a=1')).toEqual(
      refusal(`${file}:1:6: error: Flow map must end with a } [spec.syntax]`),
    );
  });
});

test('a path with a comma, quotes and .. is no bad input: it reaches QEMU as one value', async () => {
  const { code, out } = await gen(vm, '--json', '--set', `disks.0.file=/a,b"c'/../d`);
  expect(code).toBe(0);
  const blockdev = (JSON.parse(out) as string[]).find((word) => word.startsWith('driver=qcow2'));
  expect(blockdev).toMatch(/,file\.filename=\/a,,b"c'\/\.\.\/d$/);
});

test('a plan obeys the schema that is shipped', async () => {
  const schema = (name: string): object => JSON.parse(readFileSync(`schemas/${name}.schema.json`, 'utf8')) as object;
  const ajv = new Ajv2020({ strict: false });
  for (const name of ['finding', 'guest-abi']) ajv.addSchema(schema(name));
  const validate = ajv.compile(schema('vm-plan'));
  const domain = ['--host', 'examples/migration-domain/l2.json', '--on', 'l1'];
  for (const argv of [[vm], ['examples/vdpa-disk/vm.yaml'], ['examples/migration-domain/vm.yaml', ...domain]]) {
    const { code, out } = await gen(...argv, '--format', 'plan');
    expect(code).toBe(0);
    expect(validate(JSON.parse(out)), JSON.stringify(validate.errors)).toBe(true);
  }
});

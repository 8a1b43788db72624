import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { VmPlan } from '../../src/model/generated/vm-plan.ts';
import validatePlan from '../../src/model/generated/vm-plan.validate.js';
import { capturedFile, host, named, reportWith } from '../report-builder.ts';
import { Files, run } from './command-line.ts';

const spec = 'examples/quickstart/vm.yaml';
const nic = { interfaces: [{ id: 'net0', vdpa: 'vp0' }] };
const enough = host({ lockedMemoryLimit: 'unlimited' });

describe('the three formats', () => {
  test('qemu: the command with what it needs before it, and in JSON the argv', async () => {
    const { code, out, err } = await run('gen', spec, '--host', capturedFile);
    expect(code).toBe(0);
    const [digest, note, program, ...options] = out.split('\n');
    expect(digest).toMatch(/^# guest ABI sha256:[0-9a-f]{64}$/);
    expect(note).toBe(
      '# needs RLIMIT_MEMLOCK 1610612736: as root, start it with prlimit --memlock=1610612736:1610612736',
    );
    expect(program).toBe('/usr/bin/qemu-system-x86_64 \\');
    expect(options.at(-1)).toBe('');
    expect(options.slice(0, -1).every((line) => /^ {2}-\S+( .*)?$/.test(line))).toBe(true);
    expect(err).toBe(
      `${spec}:6:9: warning: QEMU needs to lock 1610612736 bytes on host l1, but the limit of the process that probed it is 8388608 [plan.locked-memory-limit]\n  fix: prlimit --memlock=1610612736:1610612736 as root; libvirt raises it by itself\n`,
    );
    const json = await run('gen', spec, '--host', capturedFile, '--json');
    const argv = JSON.parse(json.out) as string[];
    expect(argv.every((word) => typeof word === 'string')).toBe(true);
    expect(argv.slice(0, 3)).toEqual(['/usr/bin/qemu-system-x86_64', '-name', 'guest=web1,debug-threads=on']);
    expect(argv.join(' ')).toBe(
      out
        .replace(/^(?:#.*\n)+/, '')
        .replaceAll(' \\\n ', '')
        .trimEnd(),
    );
  });

  test('qemu without a vDPA device needs no limit raised', async () => {
    const files = new Files();
    const { code, out, err } = await run('gen', files.spec({}), '--host', capturedFile);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^# guest ABI sha256:[0-9a-f]{64}\n\/usr\/bin\/qemu-system-x86_64 \\\n/);
  });

  test('libvirt: XML, in JSON with its kind', async () => {
    const { code, out } = await run('gen', spec, '--host', capturedFile, '--format', 'libvirt');
    expect(code).toBe(0);
    expect(out).toMatch(/^<domain type='qemu' [^]*<\/domain>\n$/);
    const json = await run('gen', spec, '--host', capturedFile, '--format', 'libvirt', '--json');
    expect(JSON.parse(json.out)).toEqual({ schemaVersion: 1, kind: 'LibvirtDomain', xml: out });
  });

  test.each([[[]], [['--json']]])('plan is JSON by the schema, with keys sorted (%j)', async (more) => {
    const { code, out } = await run('gen', spec, '--host', capturedFile, '--format', 'plan', ...more);
    expect(code).toBe(0);
    const plan = JSON.parse(out) as VmPlan;
    expect(validatePlan(plan)).toBe(true);
    expect(Object.keys(plan)).toEqual(['binding', 'guestAbi', 'guestAbiDigest', 'kind', 'name', 'schemaVersion']);
  });

  test('the same input gives the same bytes', async () => {
    for (const format of ['qemu', 'libvirt', 'plan']) {
      const argv = ['gen', spec, '--host', capturedFile, '--format', format];
      expect(await run(...argv)).toEqual(await run(...argv));
    }
  });
});

describe('hosts', () => {
  test('several, in one file or in many, and --on', async () => {
    const files = new Files();
    const vm = files.spec(nic);
    const both = files.report('both.ndjson', reportWith(named('a'), enough), reportWith(named('b'), enough));
    const a = files.report('a.json', reportWith(named('a'), enough));
    const b = files.report('b.json', reportWith(named('b'), enough));
    const one = await run('gen', vm, '--host', both, '--on', 'b', '--format', 'plan');
    expect(JSON.parse(one.out)).toMatchObject({ binding: { host: 'b' } });
    expect(await run('gen', vm, '--host', a, '--host', b, '--on', 'b', '--format', 'plan')).toEqual(one);
  });

  test('which of several is not said', async () => {
    const files = new Files();
    const both = files.report('both.ndjson', reportWith(named('a')), reportWith(named('b')));
    expect(await run('gen', files.spec(nic), '--host', both)).toEqual({
      code: 2,
      out: '',
      err: 'vdpa-qemu: several hosts (a, b): say with --on which of them to bind to (see vdpa-qemu --help)\n',
    });
  });

  test('a spec file after --host is a spec, not a second host', async () => {
    expect((await run('gen', '--host', capturedFile, spec)).code).toBe(0);
  });
});

describe('templates and settings', () => {
  test('a template with its settings', async () => {
    const set = ['--set', 'interfaces.0.vdpa=vp0', '--set', 'machine=pc-q35-9.2', '--set', 'name=web7'];
    const { code, out } = await run('gen', '--template', 'net', ...set, '--host', capturedFile, '--format', 'plan');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ name: 'web7', guestAbi: { machine: 'pc-q35-9.2' } });
  });

  test('settings on a spec file of one’s own', async () => {
    const { out } = await run('gen', spec, '--set', 'memory=2GiB', '--host', capturedFile, '--format', 'plan');
    expect(JSON.parse(out)).toMatchObject({ guestAbi: { memoryBytes: 2 ** 31 } });
  });

  test('what is wrong in a template is placed in it', async () => {
    const { code, out, err } = await run('gen', '--template', 'net', '--set', 'memory=4GB', '--host', capturedFile);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(
      /^template net with --set:\d+:\d+: error: memory must be valid .*; got "4GB" \[spec.schema\]\n$/,
    );
  });

  const templates = readdirSync('templates').map((name) => name.replace('.yaml', ''));
  test.each<[what: string, argv: string[], message: string]>([
    ['an unknown template', ['--template', 'nix'], `no template nix; there are: ${templates.sort().join(', ')}`],
    [
      'a template that is a path',
      ['--template', '../examples/quickstart/vm'],
      `no template ../examples/quickstart/vm; there are: ${templates.join(', ')}`,
    ],
    ['a spec and a template', [spec, '--template', 'net'], 'give either a SPEC file or --template NAME'],
    ['neither', [], 'give either a SPEC file or --template NAME'],
    ['a setting without =', [spec, '--set', 'memory'], '--set wants KEY=VALUE; got memory'],
    ['a value that is no YAML', [spec, '--set', 'cpu={'], '--set cpu: Flow map must end with a }'],
  ])('%s', async (_, argv, message) => {
    expect(await run('gen', ...argv, '--host', capturedFile)).toEqual({
      code: 2,
      out: '',
      err: `vdpa-qemu: ${message} (see vdpa-qemu --help)\n`,
    });
  });
});

describe('exit codes', () => {
  test('1: the spec is sound, but cannot be had on this host; every finding with its place', async () => {
    const files = new Files();
    const vm = files.spec({ interfaces: [{ id: 'net0', vdpa: 'vp1', hostNotifier: 'require', queuePairs: 2 }] });
    expect(await run('gen', vm, '--host', capturedFile)).toEqual({
      code: 1,
      out: '',
      err: [
        `${vm}:8:19: error: hostNotifier is require, but vp1 on l1 virtqueue 0 (rx0) is unavailable: the doorbell area is not exactly one host page (PCI: BAR 4 + 0x3000, 4 bytes per virtqueue) [plan.host-notifier-required]\n`,
        `${vm}:9:17: error: the spec says 2, but vp1 on l1 has 1 queue pairs, and QEMU takes what the device has [plan.queue-pairs-differ]\n`,
        '  fix: `vdpa dev add` takes no max_vqp for parent driver vp-vdpa: set it where the parent device itself is made, or take what vp1 has into the spec\n',
      ].join(''),
    });
  });

  test('2: the spec is wrong; the report is not even read', async () => {
    const files = new Files();
    const vm = files.spec({ interfaces: [{ id: 'net0' }] });
    expect(await run('gen', vm, '--host', '/nonexistent')).toEqual({
      code: 2,
      out: '',
      err: `${vm}:6:5: error: interfaces[0] lacks the key \`vdpa\` [spec.schema]\n`,
    });
  });
});

describe('--output', () => {
  const generate = (file: string, ...more: string[]) =>
    run('gen', spec, '--host', capturedFile, '--output', file, ...more);

  test('the result goes to the file and nowhere else, and nothing is left beside it', async () => {
    const files = new Files();
    const { out } = await run('gen', spec, '--host', capturedFile);
    expect(await generate(files.at('vm.args'), '--quiet')).toEqual({ code: 0, out: '', err: '' });
    expect(readFileSync(files.at('vm.args'), 'utf8')).toBe(out);
    expect(readdirSync(files.directory)).toEqual(['vm.args']);
  });

  test('--verbose says so', async () => {
    const files = new Files();
    const { err } = await generate(files.at('vm.args'), '--verbose');
    expect(err.split('\n').at(-2)).toBe(`wrote ${files.at('vm.args')}`);
  });

  test('a file that is there is replaced whole, by another file', async () => {
    const files = new Files();
    const file = files.write('vm.args', 'x'.repeat(1_000_000));
    const { ino } = statSync(file);
    expect((await generate(file)).code).toBe(0);
    expect(readFileSync(file, 'utf8')).not.toContain('xxx');
    expect(statSync(file).ino).not.toBe(ino);
  });

  test('- is standard output', async () => {
    expect(await generate('-')).toEqual(await run('gen', spec, '--host', capturedFile));
  });

  test.each<[what: string, body: object, code: number]>([
    ['the spec is wrong', { interfaces: [{}] }, 2],
    ['it cannot be planned', { interfaces: [{ id: 'n', vdpa: 'vp9' }] }, 1],
  ])('where %s, what was there stays', async (_, body, code) => {
    const files = new Files();
    const vm = files.spec(body);
    const kept = files.write('vm.args', 'kept');
    expect((await run('gen', vm, '--host', capturedFile, '--output', kept)).code).toBe(code);
    expect(readFileSync(kept, 'utf8')).toBe('kept');
    await run('gen', vm, '--host', capturedFile, '--output', files.at('new.args'));
    expect(readdirSync(files.directory).sort()).toEqual(['vm.args', 'vm.yaml']);
  });

  test('where it cannot be written: one line, exit code 2, nothing left', async () => {
    const files = new Files();
    mkdirSync(files.at('full'));
    writeFileSync(files.at('full/x'), '');
    for (const [name, why] of [
      ['missing/vm.args', 'no such file or directory'],
      ['full', 'is a directory'],
    ] as const) {
      expect(await generate(files.at(name), '--quiet')).toEqual({
        code: 2,
        out: '',
        err: `vdpa-qemu: ${files.at(name)}: ${why}\n`,
      });
    }
    expect(readdirSync(files.directory)).toEqual(['full']);
    expect(existsSync(files.at('full/x'))).toBe(true);
  });
});

test.each(['\u202e', '\u2028', '\u200b', '\ufeff', '\u{e0041}'])('a path with %j is refused', async (char) => {
  const file = new Files().spec({ disks: [{ id: 'd', file: `/a${char}b` }] });
  const { code, out, err } = await run('gen', file, '--host', capturedFile);
  expect([code, out]).toEqual([2, '']);
  expect(err).toMatch(/error: disks\[0\]\.file must be valid \(an absolute path .*; got "[ -~]*" \[spec\.schema\]\n$/);
});

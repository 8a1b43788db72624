/** The command itself: files, exit codes, formats. */
import { describe, expect, test } from 'vitest';
import validateSchema from '../../src/model/generated/validation.validate.js';
import type { Validation } from '../../src/model/generated/validation.ts';
import { Files, run, runWith } from '../commands/command-line.ts';
import { args, domain, l1, nic } from './samples.ts';

const golden = 'test/golden/quickstart';

describe('exit codes', () => {
  test('0: nothing that blocks', async () => {
    const ran = await run(
      'validate',
      `${golden}/expected.args`,
      `${golden}/expected.xml`,
      '--host',
      'examples/quickstart/host.json',
    );
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toContain('expected.xml: libvirt domain: nothing found');
  });

  test('1: an error', async () => {
    const files = new Files();
    const file = files.write('vm.xml', domain(nic({ more: '<mtu size="9000"/>' })));
    const ran = await run('validate', file, '--quiet');
    expect(ran.code).toBe(1);
    expect(ran.out).toBe(
      `${file}:12:1: error: libvirt refuses <mtu> on an interface of type vdpa: "setting MTU on interface type vdpa is not supported yet" [validate.libvirt-mtu]\n  fix: give the device its MTU (vdpa dev add .. mtu N), or set host_mtu by <qemu:override>\n`,
    );
  });

  test('2: a file cannot be read; the others are checked all the same', async () => {
    const files = new Files();
    const bad = files.write('vm.args', args('rx_queue_size=300'));
    const { code, out } = await run('validate', files.at('none.yaml'), files.directory, bad);
    expect(code).toBe(2);
    expect(out).toMatch(/none\.yaml: error: no such file or directory \[validate\.unreadable\]/);
    expect(out).toMatch(/: error: is a directory \[validate\.unreadable\]/);
    expect(out).toMatch(/validate\.ring-size/);
  });

  test('2: used wrongly', async () => {
    for (const [words, message] of [
      [[], /name the files/],
      [['a', '--json', '--format', 'sarif'], /two formats/],
      [['a', '--as', 'novel'], /as/],
      [[`${golden}/expected.xml`, '--on', 'nowhere'], /no host report is of that host/],
      [['a', '--host', '/nowhere.json'], /no such file/],
    ] as const) {
      const { code, err } = await run('validate', ...words);
      expect(code).toBe(2);
      expect(err).toMatch(message);
    }
  });
});

describe('formats', () => {
  test('--json and --format json are one, and keep to the schema', async () => {
    const [json, format] = await Promise.all([
      run('validate', `${golden}/expected.args`, '--json'),
      run('validate', `${golden}/expected.args`, '--format', 'json'),
    ]);
    expect(json.out).toBe(format.out);
    const validation = JSON.parse(json.out) as Validation;
    expect(validateSchema(validation)).toBe(true);
    expect(validation.files[0]?.digest).toMatch(/^[0-9a-f]{64}$/);
  });

  test('SARIF', async () => {
    const { out, code } = await run('validate', `${golden}/expected.args`, '--format', 'sarif');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ version: '2.1.0' });
  });

  test('colour only on a terminal, and never into a file', async () => {
    const files = new Files();
    const file = files.write('vm.args', args('rx_queue_size=300'));
    expect((await runWith(true, 'validate', file)).out).toContain('\u001b[31merror');
    expect((await runWith(true, 'validate', file, '--no-color')).out).not.toContain('\u001b');
    expect((await run('validate', file)).out).not.toContain('\u001b');
    await runWith(true, 'validate', file, '--output', files.at('out'));
    expect((await run('validate', files.at('out'), '--as', 'spec')).code).toBe(2);
  });
});

test('--with-programs asks them, where they are', async () => {
  const { code, err } = await run('validate', `${golden}/spec.yaml`, '--with-programs');
  expect({ code, err }).toEqual({ code: 0, err: '' });
});

test('many kinds at once, against one host', async () => {
  const files = new Files();
  const report = files.report('host.json', l1);
  const { out } = await run(
    'validate',
    report,
    `${golden}/spec.yaml`,
    files.write('nic.xml', nic()),
    '--host',
    report,
    '--json',
  );
  expect((JSON.parse(out) as Validation).files.map(({ kind }) => kind)).toEqual([
    'host-report',
    'spec',
    'libvirt-interface',
  ]);
});

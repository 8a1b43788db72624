import path from 'node:path';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { Assessment } from '../../src/model/generated/assessment.ts';
import validate from '../../src/model/generated/assessment.validate.js';
import {
  busy,
  capturedFile,
  doorbells,
  host,
  msix,
  named,
  parentDriver,
  reportWith,
  type Edit,
} from '../report-builder.ts';
import { Files, run, runWith } from './command-line.ts';

const octep = parentDriver('vp0', 'octep_vdpa');
const note =
  (severity: 'error' | 'warning' | 'info', message: string): Edit =>
  (report) =>
    void report.notes.push({ code: 'probe.x', severity, path: '/devices/0', message });

describe('the captured host', () => {
  test('as text: each device with its verdict and why', async () => {
    const { code, out, err } = await run('assess', capturedFile);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out.split('\n').filter((line) => line !== '' && !line.startsWith(' '))).toEqual([
      'l1: x86_64, kernel 6.12.107, 4096-byte pages',
      'blk0  block, parent vdpasim_blk, doorbells none: unavailable',
      'sim0  net, parent vdpasim_net, doorbells none: unavailable',
      'vp0  net, parent vp-vdpa, doorbells page-per-vq: safe',
      'vp1  net, parent vp-vdpa, doorbells per-vq-sub-page: unavailable',
    ]);
  });

  test('as JSON: by the schema', async () => {
    const { code, out, err } = await run('assess', capturedFile, '--json');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const assessment = JSON.parse(out) as Assessment;
    expect(validate(assessment)).toBe(true);
    expect(assessment.devices.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual([
      'blk0 unavailable',
      'sim0 unavailable',
      'vp0 safe',
      'vp1 unavailable',
    ]);
  });
});

describe('exit code', () => {
  test.each<[what: string, edits: Edit[], code: number]>([
    ['safe and unavailable', [], 0],
    ['unknown', [busy('vp0'), busy('vp1')], 0],
    ['unsafe', [octep], 1],
    ['unsafe on the control virtqueue alone', [msix('vp0', { tableBar: 4, tableOffset: 0x5000 })], 1],
  ])('%s', async (_, edits, code) => {
    const files = new Files();
    const file = files.report('h.json', reportWith(...edits));
    expect((await run('assess', file)).code).toBe(code);
    expect((await run('assess', file, '--json')).code).toBe(code);
    expect((await run('assess', file, '--json', '--output', files.at('o.json'))).code).toBe(code);
  });
});

describe('several hosts', () => {
  const reports = [reportWith(named('a')), reportWith(named('b'), octep)];

  test('in one file: a text each, in JSON a list', async () => {
    const files = new Files();
    const file = files.report('both.ndjson', ...reports);
    const text = await run('assess', file);
    expect(text.out).toMatch(/^a: x86_64/);
    expect(text.out).toMatch(/\n\nb: x86_64/);
    expect(text.code).toBe(1);
    const json = JSON.parse((await run('assess', file, '--json')).out) as Assessment[];
    expect(json.map((assessment) => [validate(assessment), assessment.host])).toEqual([
      [true, 'a'],
      [true, 'b'],
    ]);
  });

  test('as a YAML stream the same', async () => {
    const files = new Files();
    const yaml = files.write('both.yaml', reports.map((report) => `---\n${stringify(report)}`).join(''));
    expect((await run('assess', yaml)).out).toBe((await run('assess', files.report('both.ndjson', ...reports))).out);
  });
});

describe('colour', () => {
  const escape = '\u001b[';
  test.each<[what: string, terminal: boolean, more: string[], coloured: boolean]>([
    ['on a terminal', true, [], true],
    ['in a pipe', false, [], false],
    ['with --no-color', true, ['--no-color'], false],
    ['in JSON', true, ['--json'], false],
  ])('%s', async (_, terminal, more, coloured) => {
    expect((await runWith(terminal, 'assess', capturedFile, ...more)).out.includes(escape)).toBe(coloured);
  });

  test('not in a file', async () => {
    const files = new Files();
    await runWith(true, 'assess', capturedFile, '--output', files.at('o'));
    expect(readFileSync(files.at('o'), 'utf8')).toBe((await run('assess', capturedFile)).out);
  });
});

describe('the notes of the probe', () => {
  const noted = (): string =>
    new Files().report('h.json', reportWith(note('error', 'bad'), note('warning', 'so-so'), note('info', 'fyi')));
  const line = {
    error: '/devices/0: error: bad [probe.x]\n',
    warning: '/devices/0: warning: so-so [probe.x]\n',
    info: '/devices/0: info: fyi [probe.x]\n',
  };

  test.each<[more: string[], err: string]>([
    [[], line.error + line.warning],
    [['--quiet'], line.error],
    [['--verbose'], line.error + line.warning + line.info],
    [['--json'], ''],
  ])('%j', async (more, err) => {
    expect((await run('assess', noted(), ...more)).err).toBe(err);
  });
});

test('nothing in a report can steer the terminal', async () => {
  const files = new Files();
  const name = 'vp0\u0300\u00a0x';
  const file = files.report(
    'h.json',
    reportWith((report) => void (report.devices[2]!.name = name)),
  );
  expect((await run('assess', file)).out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  const evil = files.write('evil.json', JSON.stringify(reportWith()).replaceAll('"vp0"', '"\\u001b[2Jvp0"'));
  expect(await run('assess', evil)).toEqual({
    code: 2,
    out: '',
    err: `vdpa-qemu: ${evil}: devices[2].name must match pattern "^[^/\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff\\u{e0000}-\\u{e007f}]{1,128}$", says schemas/host-report.schema.json\n`,
  });
});

test('a host without devices', async () => {
  const none: Edit = (report) => void (report.devices = []);
  const file = new Files().report('h.json', reportWith(none, host({ kernelRelease: '6.12.96' })));
  expect(await run('assess', file)).toEqual({
    code: 0,
    out: 'l1: x86_64, kernel 6.12.96, 4096-byte pages\nno vDPA devices\n',
    err: '',
  });
});

describe('--svg and --draw', () => {
  test('a picture of each device in a file, beside the text', async () => {
    const files = new Files();
    const svg = files.at('doorbells.svg');
    const plainly = await run('assess', capturedFile);
    expect(await run('assess', capturedFile, '--svg', svg)).toEqual(plainly);
    expect(readFileSync(svg, 'utf8')).toBe(readFileSync('test/golden/svg/example-quickstart-host.svg', 'utf8'));
    expect((await run('assess', capturedFile, '--svg', svg, '--json', '--verbose')).err).toBe(`wrote ${svg}\n`);
  });

  test('several hosts are in one picture', async () => {
    const files = new Files();
    const both = files.report('both.ndjson', reportWith(named('a')), reportWith(named('b')));
    expect((await run('assess', both, '--svg', files.at('x.svg'), '--quiet')).code).toBe(0);
    expect(readFileSync(files.at('x.svg'), 'utf8')).toMatch(/>a: x86_64[^]*>b: x86_64/);
  });

  test('a file that cannot be written: code 2, one line', async () => {
    const svg = new Files().at('no/such/x.svg');
    expect(await run('assess', capturedFile, '--svg', svg)).toEqual({
      code: 2,
      out: '',
      err: `vdpa-qemu: ${svg}: no such file or directory\n`,
    });
    expect(existsSync(svg)).toBe(false);
  });

  test.each([['-'], ['']])('standard output is for the text, and no name is none: --svg %j', async (svg) => {
    const { code, err } = await run('assess', capturedFile, '--svg', svg);
    expect({ code, err }).toEqual({ code: 2, err: 'vdpa-qemu: --svg takes a file (see vdpa-qemu --help)\n' });
  });

  test('not into the file of --output, which would be lost', async () => {
    const files = new Files();
    const file = files.write('both', 'as it was');
    for (const output of [file, path.join(path.dirname(file), '.', 'both')]) {
      expect(await run('assess', capturedFile, '--svg', file, '--output', output)).toEqual({
        code: 2,
        out: '',
        err: `vdpa-qemu: --svg and --output would write the same file, ${file} (see vdpa-qemu --help)\n`,
      });
    }
    expect(readFileSync(file, 'utf8')).toBe('as it was');
  });

  test('in text with --draw; --verbose adds the other page sizes', async () => {
    const drawn = await run('assess', capturedFile, '--draw');
    expect(drawn.out).toMatch(/^ {2}0x3000 +\[Dn{15}\] .*one doorbell, nothing else: vq 0 rx0: safe$/m);
    expect(drawn.out).toMatch(/^ {2}no drawing: the parent is no PCI function$/m);
    expect(drawn.out).not.toContain('64 KiB pages:');
    const { out } = await run('assess', capturedFile, '--verbose');
    expect(out).toContain(
      '  4 KiB pages (this host): safe: a page of its own; the kernel maps it; QEMU takes this size\n',
    );
    expect(out).toContain(
      '  64 KiB pages: unavailable: a page shared with something else; the kernel would refuse it; QEMU takes none of this size\n',
    );
    expect(out).toContain('Dnnnnnnnnnnnnnnn');
  });
});

test('a kernel that contradicts what is known is told, though the verdict is not changed by it', async () => {
  const files = new Files();
  const file = files.report('h.json', reportWith(doorbells('sim0', 'mapped', 'mapped', 'mapped')));
  const { code, err } = await run('assess', file);
  expect(code).toBe(0);
  expect(err).toBe(
    '/devices/1: warning: sim0: virtqueue 0 (rx0) contradicts what is known of it: our table says that vdpasim_net has no notification area (drivers/vdpa/vdpa_sim/vdpa_sim.c: no get_vq_notification; use_va), but the running kernel maps it; its answer counts; so do 2 more virtqueues of it [assess.contradiction]\n',
  );
});

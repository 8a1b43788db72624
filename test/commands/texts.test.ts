/** What assess, and every finding, look like: src/render/{assessment-text,findings-text,json}.ts. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { assessHost } from '../../src/doorbell/assess.ts';
import { unknown } from '../../src/model/fact.ts';
import type { HostReport } from '../../src/model/generated/host-report.ts';
import { coloured, plain, renderAssessment, type Paint } from '../../src/render/assessment-text.ts';
import { renderFinding } from '../../src/render/findings-text.ts';
import { renderJson } from '../../src/render/json.ts';
import { busy, device, doorbells, host, parentDriver, reportWith, type Edit } from '../report-builder.ts';

const textOf = (report: HostReport, paint: Paint = plain): string =>
  renderAssessment(assessHost(report), report, paint);

const only =
  (...names: string[]): Edit =>
  (report) =>
    void (report.devices = report.devices.filter(({ name }) => names.includes(name)));
const octep = parentDriver('vp0', 'octep_vdpa');

describe('renderAssessment', () => {
  test('of one safe device, whole', () => {
    const page = (vq: number): string =>
      `PCI config space: the page at BAR 4 + 0x${3 + vq}000 is inside the notify capability and holds nothing else`;
    expect(textOf(reportWith(only('vp0')))).toBe(
      [
        'l1: x86_64, kernel 6.12.107, 4096-byte pages',
        '',
        'vp0  net, parent vp-vdpa, doorbells page-per-vq: safe',
        `  the guest's kick may go straight to the device: ${page(0)}`,
        '  vq  role     kernel  verdict  by          reason',
        `  0   rx0      mapped  safe     pci-config  ${page(0)}`,
        `  1   tx0      mapped  safe     pci-config  ${page(1)}`,
        `  2   control  mapped  safe     pci-config  ${page(2)}`,
        '  -> hostNotifier: auto (or require) gives page-per-vq=on',
        '',
      ].join('\n'),
    );
  });

  test('a reason that was just said is not said again', () => {
    const text = textOf(reportWith(only('sim0')));
    expect(text).toMatch(/^ {2}0 {3}rx0 +ENOTSUPP {2}unavailable {2}table {2}parent driver vdpasim_net/m);
    expect(text).toMatch(/^ {2}1 {3}tx0 +ENOTSUPP {2}unavailable {2}table {2}\(as above\)$/m);
    expect(text).toMatch(/^ {2}2 {3}control +ENOTSUPP {2}unavailable {2}table {2}\(as above\)$/m);
  });

  test('whose word each reason is, the one that decided first', () => {
    const noArea = textOf(reportWith(only('sim0'), doorbells('sim0', 'mapped', 'mapped', 'mapped')));
    expect(noArea).toMatch(/^ {2}0 {3}rx0 +mapped {2}unknown {2}pci-config, table {2}nothing vouches /m);
    const large = textOf(reportWith(only('vp0'), host({ pageSize: 65536 })));
    expect(large).toMatch(/^ {2}0 {3}rx0 +mapped {2}unavailable {2}qemu, pci-config {2}the kernel maps it, but QEMU /m);
    const refused = textOf(reportWith(only('vp1')));
    expect(refused).toMatch(/^ {2}0 {3}rx0 +ENOTSUPP {2}unavailable {2}kernel {2}the doorbell area /m);
    const row = { driver: 'newdpa', area: 'page-per-vq', exclusive: 'yes', source: 'manual' } as const;
    const own = reportWith(only('vp0'), device('vp0', { pci: null }), parentDriver('vp0', 'newdpa'));
    const text = renderAssessment(assessHost(own, { parents: [row] }), own, plain);
    expect(text).toMatch(/^ {2}0 {3}rx0 +mapped {2}safe {5}operator {2}that the page /m);
  });

  test('an unsafe device: what not to do, and why', () => {
    const text = textOf(reportWith(only('vp0'), octep));
    expect(text).toMatch(/^vp0 {2}net, parent octep_vdpa, doorbells \S+: unsafe$/m);
    expect(text).toMatch(/^ {2}do not set page-per-vq=on: octep_vdpa: /m);
  });

  test('a device that a VM uses: no table, and what to do', () => {
    const text = textOf(reportWith(only('vp0'), busy('vp0')));
    expect(text).toContain('vp0  net, parent vp-vdpa, doorbells unknown: unknown\n');
    expect(text).toContain('  not known, so not to be trusted: /dev/vhost-vdpa-0: EBUSY\n');
    expect(text).not.toContain('  vq  role');
    expect(text).toContain('  -> a VM uses the device: probe it while it is idle');
  });

  test('a page size, a parent that is not known', () => {
    const no = unknown('EACCES', 'no');
    const report = reportWith(
      only('vp0'),
      host({ pageSize: unknown('ENOSYS', 'sysconf failed') }),
      device('vp0', { parent: no, managementDevice: no }),
    );
    expect(textOf(report)).toMatch(/^l1: x86_64, kernel 6\.12\.107, page size unknown\n\nvp0 {2}net, parent unknown, /);
  });

  test('no devices', () => {
    expect(textOf(reportWith(only()))).toBe('l1: x86_64, kernel 6.12.107, 4096-byte pages\nno vDPA devices\n');
  });

  test('nothing of a hostile report steers the terminal', () => {
    const report = reportWith(only('vp0'));
    report.host.name = 'l1\u001b[2J';
    report.devices[0]!.name = 'vp0\u0007\n';
    const text = textOf(report);
    expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    expect(text).toContain('l1\\x1b[2J: x86_64');
    expect(text).toContain('vp0\\x07\\x0a  net');
  });

  test('each verdict has its colour; without colours it is the same text', () => {
    const report = reportWith(only('vp0', 'vp1', 'sim0'), octep, busy('vp1'));
    const text = textOf(report, coloured);
    expect(text).toMatch(/^sim0 .*: \u001b\[36munavailable\u001b\[0m$/m);
    expect(text).toMatch(/^vp0 .*: \u001b\[31munsafe\u001b\[0m$/m);
    expect(text).toMatch(/^vp1 .*: \u001b\[33munknown\u001b\[0m$/m);
    expect(textOf(reportWith(), coloured)).toMatch(/^vp0 .*: \u001b\[32msafe\u001b\[0m$/m);
    expect(text.replace(/\u001b\[\d+m/g, '')).toBe(textOf(report));
  });
});

describe('renderFinding', () => {
  const finding = { code: 'a.b', severity: 'warning', path: '', message: 'so\u001b it is' } as const;

  test('with a place, with a path only, with neither but a fix', () => {
    const place = { file: 'v\nm.yaml', line: 7, column: 5 };
    expect(renderFinding({ ...finding, path: '/x', place })).toBe('v\\x0am.yaml:7:5: warning: so\\x1b it is [a.b]\n');
    expect(renderFinding({ ...finding, path: '/x/0' })).toBe('/x/0: warning: so\\x1b it is [a.b]\n');
    expect(renderFinding({ ...finding, fix: 'do\nit' })).toBe('warning: so\\x1b it is [a.b]\n  fix: do\\x0ait\n');
  });
});

describe('renderJson', () => {
  test('sorts keys at every depth, keeps the order of lists, ends in a newline', () => {
    expect(renderJson({ b: [{ z: 1, a: null }, 'x'], a: true })).toBe(
      '{\n  "a": true,\n  "b": [\n    {\n      "a": null,\n      "z": 1\n    },\n    "x"\n  ]\n}\n',
    );
  });

  test.each([[null], [5], ['text'], [[]], [{}]])('%j', (value) => {
    expect(renderJson(value)).toBe(`${JSON.stringify(value)}\n`);
  });

  test.each<[what: string, edits: Edit[]]>([
    ['as captured', []],
    ['unsafe', [octep]],
    ['unknown', [busy('vp0'), host({ pageSize: unknown('ENOSYS', 'no') })]],
    ['no devices', [only()]],
    ['a kernel with a hole', [host({ kernelRelease: '6.12.50' })]],
  ])('of an assessment obeys the schema that is shipped: %s', (_, edits) => {
    const ajv = new Ajv2020({ strict: false });
    const schema = (name: string): object => JSON.parse(readFileSync(`schemas/${name}.schema.json`, 'utf8')) as object;
    ajv.addSchema(schema('finding'));
    const validate = ajv.compile(schema('assessment'));
    expect(validate(JSON.parse(renderJson(assessHost(reportWith(...edits))))), JSON.stringify(validate.errors)).toBe(
      true,
    );
  });
});

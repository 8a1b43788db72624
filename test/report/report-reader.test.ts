import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ReportReader } from '../../src/report/report-reader.ts';
import { VdpaQemuError } from '../../src/model/error.ts';
import type { HostReport, QemuCapabilities } from '../../src/model/generated/host-report.ts';
import { identity, named, netConfig, reportWith, type Edit } from '../report-builder.ts';

const bytes = (value: unknown, indent?: number): Buffer => Buffer.from(JSON.stringify(value, null, indent));

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof VdpaQemuError && error.code === 'bad-input') return error.message;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('parts that come again', () => {
  test.each([[undefined], [2]])('give the same report as JSON.parse (indent %s)', (indent) => {
    const reader = new ReportReader();
    const reports = ['a', 'b', 'c'].map((name, index) =>
      reportWith(named(name), netConfig('vp0', { mac: `52:54:00:00:00:0${index}` })),
    );
    for (const report of [...reports, ...reports]) expect(reader.read(bytes(report, indent), 'x')).toEqual(report);
  });

  test('are shared between reports', () => {
    const reader = new ReportReader();
    const [one, two] = ['a', 'b', 'c'].map((name) => reader.read(bytes(reportWith(named(name))), name)).slice(1);
    expect(one!.qemu[0]!.capabilities).toBe(two!.qemu[0]!.capabilities);
  });

  test('are shared whatever the rest of a QEMU is, and each QEMU of a host by itself', () => {
    const reader = new ReportReader();
    const versions = ['10.0.1', '10.0.2', '10.0.3'];
    const of = (round: number): HostReport =>
      reportWith((report) => {
        const { capabilities } = report.qemu[0]!;
        report.qemu = versions.map((version) => ({
          path: `/opt/qemu-${round}/${version}`,
          capabilities: { ...(capabilities as QemuCapabilities), version },
        }));
      });
    const [, one, two] = [1, 2, 3].map((round) => {
      const report = reader.read(bytes(of(round)), 'x');
      expect(report).toEqual(of(round));
      return report;
    });
    for (const index of versions.keys()) {
      expect(one!.qemu[index]!.capabilities).toBe(two!.qemu[index]!.capabilities);
    }
  });

  test('are as good with keys in another order', () => {
    const reader = new ReportReader();
    const { host, ...rest } = reportWith();
    const { version, ...others } = rest.qemu[0]!.capabilities as QemuCapabilities;
    const reordered = { host, ...rest, qemu: [{ capabilities: { version, ...others }, path: '/usr/bin/qemu' }] };
    for (let round = 0; round < 4; round++) expect(reader.read(bytes(reordered), 'x')).toEqual(reordered);
  });

  test('a change in one of them is seen', () => {
    const reader = new ReportReader();
    reader.read(bytes(reportWith()), 'a');
    const edits: Edit[] = [
      (report) => void (report.qemu = []),
      identity('sim0', { features: { unknown: 'EACCES', detail: 'no' } }),
      (report) => void (report.devices[0]!.virtqueues = { unknown: 'EBUSY', detail: 'no' }),
    ];
    for (const edit of edits) {
      const report = reportWith(edit);
      expect(reader.read(bytes(report), 'b')).toEqual(report);
      expect(reader.read(bytes(report), 'b')).toEqual(report);
    }
  });
});

describe('what breaches the schema is refused, however well known its parts are', () => {
  const reader = new ReportReader();
  const good = JSON.stringify(reportWith());
  for (let round = 0; round < 3; round++) reader.read(Buffer.from(good), 'good');
  const capabilities = JSON.stringify(reportWith().qemu[0]!.capabilities);
  const qemu = JSON.stringify(reportWith().qemu);
  const features = JSON.stringify(reportWith().devices[0]!.identity.features);

  test.each([
    ['a known part in the place of another', good.replace(/"virtqueues":\[.*?\]/, `"virtqueues":${features}`)],
    ['a known part in the place of a device', good.replace(/"devices":\[/, `"devices":[${capabilities},`)],
    ['a known part among the keys of a QEMU', good.replace('"path":', `"more":${capabilities},"path":`)],
    ['a known part in a list', good.replace(`"capabilities":${capabilities}`, `"capabilities":[${capabilities}]`)],
    ['a control character in an escape', good.replace('"kernelRelease":"', '"kernelRelease":"\\u001b[31m')],
    ['a control character beyond ASCII', good.replace('"kernelRelease":"', '"kernelRelease":"\u009b')],
    ['DEL', good.replace('"kernelRelease":"', '"kernelRelease":"\u007f')],
    ['a known part where nothing may be', good.replace('"notes":', `"features":${features},"notes":`)],
    ['a member twice, the second of another kind', `${good.slice(0, -1)},"qemu":7}`],
    [
      'a known part in a string',
      good.replace('"notes":[]', `"notes":[{"code":"a","message":"${JSON.stringify(`"qemu":${qemu}`).slice(1, -1)}"}]`),
    ],
    ['a fault elsewhere', good.replace('"kind":"HostReport"', '"kind":"HostReports"')],
    ['cut off', good.slice(0, -1)],
    ['nested too deeply', '['.repeat(200_000)],
    ['no mapping', '[]'],
    ['null', 'null'],
  ])('%s', (_, text) => {
    expect(messageOf(() => reader.read(Buffer.from(text), 'x'))).toMatch(/^x: /);
  });

  test('a member twice, the same: as JSON.parse sees it', () => {
    const twice = good.replace('"notes":', `"qemu":${qemu},"notes":`);
    expect(reader.read(Buffer.from(twice), 'x')).toEqual(JSON.parse(twice));
  });

  test('a text that looks like what is known, but holds a fault, is not remembered', () => {
    const own = new ReportReader();
    const bad = good.replace('"blockdevVirtioBlkVhostVdpa":true', '"blockdevVirtioBlkVhostVdpa":null');
    expect(bad).not.toBe(good);
    for (let round = 0; round < 4; round++) {
      expect(messageOf(() => own.read(Buffer.from(bad), `${round}`))).toMatch(
        /^\d: qemu\[0\]\.capabilities must match a schema in anyOf/,
      );
    }
  });

  test('escapes that are no control characters', () => {
    const report = reportWith((one) => void (one.host.kernelRelease = 'a "b" \\ \\u001b \\\\'));
    for (let round = 0; round < 3; round++) expect(reader.read(bytes(report), 'x')).toEqual(report);
  });

  test('not UTF-8', () => {
    expect(messageOf(() => reader.read(Buffer.from([0x7b, 0xff, 0x7d]), 'x'))).toBe('x: is not UTF-8 text');
  });

  test('names that need UTF-8', () => {
    const report = reportWith((one) => void (one.devices[0]!.name = 'vdpä漢😀'));
    expect(reader.read(bytes(report), 'x')).toEqual(report);
  });

  test('any edit of the text is taken or refused just as without memory', () => {
    const start = good.length;
    fc.assert(
      fc.property(
        fc.nat(start),
        fc.nat(40),
        fc.constantFrom('', '"', '[]', '{}', features, capabilities, '\\', '"qemu":[]'),
        (at, cut, put) => {
          const text = good.slice(0, at) + put + good.slice(at + cut);
          const read = (one: ReportReader): string => {
            try {
              return JSON.stringify(one.read(Buffer.from(text), 'x'));
            } catch (error) {
              return (error as Error).message;
            }
          };
          expect(read(reader)).toBe(read(new ReportReader()));
        },
      ),
      { numRuns: 300, seed: 7 },
    );
  });
});

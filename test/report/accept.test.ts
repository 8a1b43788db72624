/** The quick acceptor says yes only where the validator does: to a report with any edit. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import accepts from '../../src/model/generated/host-report.accept.js';
import validate from '../../src/model/generated/host-report.validate.js';
import { reportWith } from '../report-builder.ts';

type Json = Record<string | number, unknown>;

const text = JSON.stringify(
  reportWith((report) => {
    report.notes = [{ code: 'a.b', severity: 'info', path: '/x', message: 'm', fix: 'f', evidence: { a: 1, b: null } }];
  }),
);

/** Every object and list of a document. */
function containersOf(node: unknown): Json[] {
  if (typeof node !== 'object' || node === null) return [];
  return [node as Json, ...Object.values(node).flatMap(containersOf)];
}

const count = containersOf(JSON.parse(text)).length;

/** JSON has no way to write Infinity, but 1e999 is read as it. */
const values: unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 53,
  JSON.parse('1e999'),
  '',
  'x',
  '0x0',
  '0X0',
  '/x',
  'a/b',
  'mapped',
  'opened',
];
values.push(
  '\u0000',
  'a\u007f',
  'a\n',
  '\u0085',
  'ä',
  'x'.repeat(129),
  'x'.repeat(2001),
  '😀'.repeat(1500),
  [],
  {},
  [1],
);
values.push(
  { unknown: 'EACCES', detail: '' },
  { unknown: '', detail: '' },
  { bits: '0x0', names: [] },
  { refused: 'EINVAL' },
);

/** As src/report/report-reader.ts finds out from the bytes. */
const isPlain = (document: unknown): boolean => !/[^ -~]|\\[^"\\]/.test(JSON.stringify(document));

function expectAsStrict(document: unknown): void {
  const strict = validate(document);
  const plain = isPlain(document);
  expect(accepts(document, false) && !strict, 'accepted, though the validator refuses it').toBe(false);
  if (plain) expect(accepts(document, true) && !strict, 'accepted as plain').toBe(false);
}

test('a report is accepted, plain or not', () => {
  expect([accepts(JSON.parse(text), true), accepts(JSON.parse(text), false)]).toEqual([true, true]);
});

test('any edit', () => {
  const key = fc.constantFrom('x', '__proto__', 'constructor', 'unknown', 'qemu', 'name', 'mtu', '0');
  fc.assert(
    fc.property(
      fc.nat(count - 1),
      fc.nat(),
      fc.nat(2),
      fc.constantFrom(...values),
      key,
      (at, which, how, value, name) => {
        const document: unknown = JSON.parse(text);
        const container = containersOf(document)[at] ?? {};
        const keys = Object.keys(container);
        const known = keys[which % Math.max(1, keys.length)] ?? name;
        const place = how === 2 ? name : known;
        if (how === 0 && !Array.isArray(container)) Reflect.deleteProperty(container, place);
        else Object.defineProperty(container, place, { value, enumerable: true, configurable: true, writable: true });
        expectAsStrict(document);
      },
    ),
    { numRuns: 1500, seed: 11 },
  );
});

describe('bounds', () => {
  type Report = ReturnType<typeof reportWith>;
  const propertiesOf = ({ qemu }: Report): Record<string, unknown> =>
    (qemu[0]!.capabilities as { deviceProperties: Record<string, unknown> }).deviceProperties;
  const fill = (report: Report, size: number): void => {
    const properties = propertiesOf(report);
    for (let index = 0; Object.keys(properties).length < size; index++) properties[`x${index}`] = null;
  };

  test.each<[what: string, edit: (report: Report) => void, taken: boolean]>([
    ['64 device types', (report) => fill(report, 64), true],
    ['65 device types', (report) => fill(report, 65), false],
    ['a device type with a capital', (report) => void (propertiesOf(report)['X'] = null), false],
    ['a text of 2000', (report) => void (report.host.kernelRelease = 'x'.repeat(2000)), true],
    ['a text of 2001', (report) => void (report.host.kernelRelease = 'x'.repeat(2001)), false],
    ['65 QEMUs', (report) => void (report.qemu = Array.from({ length: 65 }, () => report.qemu[0]!)), false],
    ['a page size that is no multiple', (report) => void (report.host.pageSize = 4097), false],
    ['evidence that is infinite', (report) => void (report.notes = [note({ a: Infinity })]), false],
    ['evidence that is a list', (report) => void (report.notes = [note({ a: [] as never })]), false],
  ])('%s', (_, edit, taken) => {
    const report = reportWith();
    edit(report);
    expect([accepts(report, true), accepts(report, false), validate(report)]).toEqual([taken, taken, taken]);
  });

  const note = (evidence: Record<string, number>): Report['notes'][number] => ({
    code: 'a',
    severity: 'info',
    path: '',
    message: '',
    evidence,
  });
});

test('what it refuses though the validator takes it is left to the validator: 1500 characters in 3000 units', () => {
  const report = reportWith((one) => void (one.host.kernelRelease = '😀'.repeat(1500)));
  expect([accepts(report, false), validate(report)]).toEqual([false, true]);
});

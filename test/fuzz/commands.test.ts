/** Every command that reads a file, on changed files: an exit code, nothing raw on either stream, no fault of ours. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Files, run } from '../commands/command-line.ts';
import { capturedFile } from '../report-builder.ts';
import { around, golden, jsonLeaves, withLeaves, xmlLeaves } from './inputs.ts';

const total = Number(process.env['VDPA_QEMU_FUZZ'] ?? 1800);
const runs = Math.max(10, Math.ceil(total / 60));

const raw = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;
const reports = fc.oneof(
  withLeaves([JSON.stringify(JSON.parse(readFileSync(capturedFile, 'utf8')))], jsonLeaves),
  around([readFileSync(capturedFile, 'utf8')]),
);
const args = around(golden('expected.args'));
const xml = fc.oneof(around(golden('expected.xml')), withLeaves(golden('expected.xml'), xmlLeaves));
const plans = withLeaves(golden('expected.plan.json'), jsonLeaves);
const specs = around(golden('spec.yaml'));
const guests = fc.oneof(args, xml, plans, specs);
const vm = 'test/golden/quickstart/expected.args';

/** [what, texts, the command lines on a file of one] */
const commands: readonly (readonly [string, fc.Arbitrary<string>, (file: string) => string[][]])[] = [
  [
    'validate',
    guests,
    (file) => [
      ['validate', file, '--host', capturedFile, '--verbose'],
      ['validate', file, '--json'],
    ],
  ],
  ['guest-abi', guests, (file) => [['guest-abi', file, '--host', capturedFile, '--verbose']]],
  [
    'gen',
    specs,
    (file) => ['qemu', 'libvirt', 'plan'].map((format) => ['gen', file, '--host', capturedFile, '--format', format]),
  ],
  ['check-migration of', guests, (file) => [['check-migration', file, '--to', capturedFile, '--from', capturedFile]]],
  ['check-migration to', reports, (file) => [['check-migration', vm, '--to', file, '--verbose']]],
  [
    'assess',
    reports,
    (file) => [
      ['assess', file, '--verbose', '--svg', `${file}.svg`],
      ['assess', file, '--json'],
    ],
  ],
  ['baseline', reports, (file) => [['baseline', file, capturedFile, '--verbose']]],
  ['validate a report', reports, (file) => [['validate', file, '--format', 'sarif']]],
  [
    '--parents',
    around([readFileSync('docs/parents-example.yaml', 'utf8')]),
    (file) => [['assess', capturedFile, '--parents', file]],
  ],
];

describe(`commands, ${runs} files each`, () => {
  test.each(commands)(
    '%s',
    async (_, texts, linesOf) => {
      const files = new Files();
      await fc.assert(
        fc.asyncProperty(texts, async (text) => {
          const file = files.write('fuzzed', text);
          for (const argv of linesOf(file)) {
            const { code, out, err } = await run(...argv);
            expect([0, 1, 2]).toContain(code);
            expect(err).not.toContain('internal error');
            expect(out + err).not.toMatch(raw);
          }
        }),
        { numRuns: runs },
      );
    },
    60_000 + runs * 1000,
  );
});

/** docs/migration.md lists the rules as they are. UPDATE_GOLDEN=1 rewrites its table. */
import { readFileSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';
import { expect, test } from 'vitest';
import { rules } from '../../src/migration/rules/index.ts';
import { updateGolden } from '../golden.ts';

const file = 'docs/migration.md';
const place = /<!-- rules -->\n[^]*<!-- \/rules -->/;

test('the table of rules', async () => {
  const rows = rules.map(
    ({ code, severity, effect, asks, source }) => `| ${code} | ${severity} | ${effect} | ${asks} | ${source} |`,
  );
  const table = [
    '| code | severity | effect | what is asked | source |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
  const before = readFileSync(file, 'utf8');
  const text = before.replace(place, () => `<!-- rules -->\n\n${table}\n\n<!-- /rules -->`);
  const after = await format(text, { parser: 'markdown', printWidth: 120, proseWrap: 'preserve' });
  if (updateGolden) writeFileSync(file, after);
  else expect(after).toBe(before);
});

test('every code is there once', () => {
  const codes = rules.map(({ code }) => code);
  expect(new Set(codes).size).toBe(codes.length);
  for (const code of codes) expect(code).toMatch(/^migration\.[a-z]+(-[a-z]+)*$/);
});

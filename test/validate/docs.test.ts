/** docs/validate.md lists the rules as they are in the code, and the README shows what the command prints. */
import { readFileSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';
import { expect, test } from 'vitest';
import { validationRules } from '../../src/validate/rules/index.ts';
import { run } from '../commands/command-line.ts';
import { updateGolden } from '../golden.ts';

const file = 'docs/validate.md';
const mark = '<!-- rules: ';

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('*', '\\*');

test('the rules', async () => {
  const text = readFileSync(file, 'utf8');
  const head = text.slice(0, text.indexOf('\n', text.indexOf(mark)) + 1);
  const rows = validationRules.map(
    ({ code, severity, needsHost, asks, source }) =>
      `| ${code} | ${severity} | ${needsHost === true ? 'yes' : ''} | ${cell(asks)} | ${cell(source)} |`,
  );
  const table = [
    '| code | severity | needs `--host` | what is asked | source |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ];
  const whole = await format(`${head}\n${table.join('\n')}\n`, { parser: 'markdown', printWidth: 120 });
  if (updateGolden) writeFileSync(file, whole);
  else expect(text).toBe(whole);
});

test('each rule stands once where its behaviour was seen, and the tests named there exist', () => {
  const text = readFileSync(file, 'utf8').replaceAll('\\*', '*');
  const section = text.slice(text.indexOf('## Rules'), text.indexOf(mark));
  const rows = [...section.matchAll(/^- (`(test\/.*?)`.*): (.*)$/gm)].map(([, where = '', path = '', list = '']) => ({
    where,
    path,
    codes: list.split(', '),
  }));
  const seen = rows.flatMap((row) => row.codes);
  const unseen = /Not seen in a running program: (.*)/.exec(section)?.[1] ?? '';
  const codes = validationRules.map(({ code }) => code.replace('validate.', ''));
  expect(codes.filter((code) => !seen.includes(code) && !new RegExp(`\\b${code}\\b`).test(unseen))).toEqual(
    codes.filter((code) => code.startsWith('report-')),
  );
  expect(unseen).toContain('report-*');
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen.filter((code) => !codes.includes(code))).toEqual([]);
  for (const { where, path, codes: named } of rows) {
    const more = path.includes('fidelity') ? readFileSync('test/fidelity/variants.ts', 'utf8') : '';
    const test = readFileSync(path, 'utf8') + more;
    const titles = [...where.matchAll(/"([^"]+)"/g)].map(([, title]) => title);
    for (const title of titles) expect(test).toContain(title);
    // a test says which rule it is for, by its code or by `validate.machine-*`
    const group = (code: string): string => `validate.${code.split('-', 1).join('')}-*`;
    if (titles.length === 0 && !path.includes('doorbell'))
      expect(named.filter((code) => !test.includes(`validate.${code}`) && !test.includes(group(code)))).toEqual([]);
  }
});

test('the README shows what validate finds in the faulty example', async () => {
  const readme = readFileSync('README.md', 'utf8');
  const [, words = '', output = ''] = /\$ vdpa-qemu (validate [^\n]*)\n```\n\n```text\n([^]*?)```/.exec(readme) ?? [];
  const ran = await run(...words.split(' '));
  expect(ran.code).toBe(1);
  if (updateGolden)
    writeFileSync(
      'README.md',
      readme.replace(output, () => ran.out),
    );
  else expect(ran.out).toBe(output);
});

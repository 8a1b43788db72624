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

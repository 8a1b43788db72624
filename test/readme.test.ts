/** Runs what the README shows, and compares with the output that it shows. UPDATE_GOLDEN=1 rewrites that output. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { updateGolden } from './golden.ts';

interface Shown {
  readonly language: string;
  readonly code: string;
  readonly output: string;
}

const block = /<!-- run -->\n+```(\w+)\n([^]*?)```\n+```text\n([^]*?)```\n/g;
const readme = readFileSync('README.md', 'utf8');
const shown: Shown[] = [...readme.matchAll(block)].map(([, language = '', code = '', output = '']) => ({
  language,
  code,
  output,
}));

function run({ language, code }: Shown): string {
  if (language === 'js') return runModule(code);
  const words = code
    .trim()
    .replace(/^\$ vdpa-qemu /, '')
    .split(/\s+/);
  return outputOf(['dist/bin.js', ...words]);
}

/** The package's own name resolves to dist/ from a file inside the package. */
function runModule(code: string): string {
  const file = 'test/.readme-example.mjs';
  writeFileSync(file, code);
  try {
    return outputOf([file]);
  } finally {
    rmSync(file);
  }
}

function outputOf(args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

test('the README shows commands and the library', () => {
  expect(shown.map(({ language }) => language)).toEqual(['console', 'console', 'console', 'console', 'js']);
});

test.each(shown)('README: $code', (example) => {
  const output = run(example);
  if (updateGolden) {
    const before = readFileSync('README.md', 'utf8');
    const [head, tail] = [`\`\`\`${example.language}\n${example.code}\`\`\`\n\n\`\`\`text\n`, '```\n'];
    writeFileSync(
      'README.md',
      before.replace(head + example.output + tail, () => head + output + tail),
    );
  } else expect(output).toBe(example.output);
});

test('every command of the README table is in --help, and the other way round', () => {
  const help = outputOf(['dist/bin.js', '--help']);
  const inHelp = [...help.matchAll(/^ {2}vdpa-qemu ([a-z-]+)/gm)]
    .map(([, name]) => name)
    .filter((name) => name !== 'completion');
  const inReadme = [...readme.matchAll(/^\| `vdpa-qemu ([a-z-]+)/gm)].map(([, name]) => name);
  expect(inReadme).toEqual(inHelp);
});

test('help is plain ASCII, which the bundle counts on when it lays it out', () => {
  const help = outputOf(['dist/bin.js', '--help']);
  const commands = [...help.matchAll(/^ {2}vdpa-qemu ([a-z-]+)/gm)].map(([, name = '']) => name);
  const texts = [
    help,
    ...commands.filter((name) => name !== 'completion').map((name) => outputOf(['dist/bin.js', name, '--help'])),
  ];
  for (const text of texts) expect(text).toMatch(/^[\n\x20-\x7e]+$/);
});

test('installed as the README says it is on the path', () => {
  expect(readme).toContain('`npm install --global .`');
  const prefix = mkdtempSync(join(tmpdir(), 'install-'));
  try {
    // --ignore-scripts: what is built already is not built again, beside the other tests
    const words = ['install', '--global', '--prefix', prefix, '--ignore-scripts', '--no-audit', '--no-fund', '.'];
    const { status, stderr } = spawnSync('npm', words, { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    const installed = spawnSync(join(prefix, 'bin/vdpa-qemu'), ['--version'], { encoding: 'utf8' });
    expect(installed.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  } finally {
    rmSync(prefix, { recursive: true, force: true });
  }
});

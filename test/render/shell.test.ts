import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { renderCommand } from '../../src/render/shell.ts';

/** What a real shell makes of a command. */
function wordsOf(text: string): string[] {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', `printf '%s\\0' ${text}`], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.split('\0').slice(0, -1);
}

test.each([
  [[], '\n'],
  [['qemu'], 'qemu\n'],
  [['qemu', '-nodefaults', '-m', 'size=1k'], 'qemu \\\n  -nodefaults \\\n  -m size=1k\n'],
  [['/opt/q 1/qemu', '-a', "it's"], "'/opt/q 1/qemu' \\\n  -a 'it'\\''s'\n"],
  [['-qemu', 'x', 'y'], '-qemu x y\n'],
  [['qemu', '-x', ''], "qemu \\\n  -x ''\n"],
  [['qemu', '-a b', '$HOME'], "qemu \\\n  '-a b' '$HOME'\n"],
])('%j is written %j', (argv, text) => expect(renderCommand(argv)).toBe(text));

test('a real shell reads back the same words', () => {
  const unit = fc.oneof(
    fc.constantFrom('-', ' ', "'", '"', '\\', '\n', '\\\n', '$(', '`', '*', '~', '#', ';', '&', '=', ','),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }).filter((char) => char !== '\0'),
  );
  fc.assert(
    fc.property(fc.array(fc.string({ unit }), { minLength: 1, maxLength: 8 }), (argv) => {
      expect(wordsOf(renderCommand(argv))).toEqual(argv);
    }),
    { numRuns: 150 },
  );
});

import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { shellQuote } from '../../src/model/shell-quote.ts';

/** What a real shell makes of a command's words. */
export function wordsOf(text: string): string[] {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', `printf '%s\\0' ${text}`], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`sh: ${stderr}`);
  return stdout.split('\0').slice(0, -1);
}

describe('shellQuote', () => {
  test.each([
    ['/dev/vhost-vdpa-0', '/dev/vhost-vdpa-0'],
    ['id=net0,mac=52:54:00:12:34:56,addr=0x2.0x1', 'id=net0,mac=52:54:00:12:34:56,addr=0x2.0x1'],
    ['a_b@c%d+e', 'a_b@c%d+e'],
    ['', "''"],
    ['a b', "'a b'"],
    ["it's", `'it'\\''s'`],
    ['$HOME', "'$HOME'"],
    ['a\nb', "'a\nb'"],
    ['ü', "'ü'"],
    ['~', "'~'"],
  ])('%j is written %s', (argument, quoted) => {
    expect(shellQuote(argument)).toBe(quoted);
  });

  test.each(Array.from('[]!^{}~*?$`"\\|&;<>()# \t\n'))('%j is quoted: some shell acts upon it', (char) => {
    for (const word of [char, `a${char}b`, `${char}a,b${char}`]) expect(shellQuote(word)).toBe(`'${word}'`);
  });

  test('a real shell reads back what was written, whatever it was', () => {
    const nasty = fc.constantFrom(
      ' ',
      "'",
      '"',
      '\\',
      '$',
      '`',
      '!',
      '*',
      '?',
      '[',
      '~',
      '#',
      '&',
      ';',
      '|',
      '<',
      '(',
      '{',
      '\n',
      '\t',
      '=',
      '-',
    );
    const character = fc.oneof(
      nasty,
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }).filter((char) => char !== '\0'),
    );
    fc.assert(
      fc.property(fc.array(fc.string({ unit: character }), { minLength: 1, maxLength: 8 }), (args) => {
        expect(wordsOf(args.map(shellQuote).join(' '))).toEqual(args);
      }),
      { numRuns: 150 },
    );
  });
});

/** When docs/truth/doorbell.md counts as stale; the lab writes it and asks (test/lab/doorbell-truth.lab.test.ts). */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { newLines, sectionsOf } from './lab/truth-file.ts';

const text = `# Truth

## one, 4K

| device | mmap | assess | with own word | notifiers predicted | notifiers in QEMU | agrees |
| --- | --- | --- | --- | --- | --- | --- |
| zoo-4k | mapped | unknown | safe | [0] | [0] | yes |

## two, 64K

| device | mmap | assess | with own word | notifiers predicted | notifiers in QEMU | agrees |
| --- | --- | --- | --- | --- | --- | --- |
| zoo-4k | ENOTSUPP | unavailable | unavailable | [] | [] | yes |
`;
const sections = sectionsOf(text);
const one = sections.get('one, 4K')!;
const two = sections.get('two, 64K')!;

test('a platform has the lines of its own section', () => {
  expect([...sections.keys()]).toEqual(['one, 4K', 'two, 64K']);
  expect(newLines(one, one)).toEqual([]);
  expect(newLines(one.replace('| [0] | yes', '| not started | yes'), one)).toEqual([]);
});

test('a line that another platform has is new to this one', () => {
  expect(newLines(two, one)).toEqual(['| zoo-4k | ENOTSUPP | unavailable | unavailable | [] | [] | yes |']);
  expect(newLines(one, '')).toHaveLength(3);
});

test('the file that is kept has a section per platform', () => {
  expect(sectionsOf(readFileSync('docs/truth/doorbell.md', 'utf8')).size).toBe(4);
});

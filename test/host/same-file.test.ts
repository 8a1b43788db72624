import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { isSameFile } from '../../src/host/same-file.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'same-file-'));
const at = (name: string): string => path.join(directory, name);
writeFileSync(at('there'), '');
symlinkSync('there', at('link'));
symlinkSync('.', at('loop'));

test.each<[one: string, other: string, same: boolean]>([
  ['there', 'there', true],
  ['there', 'link', true],
  ['there', './loop/../there', true],
  ['not-yet', 'not-yet', true],
  ['not-yet', 'loop/not-yet', true],
  ['not-yet', 'there', false],
  ['no/such/file', 'no/such/file', true],
  ['no/such/file', 'no/such/other', false],
])('%s and %s: %s', (one, other, same) => {
  expect(isSameFile(at(one), at(other))).toBe(same);
});

test('relative to where we are', () => {
  expect(isSameFile('package.json', path.resolve('package.json'))).toBe(true);
});

import { expect, test } from 'vitest';
import { documentLabel, standardInput } from '../../src/model/standard-input.ts';

test('standard input has a name in messages, and one for the program that no file can have', () => {
  expect(documentLabel(standardInput)).toBe('standard input');
  expect(documentLabel('vm.yaml')).toBe('vm.yaml');
  expect(standardInput).toContain('\0');
});

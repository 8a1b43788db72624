import { describe, expect, test } from 'vitest';
import { messageOf, VdpaQemuError } from '../../src/model/error.ts';

describe('VdpaQemuError', () => {
  test('facts as fields', () => {
    const cause = new Error('ENOENT');
    const error = new VdpaQemuError('not-found', 'no such file', { cause, details: ['a', 'b'] });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'VdpaQemuError', code: 'not-found', message: 'no such file', cause });
    expect(error.details).toEqual(['a', 'b']);
  });

  test('without a cause it has none, not even an undefined one', () => {
    const error = new VdpaQemuError('usage', 'say what to do');
    expect('cause' in error).toBe(false);
    expect(error.details).toEqual([]);
  });
});

describe('messageOf: the first line of whatever was thrown', () => {
  test.each<[what: string, thrown: unknown, message: string]>([
    ['an error', new Error('first\nsecond'), 'first'],
    ['a string', 'text\nmore', 'text'],
    ['undefined', undefined, 'undefined'],
    ['an error without a message', new Error(), ''],
  ])('%s', (_, thrown, message) => {
    expect(messageOf(thrown)).toBe(message);
  });
});

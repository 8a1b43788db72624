import { openSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { errnoName, errnoOf } from '../../src/host/errno.ts';
import { systemError } from './fixtures.ts';

describe('errnoName', () => {
  test.each([
    [1, 'EPERM'],
    [11, 'EAGAIN'],
    [16, 'EBUSY'],
    [25, 'ENOTTY'],
    [95, 'EOPNOTSUPP'],
    [105, 'ENOBUFS'],
    [524, 'ENOTSUPP'],
    [1234, 'ERRNO1234'],
    [-3, 'ERRNO3'],
  ])('%i is %s', (errno, name) => {
    expect(errnoName(errno)).toBe(name);
  });
});

describe('errnoOf', () => {
  test('names what node:fs threw', () => {
    let thrown: unknown;
    try {
      openSync('/nowhere/at/all', 'r');
    } catch (error) {
      thrown = error;
    }
    expect(errnoOf(thrown)).toBe('ENOENT');
  });

  test('knows 524, for which node has no name', () => {
    expect(errnoOf(systemError('Unknown system error -524', 524))).toBe('ENOTSUPP');
  });

  test('takes the code where there is no number', () => {
    expect(errnoOf(Object.assign(new Error('x'), { code: 'EINVAL' }))).toBe('EINVAL');
  });

  test.each([new Error('plain'), 'text', undefined, Object.assign(new Error('x'), { code: 'ERR_INVALID_ARG' })])(
    'gives nothing for %s',
    (thrown) => {
      expect(errnoOf(thrown)).toBeUndefined();
    },
  );
});

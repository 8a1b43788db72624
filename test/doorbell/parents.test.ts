import { describe, expect, test } from 'vitest';
import { knowledgeOf, parents } from '../../src/doorbell/parents.ts';

describe('the table of parent drivers', () => {
  test('names each driver once', () => {
    const names = parents.map(({ driver }) => driver);
    expect(names).toEqual([...new Set(names)]);
  });

  test.each(parents.map((row) => [row.driver, row] as const))('%s: the word of a kernel source file', (_, row) => {
    expect(row.source).toMatch(/^drivers\/vdpa\/.+\.c/);
    // who works on virtual addresses has no hardware behind, and so no doorbell
    if (row.usesVirtualAddress) expect(row.area).toBe('none');
  });

  test('only octeon_ep is known to export a page that is not all doorbell', () => {
    expect(parents.filter(({ hazard }) => hazard !== undefined).map(({ driver }) => driver)).toEqual(['octep_vdpa']);
  });
});

describe('knowledgeOf', () => {
  test('vp-vdpa', () => {
    expect(knowledgeOf('vp-vdpa')).toMatchObject({ area: 'virtio-notify-capability', usesVirtualAddress: false });
  });
  test('vduse', () => {
    expect(knowledgeOf('vduse')).toMatchObject({ area: 'none', usesVirtualAddress: true });
  });
  test.each([null, '', 'newdpa', 'toString', 'VP-VDPA'])('%j is not in it', (driver) => {
    expect(knowledgeOf(driver)).toBeUndefined();
  });
});

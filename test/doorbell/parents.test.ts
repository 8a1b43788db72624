import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { kernelVersionOf } from '../../src/doorbell/kernel-version.ts';
import { kernels, knowledgeOf, parents } from '../../src/doorbell/parents.ts';
import validate from '../../src/model/generated/parent-knowledge.validate.js';

const version = (kernelRelease: string) => kernelVersionOf({ kernelRelease });

describe('the table of parent drivers', () => {
  test('keeps to its schema', () => {
    const table: unknown = JSON.parse(readFileSync('src/doorbell/parents.json', 'utf8'));
    validate(table);
    expect(validate.errors ?? []).toEqual([]);
  });

  test('the rows of a driver cover every kernel version, each once', () => {
    for (const driver of new Set(parents.map((row) => row.driver))) {
      const rows = parents.filter((row) => row.driver === driver);
      expect(rows[0]?.kernels?.from, driver).toBeUndefined();
      expect(rows.at(-1)?.kernels?.before, driver).toBeUndefined();
      for (const [index, row] of rows.slice(1).entries()) {
        expect(row.kernels?.from, driver).toBe(rows[index]?.kernels?.before);
        expect(row.kernels?.from, driver).toBeDefined();
      }
    }
  });

  test.each(parents.map((row) => [`${row.driver} ${JSON.stringify(row.kernels ?? {})}`, row] as const))(
    '%s: says everything, by a kernel source file',
    (_, row) => {
      expect(row.source).toMatch(/^drivers\/vdpa\/.+\.c/);
      expect(row.device).toBeUndefined();
      expect(row).toMatchObject({
        area: expect.any(String) as string,
        usesVirtualAddress: expect.any(Boolean) as boolean,
        accepts: expect.any(Array) as string[],
      });
      // who works on virtual addresses has no hardware behind, and so no doorbell
      if (row.usesVirtualAddress) expect(row.area).toBe('none');
      // what size it reports decides what the kernel answers
      expect(row.size === undefined).toBe(row.area === 'none');
      expect(row.hazard === undefined).toBe(row.exclusive !== 'no');
      if (row.area === 'none') expect(row.exclusive).toBe('unknown');
      if (row.exclusive === 'pci-config') expect(row.area).toBe('virtio-notify-capability');
    },
  );

  test('only octeon_ep is known to export a page that is not all doorbell', () => {
    expect(parents.filter(({ hazard }) => hazard !== undefined).map(({ driver }) => driver)).toEqual(['octep_vdpa']);
  });

  test('only mlx5 vouches for its page with its own word', () => {
    const vouching = parents.filter(({ exclusive }) => exclusive === 'yes');
    expect(vouching.map(({ driver }) => driver)).toEqual(['mlx5_core', 'mlx5_core.sf']);
    for (const row of vouching) expect(row).toMatchObject({ area: 'shared-page', controlArea: 'none' });
  });

  test('each defect of a kernel says where it is mended, and in what the source is', () => {
    expect(Object.keys(kernels).sort()).toEqual(['doorbell.kernel-caching', 'host.kernel-index-overrun']);
    for (const { source, fixedIn } of Object.values(kernels)) {
      expect(source).toMatch(/^drivers\/vhost\/vdpa\.c: /);
      expect(fixedIn.length).toBeGreaterThan(0);
    }
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
  test.each<[release: string, area: string]>([
    ['5.10.223', 'none'],
    ['5.13.19', 'none'],
    ['5.14.1', 'shared-page'],
    ['6.12.107', 'shared-page'],
    // a distribution hides what it has of newer kernels
    ['4.18.0-553.el8_10.x86_64', 'shared-page'],
    ['5.4.0-200-generic', 'shared-page'],
    ['vendor', 'shared-page'],
  ])('mlx5 on %s: %s', (release, area) => {
    expect(knowledgeOf('mlx5_core', version(release))?.area).toBe(area);
  });
});

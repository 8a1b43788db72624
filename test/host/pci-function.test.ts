import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseResource, readPciFunction } from '../../src/host/pci-function.ts';
import { l1Roots, plant, temporaryDirectory } from './fixtures.ts';

const line = (start: string, end: string, flags: string) =>
  `0x${start.padStart(16, '0')} 0x${end.padStart(16, '0')} 0x${flags.padStart(16, '0')}`;
const none = line('0', '0', '0');

describe('parseResource', () => {
  test('memory and I/O BARs; the upper half of a 64-bit BAR, unassigned ones and the ROM are left out', () => {
    const lines = [
      line('c000', 'c01f', '40101'),
      line('fe000000', 'fe000fff', '40200'),
      line('0', 'fff', '20040200'), // IORESOURCE_UNSET
      none,
      line('380000000000', '3800007fffff', '14220c'),
      none,
      line('fe800000', 'fe83ffff', '46200'), // ROM
    ];
    expect(parseResource(lines.join('\n'))).toEqual([
      { index: 0, start: '0xc000', size: '0x20', kind: 'io' },
      { index: 1, start: '0xfe000000', size: '0x1000', kind: 'memory' },
      { index: 4, start: '0x380000000000', size: '0x800000', kind: 'memory' },
    ]);
  });

  test.each(['', 'garbage', '0x1 0x2', '0x1 0x2 0x3 0x4', `0x${'f'.repeat(17)} 0x0 0x200`])(
    '%j is malformed',
    (text) => {
      expect(parseResource(text)).toMatchObject({ unknown: 'malformed' });
    },
  );

  test('an end before the start, and the whole address space, are no BAR', () => {
    expect(parseResource(line('2000', '1fff', '200'))).toEqual([]);
    expect(parseResource(line('0', 'f'.repeat(16), '200'))).toEqual([]);
  });
});

describe('readPciFunction', () => {
  test('a captured function', () => {
    expect(readPciFunction(path.join(l1Roots.sysfsRoot, 'devices/pci0000:00/0000:00:05.0'))).toMatchObject({
      address: '0000:00:05.0',
      vendor: '0x1af4',
      device: '0x1041',
      bars: [
        { index: 1, size: '0x1000', kind: 'memory' },
        { index: 4, size: '0x4000', kind: 'memory' },
      ],
      capabilities: { msix: { vectors: 4 } },
    });
  });

  test.each(['100000000:00:04.0', '0000:00:24.0', 'x'])('%s is no address that a report holds', (name) => {
    expect(readPciFunction(`/sys/devices/${name}`)).toMatchObject({ unknown: 'not-supported' });
  });

  test('files that are missing or wrong are facts with reasons', () => {
    const root = temporaryDirectory();
    const directory = path.join(root, '0000:00:01.0');
    expect(readPciFunction(directory)).toMatchObject({ unknown: 'ENOENT' });
    plant(directory, { vendor: '0x15b3\n' });
    expect(readPciFunction(directory)).toMatchObject({ unknown: 'ENOENT' });
    plant(directory, { device: '0x101e\n' });
    expect(readPciFunction(directory)).toEqual({
      address: '0000:00:01.0',
      vendor: '0x15b3',
      device: '0x101e',
      bars: expect.objectContaining({ unknown: 'ENOENT' }) as object,
      capabilities: expect.objectContaining({ unknown: 'ENOENT' }) as object,
    });
    plant(directory, { vendor: 'none\n' });
    expect(readPciFunction(directory)).toMatchObject({ unknown: 'malformed' });
  });
});

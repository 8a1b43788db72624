/** Every row of the table against the macros of <linux/vhost.h>, as this machine's C compiler sees them. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import { encodedSize } from '../../src/host/libc.ts';
import { ioc, vhostIoctls, type Direction } from '../../src/host/vhost-ioctl.ts';
import { compile, noCompiler } from './compiler.ts';

const rows = Object.values(vhostIoctls);
const directions: readonly Direction[] = ['none', 'write', 'read', 'read-write'];

/** name -> request, size and direction of each macro that the header has; or why there is no header to ask. */
function askHeader(): Map<string, { request: number; size: number; direction: Direction }> | string {
  const why = noCompiler();
  if (why !== undefined) return why;
  const prints = rows.map(
    ({ name }) => `#ifdef ${name}
  printf("%s %lu %lu %lu\\n", "${name}", (unsigned long)${name}, (unsigned long)_IOC_SIZE(${name}), (unsigned long)_IOC_DIR(${name}));
#endif`,
  );
  const source = `#include <stdio.h>\n#include <linux/vhost.h>\nint main(void) {\n${prints.join('\n')}\n  return 0;\n}\n`;
  const directory = mkdtempSync(path.join(os.tmpdir(), 'vdpa-qemu-test-'));
  try {
    const program = path.join(directory, 'header');
    compile(source, program);
    const lines = execFileSync(program, { encoding: 'utf8' }).trim().split('\n');
    return new Map(
      lines.map((line) => {
        const [name = '', request, size, direction] = line.split(' ');
        return [
          name,
          { request: Number(request), size: Number(size), direction: directions[Number(direction)] ?? 'none' },
        ];
      }),
    );
  } catch (error) {
    return `<linux/vhost.h> does not compile here: ${String(error).split('\n')[0] ?? ''}`;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

describe('the C header', () => {
  let header: ReturnType<typeof askHeader>;
  beforeAll(() => void (header = askHeader()));

  test.for(rows)('$name', (row, { skip }) => {
    if (typeof header === 'string') return skip(header);
    const macro = header.get(row.name);
    if (macro === undefined) return skip(`the header of this machine is older than Linux ${row.since}: not compared`);
    expect({ request: row.request, size: row.size, direction: row.direction }).toEqual(macro);
  });
});

// From the table that was compiled from the header of Linux 7.1: an anchor where the header is old or absent.
test.each([
  [vhostIoctls.getFeatures, 0x8008af00],
  [vhostIoctls.setVringAddr, 0x4028af11],
  [vhostIoctls.setStatus, 0x4001af72],
  [vhostIoctls.getVringNum, 0x8002af76],
  [vhostIoctls.getVringGroup, 0xc008af7b],
  [vhostIoctls.suspend, 0x0000af7d],
  [vhostIoctls.resume, 0x0000af7e],
  [vhostIoctls.getVringDescGroup, 0xc008af7f],
  [vhostIoctls.getVqsCount, 0x8004af80],
  [vhostIoctls.getVringSize, 0xc008af82],
])('$name', (row, request) => {
  expect(row.request).toBe(request);
});

test('each number occurs once, and the sizes are those in the numbers', () => {
  expect(new Set(rows.map(({ request }) => request)).size).toBe(rows.length);
  for (const row of rows) expect(encodedSize(row.request), row.name).toBe(row.size);
});

test('ioc() gives unsigned numbers', () => {
  expect(ioc('read-write', 0xaf, 0xff, 0x3fff)).toBe(0xffffafff);
});

/**
 * The truth table of live migration: what really becomes of a guest, cell by cell (migration-cells.ts), beside what was
 * seen before. With LAB_CAPTURE=DIRECTORY the outcomes are kept there, and the report of the host they were seen on,
 * made before any VM ran; what is kept there already gets another run. With LAB_CELLS=REGEX only the cells whose name matches are run.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chosen, whatIsLeftOut } from './extent.ts';
import { images, missing } from './images.ts';
import { bootL1, type L1 } from './l1.ts';
import { migrateOnce, renew, type Cell } from './migrate.ts';
import { cellDevices, cells, seenBefore } from './migration-cells.ts';
import { recordText, withRun, type RecordedCell } from './migration-record.ts';
import { copyEmulator } from './old-qemu.ts';
import { productOk } from './product.ts';
import { Table } from './table.ts';

const why = missing();
const captureTo = process.env['LAB_CAPTURE'];
const wanted = new RegExp(process.env['LAB_CELLS'] ?? '');
/** One cell of each outcome, for the usual run. */
const oneOfAKind = new Set([
  'identical',
  'page-per-vq on -> off',
  's0 -> s-no-ctrl',
  'machine pc-q35-9.2 -> pc-q35-10.0',
  'vp_vdpa as it is',
  'vp_vdpa -> vp_vdpa',
  'device busy',
  'notifiers -> notifiers',
  'notifiers -> none',
]);

describe.skipIf(why.length > 0)(`live migration in L1 ${why.join(', ')}`, () => {
  const table = new Table();
  let record: readonly RecordedCell[] = [];
  let kernel = '';
  let l1: L1;

  beforeAll(async () => {
    l1 = await bootL1({ ...(await images()), devices: cellDevices });
    await copyEmulator(l1, 'qemu-7.2');
    kernel = (await l1.ok(['uname', '-r'])).trim();
    if (captureTo === undefined) return;
    mkdirSync(captureTo, { recursive: true });
    if (existsSync(join(captureTo, 'outcomes.json')))
      record = JSON.parse(readFileSync(join(captureTo, 'outcomes.json'), 'utf8')) as RecordedCell[];
    const report = await productOk(l1, [
      'probe',
      '--quiet',
      '--qemu',
      '/usr/bin/qemu-system-x86_64',
      '--qemu',
      '/usr/local/bin/qemu-7.2',
    ]);
    writeFileSync(join(captureTo, 'l1.json'), report);
  });
  afterAll(async () => {
    console.log(`live migration\n${table.toString()}${whatIsLeftOut()}`);
    await l1.close();
  });

  const asked = cells.filter(({ name }) => wanted.test(name));
  test.each(chosen('migration.lab.test.ts', asked, ({ name }) => oneOfAKind.has(name)))('$name', async (cell: Cell) => {
    const real = await migrateOnce(l1, cell).finally(() => renew(l1, cell, cellDevices));
    record = withRun(record, cell, real, kernel);
    if (captureTo !== undefined) writeFileSync(join(captureTo, 'outcomes.json'), recordText(record));
    const seen = seenBefore(cell.name);
    table.add(cell.name, seen.includes(real.outcome) ? real.outcome : seen.join(' or '), real.outcome);
    expect(seen, [...real.lost, real.text.error, real.text.source, real.text.destination].join('\n')).toContain(
      real.outcome,
    );
  });
});

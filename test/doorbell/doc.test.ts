/** The tables in docs/doorbell.md are those of the data. UPDATE_GOLDEN=1 rewrites them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { format } from 'prettier';
import { parseParents } from '../../src/doorbell/parse-parents.ts';
import { kernels, parents } from '../../src/doorbell/parents.ts';
import type { KernelRange } from '../../src/model/generated/parent-knowledge.ts';
import { updateGolden } from '../golden.ts';

const file = 'docs/doorbell.md';

function rangeWords({ from, before, upstream }: KernelRange): string {
  const words = [from === undefined ? '' : `from ${from}`, before === undefined ? '' : `before ${before}`];
  return `${words.filter((word) => word !== '').join(' ')}${upstream ? " (upstream's and Debian's)" : ''}`;
}

function table(rows: readonly (readonly string[])[]): string {
  const [head = [], ...rest] = rows;
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rest.map(line)].join('\n');
}

const parentTable = table([
  ['parent driver', 'kernels', 'area', 'who vouches that the page is exclusive', '`vdpa dev add`', 'to know', 'source'],
  ...parents.map((row) => [
    row.driver,
    row.kernels === undefined ? 'all' : rangeWords(row.kernels),
    `${row.area ?? 'unknown'}${row.controlArea === 'none' ? ', none for the control virtqueue' : ''}`,
    row.area === 'none'
      ? ''
      : { yes: "the driver's word", no: 'it is not', 'pci-config': 'PCI config space', unknown: 'nobody' }[
          row.exclusive
        ],
    (row.accepts ?? []).join(', ') || 'none',
    [row.hazard, row.pageSizes, row.remark].filter((text) => text !== undefined).join('; '),
    row.source,
  ]),
]);

const kernelTable = table([
  ['finding', 'on', 'the kernel', 'affected', 'sound', 'source'],
  ...Object.values(kernels).map((row) => [
    row.code,
    `${row.architectures?.join(', ') ?? 'all'}${row.spared === undefined ? '' : `; not on ${row.spared.join(', ')}; elsewhere not known`}`,
    row.defect,
    row.affected.map(rangeWords).join(', '),
    row.sound.map(rangeWords).join(', '),
    row.source,
  ]),
]);

test('docs/doorbell.md shows the data', async () => {
  const before = readFileSync(file, 'utf8');
  const section = (text: string, name: string, body: string): string =>
    text.replace(
      new RegExp(`(<!-- ${name} -->)[^]*(<!-- /${name} -->)`),
      (_, open: string, close: string) => `${open}\n\n${body}\n\n${close}`,
    );
  const wanted = await format(section(section(before, 'parents', parentTable), 'kernels', kernelTable), {
    parser: 'markdown',
  });
  if (updateGolden) writeFileSync(file, wanted);
  else expect(before).toBe(wanted);
});

test('the row that it shows can be used', () => {
  const [, example = ''] = /```yaml\n([^]*?)```/.exec(readFileSync(file, 'utf8')) ?? [];
  expect(parseParents(example, file)).toMatchObject([{ driver: 'newdpa', exclusive: 'yes' }]);
});

/**
 * The drawings of doorbell pages. test/golden/svg keeps one per layout; UPDATE_GOLDEN=1 rewrites them, and then they
 * are to be looked at in a browser. Last done with Chromium 156 on page-per-vq, contradiction and octeon-in-use: green
 * pages only where the badge says safe, a grey one under unknown, no page at all for octeon_ep; no text cut off or over
 * another, doorbells at the left edge of their pages, the legend whole.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { assessHost } from '../../src/doorbell/assess.ts';
import { barMapOf } from '../../src/doorbell/bar-map.ts';
import { unknown } from '../../src/model/fact.ts';
import type { HostReport } from '../../src/model/generated/host-report.ts';
import { renderBarSvg, renderBarSvgs } from '../../src/render/bar-svg.ts';
import { renderBarText } from '../../src/render/bar-text.ts';
import { bytesInWords, clip } from '../../src/render/bar-words.ts';
import { updateGolden } from '../golden.ts';
import {
  addCapability,
  bar,
  busy,
  capability,
  device,
  deviceOf,
  doorbells,
  host,
  msix,
  parentDriver,
  queuePairs,
  refused,
  reportWith,
  virtqueuesOf,
  type Edit,
} from '../report-builder.ts';

const only =
  (...names: string[]): Edit =>
  (report) =>
    void (report.devices = report.devices.filter(({ name }) => names.includes(name)));
const no = refused('ENOTSUPP');
const unaligned = refused('EINVAL');

/** Layouts that the captured host has not, each on one device. */
const layouts: Record<string, Edit[]> = {
  'page-per-vq': [only('vp0')],
  '4-byte': [only('vp1')],
  '2-byte': [only('vp1'), capability('vp1', 'notify', { notifyOffMultiplier: 2 })],
  'shared-page': [
    only('vp0'),
    parentDriver('vp0', 'ifcvf'),
    capability('vp0', 'notify', { notifyOffMultiplier: 0, length: 0x1000 }),
  ],
  'registers-in-the-page': [
    only('vp0'),
    addCapability('vp0', { type: 'vendor', bar: 4, offset: 0x3800, length: 0x40 }),
  ],
  'last-4k-of-a-bar': [
    only('vp1'),
    parentDriver('vp1', 'ifcvf'),
    capability('vp1', 'notify', { notifyOffMultiplier: 0 }),
    doorbells('vp1', 'mapped', 'mapped', 'mapped'),
  ],
  'msix-in-the-page': [only('vp0'), msix('vp0', { tableBar: 4, tableOffset: 0x4800, pbaBar: 4, pbaOffset: 0x4c00 })],
  'beyond-the-bar': [only('vp0'), bar('vp0', 4, { size: '0x4800' })],
  undeclared: [only('vp0'), capability('vp0', 'notify', { length: 0x2800 })],
  'beside-another-bar': [
    only('vp1'),
    bar('vp1', 1, { start: '0xfe804000' }),
    bar('vp1', 4, { start: '0xfe805000' }),
    doorbells('vp1', no, unaligned, unaligned),
  ],
  'many-virtqueues': [only('vp0'), queuePairs('vp0', 32)],
  octeon: [only('vp0'), parentDriver('vp0', 'octep_vdpa')],
  'octeon-in-use': [only('vp0'), parentDriver('vp0', 'octep_vdpa'), busy('vp0')],
  'octeon-64k': [only('vp0'), parentDriver('vp0', 'octep_vdpa'), host({ pageSize: 65536 })],
  'unknown-parent': [only('vp0'), parentDriver('vp0', 'newdpa')],
  contradiction: [only('vp0'), capability('vp0', 'notify', { notifyOffMultiplier: 0 })],
  'arm64-cacheable': [only('vp0'), host({ architecture: 'aarch64', kernelRelease: '6.12.74' })],
  'arm64-not-known': [only('vp0'), host({ architecture: 'aarch64', kernelRelease: '6.6.50' })],
  'page-of-64k': [
    only('vp0'),
    host({ pageSize: 65536 }),
    capability('vp0', 'notify', { offset: 0x10000, length: 0x30000, notifyOffMultiplier: 65536 }),
  ],
  'in-use': [only('vp0'), busy('vp0')],
  'no-pci': [
    only('vp0'),
    device('vp0', { pci: null }),
    parentDriver('vp0', 'mlx5_core'),
    doorbells('vp0', 'mapped', 'mapped', no),
  ],
  'no-devices': [only()],
};

const examples = ['quickstart/host.json', 'migration-domain/l2.json'];
const cases: Record<string, HostReport> = {
  ...Object.fromEntries(Object.entries(layouts).map(([name, edits]) => [name, reportWith(...edits)])),
  ...Object.fromEntries(
    examples.map((name) => [
      `example-${name.replace('/', '-').replace('.json', '')}`,
      JSON.parse(readFileSync(`examples/${name}`, 'utf8')) as HostReport,
    ]),
  ),
};

const svgOf = (report: HostReport): string => renderBarSvg(report, assessHost(report));
const textOf = (name: string, ...edits: Edit[]): string => {
  const report = reportWith(...edits);
  const position = report.devices.findIndex((found) => found.name === name);
  return renderBarText(report.devices[position]!, assessHost(report).devices[position]!);
};

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly text: string;
}

/** Every text of a drawing with the room that it takes; also proves that the tags are paired. */
function textsOf(svg: string): { boxes: Box[]; width: number; height: number } {
  const boxes: Box[] = [];
  const open: { name: string; shift: number }[] = [];
  let size = { width: 0, height: 0 };
  const tag = /<(\/?)([a-z]+)((?: [a-zA-Z:-]+='[^'<&]*(?:&[a-z#0-9]+;[^'<&]*)*')*)(\/?)>([^<]*)/gy;
  let at = 0;
  for (const [whole, closing, name = '', attributes = '', empty, content = ''] of svg.matchAll(tag)) {
    at += whole.length;
    if (closing) {
      expect(open.pop()?.name).toBe(name);
      continue;
    }
    const get = (key: string): number => Number(new RegExp(` ${key}='([^']*)'`).exec(attributes)?.[1]);
    const shift = Number(/translate\(0 (-?\d+)\)/.exec(attributes)?.[1] ?? 0);
    if (name === 'svg') size = { width: get('width'), height: get('height') };
    if (name === 'text') {
      const font = get('font-size') || 12;
      const text = content
        .replaceAll('&lt;', '<')
        .replaceAll('&gt;', '>')
        .replaceAll('&apos;', "'")
        .replaceAll('&quot;', '"')
        .replaceAll('&amp;', '&');
      const width = text.length * font * 0.6021;
      const left = attributes.includes("text-anchor='middle'") ? get('x') - width / 2 : get('x');
      const y = open.reduce((sum, parent) => sum + parent.shift, get('y'));
      expect(font).toBeGreaterThanOrEqual(11);
      boxes.push({ x: left, y: y - font * 0.8, width, height: font, text });
    }
    if (!empty) open.push({ name, shift });
  }
  expect(at).toBe(svg.length);
  expect(open).toEqual([]);
  return { boxes, ...size };
}

describe('golden drawings', () => {
  test('every file is a case here', () => {
    const wanted = Object.keys(cases).map((name) => `${name}.svg`);
    if (!updateGolden) expect(readdirSync('test/golden/svg').sort()).toEqual(wanted.sort());
  });

  test.each(Object.entries(cases))('%s', (name, report) => {
    const svg = svgOf(report);
    const file = `test/golden/svg/${name}.svg`;
    if (updateGolden) writeFileSync(file, svg);
    else expect(svg).toBe(readFileSync(file, 'utf8'));
    expect(svgOf(structuredClone(report))).toBe(svg);
  });

  test.each(Object.entries(cases))('%s: paired tags, no text over another, none outside', (_, report) => {
    const { boxes, width, height } = textsOf(svgOf(report));
    expect(boxes.length).toBeGreaterThan(5);
    for (const [index, one] of boxes.entries()) {
      expect(one.x).toBeGreaterThanOrEqual(0);
      expect(one.x + one.width, one.text).toBeLessThanOrEqual(width);
      expect(one.y + one.height).toBeLessThanOrEqual(height);
      for (const other of boxes.slice(index + 1)) {
        const apart =
          one.x + one.width <= other.x ||
          other.x + other.width <= one.x ||
          one.y + one.height <= other.y ||
          other.y + other.height <= one.y;
        expect(apart, `${one.text} / ${other.text}`).toBe(true);
      }
    }
  });
});

test('several hosts stand one below the other', () => {
  const hosts = [reportWith(only('vp0')), reportWith(only('vp1'), host({ name: 'l2' }))];
  const svg = renderBarSvgs(hosts.map((report) => ({ report, assessment: assessHost(report) })));
  expect(textsOf(svg).boxes.map(({ text }) => text)).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^l1: /),
      expect.stringMatching(/^l2: /),
      expect.stringMatching(/^vp1: /),
    ]) as string[],
  );
});

test('hostile names are escaped, and cut off where they do not fit', () => {
  const report = reportWith(only('vp0'));
  report.devices[0]!.name = `</text><script>alert('&"')</script>\u0007\u202e${'x'.repeat(80)}`;
  report.host.kernelRelease = '<'.repeat(1500);
  const svg = svgOf(report);
  expect(svg).not.toContain('<script');
  expect(svg).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  textsOf(svg);
});

describe('in text', () => {
  test('a page per virtqueue', () => {
    expect(textOf('vp0'))
      .toBe(`  BAR 4 at 0xfe000000, 8 MiB; a cell is 256 bytes: D doorbell, R registers, M MSI-X, B another BAR, n rest of the notify capability, . undeclared, # not in the BAR
  offset      4 KiB page          64 KiB page                                   what is in the 4 KiB page
  0x0         [RRRRRRRRRRRRRRRR]  + 0x0: shared with other registers            common configuration registers
  0x1000      [RRRRRRRRRRRRRRRR]  |                                             ISR status register
  0x2000      [RRRRRRRRRRRRRRRR]  |                                             device configuration registers
  0x3000      [Dnnnnnnnnnnnnnnn]  |                                             one doorbell, nothing else: vq 0 rx0: safe
  0x4000      [Dnnnnnnnnnnnnnnn]  |                                             one doorbell, nothing else: vq 1 tx0: safe
  0x5000      [Dnnnnnnnnnnnnnnn]  |                                             one doorbell, nothing else: vq 2 control: safe
`);
  });

  test.each<[what: string, name: string, edits: Edit[], line: RegExp]>([
    [
      'MSI-X in the page',
      'vp0',
      layouts['msix-in-the-page']!,
      /0x4000 +\[DnnnnnnnMnnnMnnn\] .*shared with other registers: MSI-X table, MSI-X pending bits, vq 1 tx0: unsafe/,
    ],
    ['beyond the BAR', 'vp0', layouts['beyond-the-bar']!, /0x4000 +\[Dnnnnnnn########\] .*reaches beyond the BAR: /],
    ['undeclared', 'vp0', layouts['undeclared']!, /0x5000 +\[Dnnnnnnn\.{8}\] .*holds undeclared bytes: /],
    ['unknown parent', 'vp0', layouts['unknown-parent']!, /0x3000 +\[Dn{15}\] .*not verified: vq 0 rx0: unknown/],
    ['in use', 'vp0', layouts['in-use']!, /0x3000 +\[Dn{15}\] .*not verified: vq 0/],
    ['contradiction', 'vp0', layouts['contradiction']!, /0x3000 +\[Dn{15}\] .*not verified: vq 0 to 2/],
    ['a bad kernel', 'vp0', layouts['arm64-cacheable']!, /0x3000 +\[Dn{15}\] .*unsafe on this host: vq 0 rx0: unsafe/],
    ['a kernel not known', 'vp0', layouts['arm64-not-known']!, /0x3000 +\[Dn{15}\] .*not verified: vq 0 rx0: unk/],
    ['many', 'vp0', layouts['many-virtqueues']!, /\.\.\. .*0x9000 to 0x42fff: doorbells of vq 6 to 63/],
    ['another BAR', 'vp1', layouts['beside-another-bar']!, /\+ -0x5000: shared with other registers/],
  ])('%s', (_, name, edits, line) => {
    expect(textOf(name, ...edits)).toMatch(line);
  });

  test.each<[what: string, edits: Edit[], reason: string]>([
    ['no PCI function', [device('vp0', { pci: null })], 'the parent is no PCI function'],
    [
      'octeon_ep',
      [parentDriver('vp0', 'octep_vdpa')],
      'the notification area of parent driver octep_vdpa is not in its PCI config space',
    ],
    ['not read', [device('vp0', { pci: unknown('EIO', 'a\u0007b') })], 'a\\x07b'],
    [
      'no notify capability',
      [capability('vp0', 'notify', { type: 'vendor' })],
      'the PCI function has no virtio notify capability',
    ],
  ])('%s: says why there is none', (_, edits, reason) => {
    expect(textOf('vp0', ...edits)).toBe(`  no drawing: ${reason}\n`);
  });

  test.each<[what: string, edits: Edit[]]>([
    ['on this host', []],
    ['in use', [busy('vp0')]],
    ['of which QEMU installs none', [host({ pageSize: 65536 })]],
  ])('a page that a row speaks against is never drawn as a good one: %s', (_, edits) => {
    const row = { driver: 'newdpa', area: 'page-per-vq', exclusive: 'no', source: 'manual' } as const;
    const report = reportWith(parentDriver('vp0', 'newdpa'), only('vp0'), ...edits);
    const [judged] = assessHost(report, { parents: [row] }).devices;
    expect(renderBarText(report.devices[0]!, judged!)).toMatch(/0x3000 +\[Dn{15}\] .*known to hold more: vq 0/);
    expect(renderBarText(report.devices[0]!, judged!)).not.toMatch(/one doorbell, nothing else/);
  });

  test('virtqueues in another order are drawn where they are', () => {
    const reversed: Edit = (report) => {
      const found = deviceOf(report, 'vp0');
      found.virtqueues = virtqueuesOf(found).toReversed();
    };
    expect(textOf('vp0', reversed)).toBe(textOf('vp0'));
  });

  test('a page with more in it than can be said', () => {
    const more = [1, 2, 3, 4, 5, 6].map((n) =>
      addCapability('vp0', { type: 'vendor', bar: 4, offset: 0x3000 + n * 0x100, length: 16 }),
    );
    expect(textOf('vp0', ...more)).toMatch(/vendor registers, vendor registers, 3 more$/m);
  });
});

test('of very many devices the first are drawn, and the rest is counted', () => {
  const report = reportWith(only('vp0'));
  const devices = Array.from({ length: 300 }, (_, n) => ({ ...report.devices[0]!, name: `vp${n}` }));
  const svg = svgOf({ ...report, devices });
  expect(svg).toContain('>and 236 more devices, which are not drawn: give a report of fewer<');
  expect(svg).toContain('>vp63: ');
  expect(svg).not.toContain('>vp64: ');
  const exact = svgOf({ ...report, devices: devices.slice(0, 64) });
  expect(exact).not.toContain('not drawn');
});

describe('the rows of a drawing', () => {
  test('are bounded, whatever the device says', () => {
    const edits = Array.from({ length: 59 }, (_, n) =>
      addCapability('vp0', { type: 'shared-memory', bar: 4, offset: n * 0x100000, length: 2 ** 40 + n * 0x1000 }),
    );
    const answers = Array.from({ length: 65536 }, () => 'mapped' as const);
    const report = reportWith(...edits, doorbells('vp0', ...answers));
    const position = report.devices.findIndex(({ name }) => name === 'vp0');
    const map = barMapOf(deviceOf(report, 'vp0'), assessHost(report).devices[position]!);
    if (typeof map === 'string') throw new Error(map);
    expect(map.rows.length).toBeLessThanOrEqual(80);
  });

  test('of a device whose virtqueues are not known: the notify capability', () => {
    const report = reportWith(busy('vp0'), (edited) => {
      deviceOf(edited, 'vp0').identity.vqCount = unknown('EBUSY', 'x');
    });
    const position = report.devices.findIndex(({ name }) => name === 'vp0');
    const map = barMapOf(deviceOf(report, 'vp0'), assessHost(report).devices[position]!);
    if (typeof map === 'string') throw new Error(map);
    expect(map.rows.at(-1)).toMatchObject({ kind: 'page', offset: '0x3000', state: 'none' });
  });
});

test.each([
  [0n, '0 bytes'],
  [20n, '20 bytes'],
  [4096n, '4 KiB'],
  [4097n, '4097 bytes'],
  [8n << 20n, '8 MiB'],
  [1n << 60n, '1048576 TiB'],
])('%s bytes are %s', (bytes, words) => {
  expect(bytesInWords(bytes)).toBe(words);
});

test.each([
  ['short', 5, 'short'],
  ['longer', 5, 'lo...'],
  ['äö', 4, 'äö'],
  ['äöü', 5, 'ä...'],
])('%s in %i columns: %s', (text, columns, clipped) => {
  expect(clip(text, columns)).toBe(clipped);
});

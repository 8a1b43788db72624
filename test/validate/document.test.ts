/** Kinds, places, and what becomes of texts that cannot be read. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { documentKindOf } from '../../src/validate/kind.ts';
import { placeAt, placeInJson } from '../../src/validate/json-place.ts';
import { validateDocument } from '../../src/validate/validate-document.ts';
import { exitCodeOf, validationOf } from '../../src/validate/validation.ts';
import { reportWith } from '../report-builder.ts';
import { args, codesIn, domain, findingsIn, l1, nic } from './samples.ts';

const plan = readFileSync('test/golden/boot-order/expected.plan.json', 'utf8');
const spec = readFileSync('examples/quickstart/vm.yaml', 'utf8');

describe('kinds', () => {
  test.each([
    ['host-report', JSON.stringify(l1)],
    ['host-report', `${JSON.stringify(l1)}\n${JSON.stringify(l1)}`],
    ['host-report', stringify(l1)],
    ['host-report', "kind: 'HostReport'\r\nhost: {}"],
    ['host-report', `[${JSON.stringify(l1)}]`],
    ['host-report', '{kind: HostReport, host: {}}'],
    ['spec', `---\n# started by /usr/bin/qemu-system-x86_64 -m 1G\n${spec}`],
    ['spec', `# /usr/bin/qemu-system-x86_64 -m 1G\n${spec}`],
    ['spec', `%YAML 1.2\n---\n# qemu-kvm -m 1G\n${spec}`],
    ['spec', '{"note": {"kind": "VmPlan"}}'],
    ['plan', plan],
    ['guest-configuration', '{"kind": "GuestConfiguration"}'],
    ['spec', spec],
    ['spec', '{}'],
    ['spec', 'kind: Something'],
    ['libvirt', domain(nic())],
    ['libvirt', '<network/>'],
    ['libvirt-interface', nic()],
    ['libvirt-interface', `<?xml version='1.0'?>\n<!-- a NIC -->\n${nic()}`],
    ['libvirt-interface', `<!-- a > b --><?x y?>\n${nic()}`],
    ['libvirt', `<!-- <interface> --><domain/>`],
    ['libvirt', '<!-- '],
    ['qemu-argv', args()],
    ['qemu-argv', `#!/bin/sh\nset -e\nsudo ${args()}`],
    ['qemu-argv', '["-M", "q35"]'],
    ['qemu-argv', '-M\0q35\0'],
  ])('%s: %#', (kind, text) => {
    expect(documentKindOf(text)).toBe(kind);
  });

  test('--as overrides them', async () => {
    const { file } = await validateDocument('M: 1', { as: 'qemu-argv' });
    expect(file.kind).toBe('qemu-argv');
  });
});

describe('places', () => {
  const json = '{"a": [1, {"b": "x\\"]}", "c/d": {"e": null}}],\n  "f": {\n    "g": true\n  }\n}';

  test.each([
    ['', 1, 1],
    ['/a', 1, 7],
    ['/a/0', 1, 8],
    ['/a/1/b', 1, 17],
    ['/a/1/c~1d/e', 1, 39],
    ['/a/7', 1, 7],
    ['/a/0/x', 1, 8],
    ['/f/g', 3, 10],
    ['/nowhere', 1, 1],
  ])('JSON %s', (pointer, line, column) => {
    expect(placeInJson(json, pointer)).toEqual({ line, column });
  });

  test('text that breaks off is walked to its end', () => {
    for (const text of ['{"a": "b', '{"a', '[1, [2', '{"\\u00zz": 1, "b": 2}', '']) {
      for (const pointer of ['/a/b', '/1/0', '/b']) expect(placeInJson(text, pointer).line).toBe(1);
    }
    expect(placeAt('a\n\nb', 3)).toEqual({ line: 3, column: 1 });
  });

  const placesOf = async (text: string, code: string, reports = [l1]): Promise<unknown[]> =>
    (await findingsIn(text, { reports }))
      .filter((finding) => finding.code === code)
      .map(({ place, path }) => [path, place]);

  test('a command line: line, column, word and number of the option', async () => {
    const text = args('rx_queue_size=300');
    expect(await placesOf(text, 'validate.ring-size')).toEqual([
      ['/interfaces/0', { line: 4, column: 1, word: 13, option: 7 }],
    ]);
    const words = JSON.stringify(text.split(/\s+/).filter((word) => word !== ''));
    expect(await placesOf(words, 'validate.ring-size')).toEqual([['/interfaces/0', { word: 13, option: 7 }]]);
    expect(await placesOf(`${text} stray`, 'import.stray-word')).toEqual([
      ['/14', { line: 5, column: 2, word: 15, option: 7 }],
    ]);
  });

  test('options are counted also where one cannot be read, or says the same as another', async () => {
    const text = `-M pc-q35-7.2 -set device.x.y=1 -device '{' -nic vhost-vdpa -global a.b=1 -device foo stray`;
    expect(await placesOf(text, 'import.stray-word')).toMatchObject([[expect.anything(), { option: 6 }]]);
  });

  test('XML: the element', async () => {
    expect(await placesOf(domain(nic({ drv: "<driver page_per_vq='yes'/>" })), 'validate.libvirt-switch')).toEqual([
      ['/domain/devices[1]/interface[1]/driver[1]/@page_per_vq', { line: 11, column: 1 }],
    ]);
  });

  test('a spec: YAML', async () => {
    const text = spec.replace('vdpa: vp0', 'vdpa: vp9');
    expect(await placesOf(text, 'plan.device-missing')).toEqual([['/interfaces/0/vdpa', { line: 10, column: 11 }]]);
  });

  test('a plan, whose devices stand in another order than the guest has them', async () => {
    const value = JSON.parse(plan) as { guestAbi: { interfaces: { mac: string }[] }; guestAbiDigest: string };
    const found = await findingsIn(plan, { reports: [l1] });
    expect(found.every(({ place }) => place?.line !== undefined)).toBe(true);
    const wrong = JSON.stringify({ ...value, guestAbiDigest: '0'.repeat(64) }, null, 2);
    expect(await codesIn(wrong)).toEqual(['validate.digest error']);
    const line = wrong.slice(0, wrong.indexOf('"guestAbiDigest"')).split('\n').length;
    expect((await placesOf(wrong, 'validate.digest', []))[0]).toMatchObject(['/guestAbiDigest', { line }]);
  });

  test('reports: JSON, NDJSON and YAML have places', async () => {
    const wrong = reportWith((copy) => (copy.devices[2]!.identity.vqCount = 9));
    const code = 'validate.report-virtqueues';
    const pretty = JSON.stringify(wrong, null, 2);
    const [[path, place]] = (await placesOf(pretty, code, [])) as [[string, { line: number }]];
    expect(path).toBe('/devices/2/virtqueues');
    expect(pretty.split('\n')[place.line - 1]).toContain('"virtqueues": [');
    const other = reportWith((copy) => (copy.host.name = 'l2'));
    const stream = `${JSON.stringify(other)}\n\n${JSON.stringify(wrong)}\n`;
    expect(await placesOf(stream, code, [])).toMatchObject([['/1/devices/2/virtqueues', { line: 3 }]]);
    expect(await placesOf(`[\n${JSON.stringify(other)},\n${JSON.stringify(wrong)}]`, code, [])).toMatchObject([
      ['/1/devices/2/virtqueues', { line: 3 }],
    ]);
    const yaml = stringify(wrong);
    const line = yaml.split('\n').indexOf('  - name: sim0') + 1;
    const [[where, at]] = (await placesOf(yaml, code, [])) as [[string, { line: number }]];
    expect([where, yaml.split('\n')[at.line - 2]]).toEqual(['/devices/2/virtqueues', '    virtqueues:']);
    expect(at.line).toBeGreaterThan(line);
    const [[second, below]] = (await placesOf(`${stringify(other)}---\n${yaml}`, code, [])) as [[string, typeof at]];
    expect([second, below.line]).toEqual(['/1/devices/2/virtqueues', at.line + stringify(other).split('\n').length]);
  });

  test('every breach of the schema in one run, each at its place', async () => {
    const breaches = async (text: string): Promise<string[]> =>
      (await findingsIn(text)).map(
        ({ code, path, message, place }) => `${place?.line ?? '-'} ${code} ${path} ${message}`,
      );
    const report = {
      ...l1,
      host: { ...l1.host, pageSize: 'x', name: '' },
      devices: l1.devices.slice(1).map((device) => ({ ...device, more: 1, driver: 7 })),
    };
    for (const text of [JSON.stringify(report, null, 1), stringify(report)]) {
      const found = await breaches(text);
      expect(found).toHaveLength(2 + 2 * report.devices.length);
      expect(found.every((line) => /^\d+ validate.schema \/(?:host|devices)\//.test(line))).toBe(true);
      expect(found.join('\n')).toContain('/devices/0 devices[0] has an unknown key `more`');
      expect(new Set(found.map((line) => line.split(' ')[0])).size).toBeGreaterThan(4);
    }
    const value = JSON.parse(plan) as { guestAbi: object };
    const wrong = { ...value, guestAbi: { ...value.guestAbi, memoryBytes: -1, uuid: 3 }, more: {} };
    expect(await breaches(JSON.stringify(wrong, null, 2))).toEqual([
      expect.stringMatching(/^1 validate.schema {2}the document has an unknown key `more`/),
      expect.stringMatching(/^\d+ validate.schema \/guestAbi\/memoryBytes guestAbi.memoryBytes must be at least/),
      expect.stringMatching(/^\d+ validate.schema \/guestAbi\/uuid guestAbi.uuid must be a string; got 3/),
    ]);
    // what is none of ours by its name is not taken apart
    expect(await breaches('{"kind": "HostReport", "schemaVersion": 2}')).toHaveLength(1);
    // and neither is what is longer than any real one
    const long = { ...report, notes: Array.from({ length: 10_000 }, () => ({ code: 'a', severity: 'b', path: '' })) };
    expect(await breaches(JSON.stringify(long))).toHaveLength(1);
  });

  test('findings stand in the order of the text', async () => {
    const text = domain(nic({ mod: "<model type='e1000e'/>", drv: "<driver ats='1'/>", more: '<mtu/>' }));
    const lines = (await findingsIn(text)).map(({ place }) => place?.line ?? Infinity);
    expect(lines).toEqual([...lines].sort((a, b) => a - b));
    expect(new Set(lines).size).toBeGreaterThan(2);
  });
});

describe('texts that cannot be read', () => {
  test.each([
    ['spec', 'a: [', /YAML/, { line: 1, column: 5 }],
    ['spec', `a: ${'['.repeat(5000)}`, /nested too deeply/, undefined],
    ['libvirt', '<domain>\n<a></domain>', /no well-formed XML/, { line: 2 }],
    ['libvirt', '<!DOCTYPE a><domain/>', /document types and entities are not accepted/, { line: 1 }],
    ['libvirt', '<network/>', /the root element is <network>, not <domain>/, undefined],
    ['libvirt', '<domain xmlns="a"/>', /the root element is <domain> of the namespace "a", not <domain>/, undefined],
    ['libvirt', '<domain>\n&#0;</domain>', /does not allow/, { line: 2 }],
    ['libvirt-interface', '<domain/>', /not <interface>/, undefined],
    ['qemu-argv', "-name 'a", /line 1, column 7: a ' that is never closed/, { line: 1, column: 7 }],
    ['plan', '{"kind": "VmPlan",\n}', /is not JSON/, { line: 2, column: 1 }],
    ['plan', '{"kind": "VmPlan", "a": '.concat('['.repeat(100_000)), /is not JSON/, undefined],
    ['host-report', '{"kind": "HostReport"\n', /is not JSON/, undefined],
    ['host-report', '{"kind": "HostReport"}\n{', /line 2: is not JSON: /, { line: 2 }],
    ['host-report', 'kind: HostReport\na: [', /:/, undefined],
    ['host-report', '', /is empty/, undefined],
    ['plan', ' '.repeat((4 << 20) + 1), /larger than/, undefined],
  ] as const)('%s: %#', async (as, text, message, place) => {
    const validated = await validateDocument(text, { as, file: 'input' });
    expect(validated.file).toMatchObject({ read: false, kind: null, errors: 1 });
    const [finding] = validated.findings;
    expect(finding).toMatchObject({ code: 'validate.unreadable', severity: 'error', ...(place ? { place } : {}) });
    expect(finding?.message).toMatch(message);
    expect(finding?.message).not.toMatch(/^input/);
    expect(exitCodeOf(validationOf([validated]))).toBe(2);
  });

  test.each([
    ['plan', '{"kind": "VmPlan",\n"line 0": x}'],
    ['plan', '{"kind": "VmPlan", x "at position 7"'],
    ['plan', '{"kind": "VmPlan",\n: 3:5: x}'],
    ['host-report', '{"kind": "HostReport"}\n{"line 0, column 0": x}'],
    ['libvirt', '<domain><a line 0="1"></domain>'],
    ['qemu-argv', '["line 0", 7]'],
  ] as const)('a place that the text itself writes is none: %s, %j', async (as, text) => {
    const [finding] = (await validateDocument(text, { as })).findings;
    const { line, column } = finding?.place ?? {};
    expect(finding?.code).toBe('validate.unreadable');
    expect(line).not.toBe(0);
    expect(column).not.toBe(0);
    expect(line ?? 1).toBeLessThanOrEqual(text.split('\n').length);
    if (text.includes('at position')) expect(column).not.toBe(8);
  });

  test('one that breaches its schema can be read, and is an error', async () => {
    for (const text of ['{"kind": "VmPlan"}', '{"kind": "GuestConfiguration"}', '{"kind": "HostReport"}', '[]']) {
      const as = text === '[]' ? 'plan' : undefined;
      const validated = await validateDocument(text, { as });
      expect(validated.findings.map(({ code }) => code)).toEqual(['validate.schema']);
      expect(exitCodeOf(validationOf([validated]))).toBe(1);
    }
    const both = `${JSON.stringify(l1)}\n{"kind": "HostReport"}`;
    expect((await findingsIn(both)).map(({ code, place }) => [code, place?.line])).toEqual([['validate.schema', 2]]);
  });
});

test('a guest configuration is checked, and its digest made anew', async () => {
  const { fromPlan } = await import('../../src/import/from-plan.ts');
  const configuration = fromPlan(JSON.parse(plan) as never);
  expect(await codesIn(JSON.stringify(configuration))).toEqual([]);
  const first = configuration.guest.interfaces[0]!;
  const text = JSON.stringify({
    ...configuration,
    guest: {
      ...configuration.guest,
      interfaces: [{ ...first, rxQueueSize: 300 }, ...configuration.guest.interfaces.slice(1)],
    },
  });
  const found = await findingsIn(text);
  expect(found.map(({ code }) => code).sort()).toEqual(['validate.digest', 'validate.ring-size']);
  expect(text.slice((found.find(({ code }) => code === 'validate.ring-size')?.place?.column ?? 1) - 1)).toMatch(/^\{/);
});

test('the digest in <metadata> is compared with what the XML shows', async () => {
  const xml = readFileSync('test/golden/quickstart/expected.xml', 'utf8');
  expect(await codesIn(xml)).not.toContain('validate.digest-differs warning');
  const changed = xml.replace(/page_per_vq='(on|off)'/, (_, value) => `page_per_vq='${value === 'on' ? 'off' : 'on'}'`);
  expect(changed).not.toBe(xml);
  expect(await findingsIn(changed)).toContainEqual(
    expect.objectContaining({ code: 'validate.digest-differs', severity: 'warning' }),
  );
});

test('a digest of a guest that is not fully known', async () => {
  const { readGuestConfiguration } = await import('../../src/import/read.ts');
  const { configuration } = readGuestConfiguration(domain(nic()), { file: 'vm.xml' });
  expect(configuration?.digest).toBeNull();
  expect(await codesIn(JSON.stringify(configuration))).toEqual([]);
  const found = await findingsIn(JSON.stringify({ ...configuration, digest: '0'.repeat(64) }));
  expect(found.map(({ message }) => message)).toEqual([expect.stringContaining('none, for not all of it is known')]);
});

test('a spec for another host than --on', async () => {
  const l2 = reportWith((copy) => (copy.host.name = 'l2'));
  const text = `${spec}migration: { hosts: [l1] }\n`;
  const { findings } = await validateDocument(text, { reports: [l1, l2], on: 'l2' });
  expect(findings).toMatchObject([{ code: 'validate.unreadable', message: expect.stringContaining('l2') as string }]);
});

test('other programs are asked, and named', async () => {
  const opinion = {
    name: 'oracle',
    check: async () => Promise.resolve([{ code: 'oracle.no', severity: 'error' as const, path: '', message: 'no' }]),
  };
  const found = await findingsIn(args(), { opinions: [opinion] });
  expect(found.filter(({ by }) => by === 'oracle')).toMatchObject([{ code: 'oracle.no', message: 'no' }]);
});

test('--on must name one of the reports', async () => {
  await expect(validateDocument(args(), { reports: [l1], on: 'elsewhere' })).rejects.toThrow(
    /no host report is of that host/,
  );
});

test('a spec is planned for the first host of its domain that there is a report of', async () => {
  const l2 = reportWith((copy) => (copy.host.name = 'l2'));
  const { file, findings } = await validateDocument(`${spec}migration: { hosts: [l2, l1] }\n`, { reports: [l1, l2] });
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(file.digest).toMatch(/^[0-9a-f]{64}$/);
});

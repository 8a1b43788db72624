/** Input of an attacker: an answer in bounded time, and nothing leaks. */
import { describe, expect, test } from 'vitest';
import { plainSeverity, renderValidation } from '../../src/render/validation-text.ts';
import { documentKinds } from '../../src/validate/document.ts';
import { validateDocument } from '../../src/validate/validate-document.ts';
import { validationOf } from '../../src/validate/validation.ts';
import { domain, l1, nic } from './samples.ts';

const many = (count: number, of: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => of(index)).join('');

/** A report with so many devices that were not opened. */
function reportOf(count: number, name = 'l1'): object {
  const device = { ...l1.devices[0], open: { unknown: 'EBUSY', detail: 'in use' } };
  return {
    ...l1,
    host: { ...l1.host, name },
    qemu: [],
    devices: Array.from({ length: count }, (_, n) => ({ ...device, name: `d${n}` })),
  };
}

const inputs: readonly (readonly [string, string])[] = [
  [
    '20,000 NICs on a command line',
    many(20_000, (n) => `-netdev vhost-vdpa,id=n${n},queues=2 -device virtio-net-pci,netdev=n${n},foo=1\n`),
  ],
  [
    '20,000 devices on one netdev',
    `-netdev vhost-vdpa,id=n\n${many(20_000, () => '-device virtio-net-pci,netdev=n\n')}`,
  ],
  ['3,000 interfaces', domain(many(3000, () => nic({ drv: "<driver a='1' ats='yes'/>" })))],
  ['20,000 attributes', domain(nic({ drv: `<driver ${many(6000, (n) => `a${n}='1' `)}/>` }))],
  [
    'escape sequences',
    domain(nic({ mod: "<model type='&#x9b;31m'/>", drv: "<driver \u0085='1' page_per_vq='&#x7f;'/>" })),
  ],
  [
    'prototype keys',
    `-device virtio-net-pci,constructor=1,toString=2,hasOwnProperty=3 -netdev vhost-vdpa,id=constructor,toString=1`,
  ],
  ['a report with prototype keys', '{"kind": "HostReport", "__proto__": {"a": 1}}'],
  ['2^53+1', '{"kind": "HostReport", "schemaVersion": 9007199254740993}'],
  ['deep JSON', `{"kind": "HostReport", "a": ${'['.repeat(1_000_000)}`],
  ['a million lines', '\n'.repeat(1_000_000)],
  ['200,000 lines of JSON', '{"kind": "HostReport"}\n'.repeat(200_000)],
  ['lone surrogates', '-name \ud800 -device virtio-net-pci,netdev=\udfff'],
  ['60,000 devices that are none', JSON.stringify({ ...l1, devices: Array.from({ length: 60_000 }, () => ({})) })],
  [
    '100 reports with 1,400 devices that are none',
    many(100, () => `${JSON.stringify({ ...l1, devices: Array.from({ length: 1400 }, () => ({})) })}\n`),
  ],
  ['4,000 devices in a report', JSON.stringify(reportOf(4000))],
  ['5,000 reports', many(5000, (n) => `${JSON.stringify(reportOf(1, `host${n}`))}\n`)],
  [
    '1,000 NICs on a command line',
    many(1000, (n) => `-netdev vhost-vdpa,id=n${n},queues=2 -device virtio-net-pci,netdev=n${n},foo=1\n`),
  ],
  ['1,000 interfaces', domain(many(1000, () => nic({ drv: "<driver a='1' ats='yes'/>" })))],
  ['nothing', ''],
];

/** [what, text, the most findings] */
const wrongAllOver: readonly (readonly [string, string, number])[] = [
  [
    '3,000 netdevs of one id and 1,000 devices on it',
    `-netdev vhost-vdpa,id=x ${many(3000, () => '-netdev vhost-vdpa,id=x ')}${many(1000, () => '-device virtio-net-pci,netdev=x ')}`,
    800,
  ],
  ['99,000 stray words', `qemu-system-x86_64 ${many(99_000, () => 'a ')}`, 110],
  ['99,000 stray objects', `qemu-system-x86_64 ${many(99_000, () => '{}\n')}`, 110],
  ['39,000 unknown properties', many(78, () => `-device virtio-net-pci${many(500, (n) => `,p${n}=1`)}\n`), 500],
  [
    '19,000 stray words in XML',
    `<domain xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:commandline>${many(19_000, () => "<q:arg value='x'/>")}</q:commandline></domain>`,
    250,
  ],
];

describe('wrong all over: the first of each kind, and how many more', () => {
  test.each(wrongAllOver)('%s', async (_, text, most) => {
    const start = process.cpuUsage();
    const { file, findings } = await validateDocument(text);
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1000).toBeLessThan(1500);
    expect(findings.length).toBeLessThan(most);
    expect(findings.some(({ message }) => /^\d+ more of this kind: only the first 100 are told$/.test(message))).toBe(
      true,
    );
    expect(file.errors + file.warnings + file.notes).toBe(findings.length);
  });
});

describe('hostile input', () => {
  test.each(inputs)('%s', async (_, text) => {
    // a spec is another room's; its bounds are tested there
    const kinds = text.length < 100_000 ? documentKinds.filter((kind) => kind !== 'spec') : [];
    for (const as of [undefined, ...kinds]) {
      // of the processor, not of the clock: other tests run beside
      const start = process.cpuUsage();
      const validated = await validateDocument(text, { as, reports: [l1] });
      expect(process.cpuUsage(start).user).toBeLessThan(10e6);
      expect(renderValidation(validationOf([validated]), plainSeverity, { quiet: false, verbose: true })).not.toMatch(
        /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/,
      );
      for (const { message } of validated.findings) expect(message.length).toBeLessThanOrEqual(4000);
    }
    expect(({} as Record<string, unknown>)['a']).toBeUndefined();
  });
});

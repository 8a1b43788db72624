/** What the real programs say against documents with one thing wrong; and what is said where they are not there. */
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { validateWithRelaxNg } from '../../src/host/relax-ng.ts';
import validateSchema from '../../src/model/generated/validation.validate.js';
import type { ValidationFinding } from '../../src/model/generated/validation.ts';
import { libvirtSchemaOpinion } from '../../src/validate/opinions/libvirt-schema.ts';
import { qemuOpinion } from '../../src/validate/opinions/qemu.ts';
import { valueProblem } from '../../src/validate/opinions/qemu-value.ts';
import { virshOpinion } from '../../src/validate/opinions/virsh.ts';
import type { Opinion } from '../../src/validate/opinion.ts';
import { validateDocument } from '../../src/validate/validate-document.ts';
import { validationOf } from '../../src/validate/validation.ts';
import { ownPrograms } from './programs.ts';

const programs = ownPrograms();
const why = typeof programs === 'string' ? `(skipped: ${programs})` : '';
const quickstart = (ending: string): string => readFileSync(`test/golden/quickstart/expected.${ending}`, 'utf8');
const scratch = mkdtempSync(join(tmpdir(), 'vdpa-qemu-opinions-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

async function opinionOf(opinion: Opinion, text: string): Promise<readonly ValidationFinding[]> {
  const validated = await validateDocument(text, { file: 'vm', opinions: [opinion] });
  const whole = JSON.parse(JSON.stringify(validationOf([validated]))) as unknown;
  expect(validateSchema(whole) ? [] : validateSchema.errors).toEqual([]);
  const own = validated.findings.filter(({ code }) => code.startsWith('opinion.'));
  for (const { by } of own) expect(by).toBe(opinion.name);
  return own;
}

describe.skipIf(why !== '')(`libvirt's schema ${why}`, () => {
  test('names the element around the one that is wrong, with its line', async () => {
    const text = quickstart('xml').replace("<model type='virtio'/>", "<model type='virtio'/><unheard-of/>");
    const line = text.split('\n').findIndex((one) => one.includes('<devices>')) + 1;
    expect(await opinionOf(libvirtSchemaOpinion(), text)).toMatchObject([
      { code: 'opinion.libvirt-schema', severity: 'error', path: '/domain/devices', place: { line, column: 1 } },
    ]);
  });

  test('an interface alone', async () => {
    const nic = "<?xml version='1.0'?>\n<interface type='vdpa'>\n<source dev='/dev/vhost-vdpa-0'/>\n</interface>";
    expect(await opinionOf(libvirtSchemaOpinion(), nic)).toEqual([]);
    const wrong = await opinionOf(libvirtSchemaOpinion(), nic.replace("dev='/dev/vhost-vdpa-0'", ''));
    expect(wrong.map(({ code }) => code)).toEqual(['opinion.libvirt-schema']);
  });

  test('the same schema again and again, in little time and memory', async () => {
    const text = quickstart('xml');
    const schema = '/usr/share/libvirt/schemas/domain.rng';
    await validateWithRelaxNg(text, schema);
    const before = process.memoryUsage().rss;
    for (let round = 0; round < 5; round++) expect(await validateWithRelaxNg(text, schema)).toEqual([]);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 << 20);
  });
});

test('a schema that is not there is told', async () => {
  expect(await opinionOf(libvirtSchemaOpinion(scratch), quickstart('xml'))).toMatchObject([
    {
      code: 'opinion.not-asked',
      severity: 'info',
      message: expect.stringMatching(/was not asked \(ENOENT\)/) as string,
    },
  ]);
});

test('a schema that is none, or that reaches out of its folder, is told', async () => {
  const include = "<grammar xmlns='http://relaxng.org/ns/structure/1.0'><include href='/etc/passwd'/></grammar>";
  for (const text of ['not a schema', include]) {
    writeFileSync(join(scratch, 'domain.rng'), text);
    expect(await opinionOf(libvirtSchemaOpinion(scratch), quickstart('xml'))).toMatchObject([
      { code: 'opinion.not-asked', message: expect.stringMatching(/libxml2 cannot read/) as string },
    ]);
  }
  rmSync(join(scratch, 'domain.rng'));
});

describe.skipIf(why !== '')(`virsh ${why}`, () => {
  const left = (): string[] => readdirSync(tmpdir()).filter((name) => /^vdpa-qemu-[A-Za-z0-9]{6}$/.test(name));

  test('says what its parser does, and leaves nothing', async () => {
    const before = left();
    const text = quickstart('xml').replace(/<uuid>.*<\/uuid>/, '<uuid>0123</uuid>');
    const [finding, ...more] = await opinionOf(virshOpinion, text);
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ code: 'opinion.virsh', severity: 'error' });
    expect(finding?.message).toMatch(/^virsh define --validate refuses it: /);
    expect(left()).toEqual(before);
  });

  test('is not there', async () => {
    const path = process.env['PATH'];
    process.env['PATH'] = scratch;
    try {
      expect(await opinionOf(virshOpinion, quickstart('xml'))).toMatchObject([
        { code: 'opinion.not-asked', message: 'virsh was not asked (no-tool): virsh is not installed' },
      ]);
    } finally {
      process.env['PATH'] = path;
    }
  });
});

describe.skipIf(why !== '')(`QEMU ${why}`, () => {
  const qemu = typeof programs === 'string' ? '' : programs.qemu;
  const said = async (...options: string[]): Promise<string[]> => {
    const words = ['qemu-system-x86_64', '-machine', 'q35', ...options];
    const found = await opinionOf(qemuOpinion([qemu]), JSON.stringify(words));
    return found.map(({ code, path, message }) => `${code} ${path} ${message.replace(/QEMU [\d.]+/, 'QEMU')}`);
  };

  test('devices, properties, values and back ends', async () => {
    const nic = 'virtio-net-pci,netdev=n0,page_per_vq=on,mq=maybe,vectors=4294967296';
    expect(await said('-netdev', 'vhost-vdpa,id=n0,vhostdev=/dev/vhost-vdpa-0,queue=2', '-device', nic)).toEqual([
      'opinion.qemu-property /3 -netdev vhost-vdpa of QEMU has no property queue',
      'opinion.qemu-property /5 -device virtio-net-pci of QEMU has no property page_per_vq',
      'opinion.qemu-value /5 QEMU takes for virtio-net-pci.mq on or off; got "maybe"',
      'opinion.qemu-value /5 QEMU takes for virtio-net-pci.vectors a whole number from 0 to 4294967295; got "4294967296"',
    ]);
    expect(await said('-device', 'no-such-device,id=a', '-netdev', 'no-such-netdev,id=n')).toEqual([
      'opinion.qemu-type /3 QEMU has no -device no-such-device',
      'opinion.qemu-type /5 QEMU has no -netdev no-such-netdev',
    ]);
  });

  test('JSON is taken at its word, as QEMU does', async () => {
    const json = { driver: 'virtio-net-pci', netdev: 'n0', rx_queue_size: '256', mq: 'on', vectors: 4, packed: true };
    expect(await said('-device', JSON.stringify(json))).toEqual([
      'opinion.qemu-value /3 QEMU takes for virtio-net-pci.mq true or false; got "on"',
      'opinion.qemu-value /3 QEMU takes for virtio-net-pci.rx_queue_size a whole number from 0 to 65535; got "256"',
    ]);
  });

  test('devices by other names, and properties that are lists', async () => {
    const options = ['virtio-net,mac=52:54:00:00:00:01', 'ahci,id=a', 'isa-serial,index=0', 'pcie-root-port,addr=2.0'];
    expect(await said(...options.flatMap((option) => ['-device', option]))).toEqual([]);
  });

  test('the program that the document names is never started', async () => {
    const [trap, sign] = [join(scratch, 'qemu-system-x86_64'), join(scratch, 'started')];
    writeFileSync(trap, `#!/bin/sh\ntouch ${sign}\n`);
    chmodSync(trap, 0o755);
    await opinionOf(qemuOpinion([qemu]), JSON.stringify([trap, '-device', 'virtio-net-pci']));
    expect(existsSync(sign)).toBe(false);
  });

  test('one that is no QEMU is told', async () => {
    expect(await opinionOf(qemuOpinion(['/bin/true']), quickstart('args'))).toMatchObject([
      { code: 'opinion.not-asked', message: expect.stringMatching(/does not answer as QEMU does/) as string },
    ]);
  });
});

test('where no QEMU is there, or the architecture is not told, that is said', async () => {
  expect(await opinionOf(qemuOpinion([]), quickstart('args'))).toMatchObject([
    { message: 'QEMU was not asked (no-tool): no QEMU for x86_64 is installed' },
  ]);
  expect(await opinionOf(qemuOpinion([]), '-device virtio-net-pci')).toMatchObject([
    { message: expect.stringMatching(/does not tell the architecture/) as string },
  ]);
});

test('documents of other kinds concern none of them', async () => {
  for (const opinion of [libvirtSchemaOpinion(), virshOpinion, qemuOpinion()]) {
    expect(await opinionOf(opinion, 'schemaVersion: 1\nname: a\n')).toEqual([]);
  }
});

describe('valueProblem', () => {
  test.each([
    ['uint16', '65535', false, true],
    ['uint16', '65536', false, false],
    ['uint16', '0x10', false, true],
    ['uint16', '010', false, true],
    ['uint16', '-1', false, false],
    ['int32', '-1', false, true],
    ['int32', '2147483648', false, false],
    ['uint64', '18446744073709551615', false, true],
    ['uint64', '18446744073709551616', false, false],
    ['int', '', false, false],
    ['uint8', true, false, false],
    ['uint8', 7, true, true],
    ['uint8', '7', true, false],
    ['bool', 'yes', false, true],
    ['bool', 'yes', true, false],
    ['boolean', false, true, true],
    ['OnOffAuto', 'banana', false, true],
    ['str', 'x', false, true],
  ] as const)('%s %j, JSON: %s', (type, value, isJson, fits) => {
    expect(valueProblem('p', value, type, isJson) === undefined).toBe(fits);
  });

  test('what is not known, and addr, is not judged', () => {
    expect(valueProblem('p', { unknown: 'malformed', detail: '' }, 'bool', false)).toBeUndefined();
    expect(valueProblem('addr', '06.0', 'int32', false)).toBeUndefined();
  });
});

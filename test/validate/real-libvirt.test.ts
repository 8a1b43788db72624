/** What libvirt's QEMU driver on this machine really does with what the rules find. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../host/fixtures.ts';
import { defineAll, noLibvirt, type Defined } from './embedded-libvirt.ts';
import { domainOf, libvirtCases } from './libvirt-cases.ts';
import { codesIn, domain, nic } from './samples.ts';

const why = noLibvirt();
if (why !== undefined) console.log(`libvirt is not asked: ${why}`);
const here = Object.keys(libvirtCases).filter((name) => libvirtCases[name]?.since === undefined);

const starting = new Set(here.filter((name) => libvirtCases[name]?.starts !== undefined));

describe.skipIf(why !== undefined)(`the QEMU driver of libvirt ${why ?? ''}`, () => {
  let directory: string;
  let defined: Map<string, Defined>;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'vdpa-qemu-libvirt-'));
    defined = defineAll(directory, new Map(here.map((name) => [name, domainOf(name)])), undefined, undefined, starting);
  }, 300_000);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test.each(here)('%s', (name) => {
    const { refuses, starts, keeps, drops } = libvirtCases[name]!;
    const { error, xml } = defined.get(name)!;
    expect(error).toMatch(refuses ?? starts ?? /^$/);
    if (refuses === undefined) expect(xml).toContain('<interface ');
    if (keeps) expect(xml).toMatch(keeps);
    if (drops) expect(/<interface.*<\/interface>/.exec(xml)?.[0]).not.toMatch(drops);
  });
});

describe('and the rules find it', () => {
  test.each(Object.entries(libvirtCases))('%s', async (name, { code }) => {
    const found = await codesIn(domainOf(name));
    if (code === '') expect(found.filter((one) => one.endsWith(' error'))).toEqual([]);
    else expect(found.map((one) => one.split(' ')[0])).toContain(code);
  });
});

test.skipIf(why !== undefined).each([
  ['', "<driver page_per_vq='off'/>", /virtio options don't match/],
  ["<driver packed='off'/>", "<driver packed='off' page_per_vq='off'/>", /'off' does not match source 'default'/],
])('to libvirt page_per_vq=off and none are two things (validate.page-per-vq-absent): %s', (before, after, refusal) => {
  const directory = temporaryDirectory();
  const uuid = '<uuid>0228fc7c-a8ec-514a-8c77-cf394863f9b1</uuid>\n';
  const of = (drv: string): string =>
    domain(nic({ drv }), { head: uuid, name: 'vm' }).replace("<domain type='qemu'", "<domain type='test'");
  const snapshot = (xml: string): string =>
    `<domainsnapshot><name>s</name><state>shutoff</state><creationTime>1</creationTime>${xml}</domainsnapshot>`;
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const commands = [
    `define ${file('define.xml', of(before))}`,
    `snapshot-create vm --redefine ${file('before.xml', snapshot(of(before)))}`,
    `snapshot-create vm --redefine ${file('after.xml', snapshot(of(after)))}`,
  ];
  const { stderr } = spawnSync('virsh', ['-q', '-c', 'test:///default', commands.join('; ')], { encoding: 'utf8' });
  expect(stderr).toMatch(refusal);
});

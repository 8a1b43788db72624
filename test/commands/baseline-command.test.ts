import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { Baseline } from '../../src/model/generated/baseline.ts';
import validate from '../../src/model/generated/baseline.validate.js';
import { loadSpec } from '../../src/spec/load.ts';
import { busy, named, reportWith } from '../report-builder.ts';
import { only } from '../migration/migrating.ts';
import { Files, run } from './command-line.ts';

const sim = (name: string) => reportWith(named(name), only('sim0'));

function parsed(text: string): Baseline {
  const document: unknown = JSON.parse(text);
  if (!validate(document)) throw new Error(JSON.stringify(validate.errors));
  return document;
}

describe('baseline', () => {
  test('reports of several files and layouts', async () => {
    const files = new Files();
    const ndjson = files.report('many.ndjson', sim('a'), sim('b'));
    const indented = files.write(
      'two.json',
      [sim('c'), sim('d')].map((one) => `${JSON.stringify(one, null, 2)}\n`).join(''),
    );
    const yaml = files.write('e.yaml', stringify(sim('e')));
    const { code, out } = await run('baseline', ndjson, indented, yaml, '--json');
    expect(code).toBe(0);
    expect(parsed(out).hosts.names).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('as text, with a fragment of a spec', async () => {
    const files = new Files();
    const { code, out, err } = await run('baseline', files.report('r', sim('a'), reportWith(named('b'))));
    expect({ code, err }).toEqual({
      code: 0,
      err:
        '/classes: warning: no vDPA block device that is known as such on a [baseline.no-device]\n  fix: leave the host out, or probe it as root\n' +
        '/classes/0: warning: mac of a device cannot be set on b: its parent driver takes no such attribute, or is not known [baseline.cannot-provision]\n  fix: provision it by the means of its vendor, or leave the host out\n',
    });
    expect(out).toContain('2 hosts: a, b\n');
    expect(out).toContain('VIRTIO_NET_F_MTU is not offered on b');
    expect(out).toMatch(/b: vdpa dev del vp0; vdpa dev add name vp0 mgmtdev pci\/0000:00:04\.0 device_features 0x\w+/);
    const fragment = out.slice(out.indexOf('for a spec:\n') + 12);
    expect(loadSpec(`${fragment}name: web1\nmemory: 1GiB\n`, 'vm.yaml').findings).toEqual([]);
  });

  test('one class, and many commands in short', async () => {
    const files = new Files();
    const hosts = Array.from({ length: 30 }, (_, index) => reportWith(named(`h${index}`), only('vp0')));
    const file = files.report('r', ...hosts);
    expect((await run('baseline', file, '--class', 'net')).out).toContain(
      'and 10 more (--verbose or --json shows them)',
    );
    expect((await run('baseline', file, '--verbose')).out).toContain('h29: vdpa dev del vp0');
    const block = await run('baseline', file, '--class', 'block');
    expect(block.code).toBe(1);
    expect(block.err).toContain('no vDPA block device');
  });

  test('hosts that cannot join: exit code 1, named', async () => {
    const { code, err } = await run(
      'baseline',
      new Files().report('r', sim('a'), reportWith(named('b'), only('blk0'))),
    );
    expect(code).toBe(1);
    expect(err).toContain('error: no vDPA net device that is known as such on b [baseline.no-device]');
  });

  test('a busy device is known by netlink', async () => {
    const { code } = await run(
      'baseline',
      new Files().report('r', sim('a'), reportWith(named('b'), only('sim0'), busy('sim0'))),
      '--quiet',
    );
    expect(code).toBe(0);
  });

  test.each([
    ['no report', '', 'there is no host report to read'],
    ['a broken line', `${JSON.stringify(sim('a'))}\n{"kind":\n`, 'r:2: is not JSON'],
    ['another document', '{"kind":"VmPlan"}', 'r:1: is no host report: its kind is "VmPlan"'],
    ['YAML that is none', 'a: [', 'r: '],
  ])('%s: exit code 2', async (_, text, message) => {
    const { code, err } = await run('baseline', new Files().write('r', text));
    expect(code).toBe(2);
    expect(err).toContain(message);
  });

  test('from standard input, as the program runs', () => {
    const input = [readFileSync('examples/quickstart/host.json'), readFileSync('examples/migration-domain/l2.json')];
    const { status, stdout } = spawnSync(process.execPath, ['dist/bin.js', 'baseline', '--json'], {
      input: Buffer.concat(input),
      encoding: 'utf8',
    });
    expect(status).toBe(0);
    expect(parsed(stdout).hosts).toEqual({ count: 2, names: ['l1', 'l2'] });
  });
});

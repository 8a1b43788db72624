import { describe, expect, test } from 'vitest';
import { verifyVm } from '../../src/verify/verify.ts';
import { observeVm } from '../../src/verify/observe.ts';
import { parseParents } from '../../src/doorbell/parse-parents.ts';
import type { Baseline } from '../../src/model/generated/baseline.ts';
import type { MigrationCheck } from '../../src/model/generated/migration-check.ts';
import type { Validation } from '../../src/model/generated/validation.ts';
import { only, there } from '../migration/migrating.ts';
import { capturedFile, device, parentDriver, reportWith } from '../report-builder.ts';
import { Replay } from '../verify/replay.ts';
import { Files, run } from './command-line.ts';

describe('--parents', () => {
  const newdpa = reportWith(device('vp0', { pci: null }), parentDriver('vp0', 'newdpa'));
  const own = (exclusive: string): string =>
    `schemaVersion: 1\nkind: ParentKnowledge\nparents:\n  - {driver: newdpa, area: page-per-vq, exclusive: ${exclusive}, source: manual}\n`;

  test('without it a parent that nobody knows is unknown, with it as the operator says', async () => {
    const files = new Files();
    const report = files.report('h.json', newdpa);
    const without = await run('assess', report);
    expect(without.out).toMatch(/^vp0 .*: unknown$/m);
    expect(without.out).toContain("-> if the device's vendor vouches for the page, say so in a file for --parents");
    const yes = await run('assess', report, '--parents', files.write('yes.yaml', own('yes')));
    expect(yes.code).toBe(0);
    expect(yes.out).toMatch(/^vp0 .*doorbells page-per-vq: safe$/m);
    expect(yes.out).toContain('that the page holds nothing else is your own word (manual)');
    const no = await run(
      'assess',
      report,
      '--parents',
      files.at('yes.yaml'),
      '--parents',
      files.write('no', own('no')),
    );
    expect(no.code).toBe(1);
    expect(no.out).toMatch(/^vp0 .*: unsafe$/m);
  });

  test('of two files that contradict each other the one that says no wins, in whatever order', async () => {
    const files = new Files();
    const report = files.report('h.json', newdpa);
    const [yes, no] = [files.write('yes.yaml', own('yes')), files.write('no.yaml', own('no'))];
    for (const [first, second] of [
      [yes, no],
      [no, yes],
    ] as const) {
      const { code, out } = await run('assess', report, '--parents', first, '--parents', second);
      expect(code).toBe(1);
      expect(out).toMatch(/^vp0 .*: unsafe$/m);
    }
  });

  test('gen counts on it as well', async () => {
    const files = new Files();
    const report = files.report('h.json', newdpa);
    const vm = files.spec({ interfaces: [{ id: 'net0', vdpa: 'vp0', hostNotifier: 'require' }] });
    const without = await run('gen', vm, '--host', report);
    expect(without.code).toBe(1);
    expect(without.err).toContain('plan.host-notifier-required');
    const own1 = files.write('own.yaml', own('yes'));
    const { code, out } = await run('gen', vm, '--host', report, '--parents', own1);
    expect(code).toBe(0);
    expect(out).toContain('page-per-vq=on');
  });

  test('validate judges as gen does, a spec and what gen made of it', async () => {
    const files = new Files();
    const report = files.report('h.json', newdpa);
    const vm = files.spec({
      interfaces: [{ id: 'net0', vdpa: 'vp0', hostNotifier: 'require', mac: '52:54:00:0d:0a:00' }],
    });
    const rows = ['--host', report, '--parents', files.write('own.yaml', own('yes'))];
    const args = files.write('vm.args', (await run('gen', vm, ...rows)).out);
    const codes = async (...more: string[]): Promise<string[]> => {
      const { out } = await run('validate', vm, args, ...more, '--json');
      return (JSON.parse(out) as Validation).findings.map(({ code }) => code);
    };
    expect(await codes('--host', report)).toEqual(
      expect.arrayContaining(['plan.host-notifier-required', 'validate.doorbell-unknown']),
    );
    const counted = await codes(...rows);
    expect(counted).not.toContain('plan.host-notifier-required');
    expect(counted).not.toContain('validate.doorbell-unknown');
  });

  test('a file that is no such thing: code 2, every mistake with its place', async () => {
    const files = new Files();
    const bad = files.write('bad.yaml', own('perhaps'));
    expect(await run('assess', capturedFile, '--parents', bad)).toEqual({
      code: 2,
      out: '',
      err: `vdpa-qemu: ${bad}: breaches schemas/parent-knowledge.schema.json\n  ${bad}:4:52: parents[0].exclusive must be one of "yes", "no", "pci-config", "unknown"; got "perhaps"\n`,
    });
    expect((await run('assess', capturedFile, '--parents', files.at('none'))).code).toBe(2);
  });

  test('baseline counts on it as well', async () => {
    const files = new Files();
    const report = files.report(
      'h.json',
      reportWith(device('vp0', { pci: null }), parentDriver('vp0', 'newdpa'), only('vp0')),
    );
    const of = async (...more: string[]): Promise<unknown> => {
      const { out } = await run('baseline', report, '--json', ...more);
      return (JSON.parse(out) as Baseline).classes[0]!.pagePerVq;
    };
    expect(await of()).toBe(false);
    expect(await of('--parents', files.write('own.yaml', own('yes')))).toBe(true);
  });

  test('guest-abi plans a spec as gen does', async () => {
    const files = new Files();
    const report = files.report('h.json', newdpa);
    const vm = files.spec({ interfaces: [{ id: 'net0', vdpa: 'vp0', mac: '52:54:00:0d:0a:00' }] });
    const rows = files.write('own.yaml', own('yes'));
    const digest = async (...more: string[]): Promise<string> =>
      (await run('guest-abi', vm, '--host', report, '--digest', ...more)).out.trim();
    const planned = await run('gen', vm, '--host', report, '--parents', rows);
    expect(planned.out).toContain(await digest('--parents', rows));
    expect(planned.out).not.toContain(await digest());
  });

  test('check-migration: a host notifier that the guest must keep', async () => {
    const files = new Files();
    const from = files.report('a.json', newdpa);
    const to = files.report('b.json', reportWith(device('vp0', { pci: null }), parentDriver('vp0', 'newdpa'), there));
    const vm = files.spec({
      interfaces: [{ id: 'net0', vdpa: 'vp0', hostNotifier: 'require', mac: '52:54:00:0d:0a:00' }],
    });
    const rows = files.write('own.yaml', own('yes'));
    const { out } = await run('check-migration', vm, '--from', from, '--to', to, '--json', '--parents', rows);
    const codes = (JSON.parse(out) as MigrationCheck).destinations[0]!.findings.map(({ code }) => code);
    expect(codes).not.toContain('migration.host-notifier-required');
    const without = await run('check-migration', vm, '--from', from, '--to', to);
    expect(without.code).toBe(1);
    expect(without.err).toContain('plan.host-notifier-required');
  });

  test('verify: a doorbell that is mapped although the operator says that it is not exclusive', async () => {
    const observation = await observeVm(new Replay('qemu-10.0-vp0-page-per-vq-on'), {
      process: {
        pid: 7,
        pageSize: 4096,
        arguments: ['-netdev', 'vhost-vdpa,id=vdpa0,vhostdev=/dev/vhost-vdpa-0'],
        files: new Map([[8, '/dev/vhost-vdpa-0']]),
        mappings: [0, 1].map((index) => ({ device: '/dev/vhost-vdpa-0', offset: index * 4096 })),
      },
    });
    const codes = (exclusive: string): string[] =>
      verifyVm(observation, { report: newdpa, parents: parseParents(own(exclusive), 'own.yaml') }).findings.map(
        ({ code }) => code,
      );
    expect(codes('yes')).not.toContain('verify.unsafe-doorbell');
    expect(codes('no')).toContain('verify.unsafe-doorbell');
  });
});

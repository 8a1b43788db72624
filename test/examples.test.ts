/**
 * Every shipped example and template is run. Expected outputs stand beside the spec as expected.args and expected.xml;
 * UPDATE_GOLDEN=1 rewrites them.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { HostReport } from '../src/model/generated/host-report.ts';
import { planVm } from '../src/plan/plan-vm.ts';
import { renderLibvirtXml } from '../src/render/libvirt-xml.ts';
import { renderQemuArgv } from '../src/render/qemu-argv.ts';
import { renderCommand } from '../src/render/shell.ts';
import { parseReports } from '../src/report/parse-reports.ts';
import { loadSpec } from '../src/spec/load.ts';
import { updateGolden } from './golden.ts';

const captured = 'examples/quickstart/host.json';
const examples: Record<string, { hosts: string[]; on: string }> = {
  quickstart: { hosts: [captured], on: 'l1' },
  'vdpa-disk': { hosts: [captured], on: 'l1' },
  'migration-domain': { hosts: [captured, 'examples/migration-domain/l2.json'], on: 'l1' },
};

async function reportsOf(files: readonly string[]): Promise<HostReport[]> {
  const reports = await Promise.all(files.map((file) => parseReports(readFileSync(file, 'utf8'), file)));
  return reports.flat();
}

function compare(file: string, text: string): void {
  if (updateGolden) writeFileSync(file, text);
  else expect(text).toBe(readFileSync(file, 'utf8'));
}

describe('examples', () => {
  test('every folder is a case here, and has no file that nothing reads', () => {
    // test/commands/libvirt-hook.test.ts runs what is in that folder
    const folders = readdirSync('examples', { withFileTypes: true }).filter(
      (entry) => entry.isDirectory() && entry.name !== 'libvirt-hook',
    );
    expect(folders.map(({ name }) => name).sort()).toEqual(Object.keys(examples).sort());
    const known = ['vm.yaml', 'host.json', 'l2.json', 'expected.args', 'expected.xml'];
    for (const { name } of folders) {
      expect(readdirSync(join('examples', name)).filter((file) => !known.includes(file))).toEqual([]);
    }
  });

  test.each(Object.entries(examples))(
    '%s gives what is kept beside it, in both formats',
    async (name, { hosts, on }) => {
      const file = `examples/${name}/vm.yaml`;
      const { spec, findings } = loadSpec(readFileSync(file, 'utf8'), file);
      expect(findings).toEqual([]);
      const { plan, findings: planned } = planVm(spec!, await reportsOf(hosts), on);
      expect(planned.filter(({ severity }) => severity === 'error')).toEqual([]);
      compare(`examples/${name}/expected.args`, renderCommand(renderQemuArgv(plan!)));
      compare(`examples/${name}/expected.xml`, renderLibvirtXml(plan!));
    },
  );
});

describe('templates', () => {
  const settings: Record<string, string[]> = {
    net: ['interfaces.0.vdpa=vp0', 'machine=pc-q35-10.0'],
    'net-require': ['interfaces.0.vdpa=vp0', 'machine=pc-q35-10.0'],
    block: ['machine=pc-q35-10.0'],
    migratable: [
      'migration.hosts=[l1]',
      'interfaces.0.vdpa=vp0',
      'interfaces.0.mac=52:54:00:0d:0a:00',
      'machine=pc-q35-10.0',
    ],
  };

  test('every template is a case here', () => {
    const names = readdirSync('templates').map((name) => name.replace('.yaml', ''));
    expect(names.sort()).toEqual(Object.keys(settings).sort());
  });

  test.each(Object.entries(settings))('%s can be used with --set', (name, values) => {
    expect(existsSync('dist/bin.js')).toBe(true);
    const set = values.flatMap((value) => ['--set', value]);
    const args = ['dist/bin.js', 'gen', '--template', name, ...set, '--host', captured];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect({ status, errors: stderr.split('\n').filter((line) => line.includes(' error: ')) }).toEqual({
      status: 0,
      errors: [],
    });
    expect(stdout).toContain('-name guest=vm1');
  });

  test.each(Object.keys(settings))('%s is a sound spec as it stands', (name) => {
    const file = `templates/${name}.yaml`;
    expect(loadSpec(readFileSync(file, 'utf8'), file).findings).toEqual([]);
  });
});

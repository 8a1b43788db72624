/** Every parser of the project, with texts for it. A parser takes any text: it returns, or throws a VdpaQemuError. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { parseCapabilities } from '../../src/host/pci-config.ts';
import { parseMaps } from '../../src/host/proc-maps.ts';
import { LineSplitter } from '../../src/host/qmp-lines.ts';
import { parseQmpMessage } from '../../src/host/qmp-message.ts';
import { showDeviceConfig, showDevices, showManagementDevices } from '../../src/host/vdpa-tool.ts';
import { parseParents } from '../../src/doorbell/parse-parents.ts';
import { fromPlan } from '../../src/import/from-plan.ts';
import { parseOptionValues } from '../../src/import/option-values.ts';
import { readGuestConfiguration } from '../../src/import/read.ts';
import { wordsOf } from '../../src/import/words.ts';
import type { HostReport } from '../../src/model/generated/host-report.ts';
import type { VmPlan } from '../../src/model/generated/vm-plan.ts';
import { parseReports } from '../../src/report/parse-reports.ts';
import { ReportReader } from '../../src/report/report-reader.ts';
import { loadSpec } from '../../src/spec/load.ts';
import { applySettings } from '../../src/spec/template.ts';
import { parseYamlStream } from '../../src/spec/yaml-document.ts';
import { validateDocument } from '../../src/validate/validate-document.ts';
import { around, golden, jsonLeaves, withLeaves, xmlLeaves, type Leaves } from './inputs.ts';

export interface Parser {
  readonly name: string;
  readonly texts: fc.Arbitrary<string>;
  readonly run: (text: string) => unknown;
}

const report = JSON.stringify(JSON.parse(readFileSync('examples/quickstart/host.json', 'utf8')));
const qmp = [
  '{"QMP": {"version": {"qemu": {"micro": 2, "minor": 0, "major": 10}, "package": "x"}, "capabilities": ["oob"]}}',
  '{"return": {"a": [1, "b", null]}, "id": 7}\r\n{"return": {}, "id": 8}',
  '{"id": 3, "error": {"class": "GenericError", "desc": "no"}}',
  '{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "STOP", "data": {"a": 1}}',
];
const vdpaJson = ['dev-show', 'dev-config-show-sim0', 'mgmtdev-show'].map((name) =>
  readFileSync(`test/fixtures/l1-host/vdpa/${name}.json`, 'utf8'),
);
const config = readFileSync('test/fixtures/l1-host/sys/devices/pci0000:00/0000:00:04.0/config').toString('latin1');
const maps =
  '7f0cc0000000-7f0cc0001000 -w-s 00001000 00:06 617                        /dev/vhost-vdpa-0\n7f0-7f1 rw-p 0 00:00 0\n';
const options = [
  'virtio-net-pci,netdev=n0,mac=52:54:00:00:00:01,page-per-vq=on',
  '{"driver":"virtio-net-pci","netdev":"n0","file":{"driver":"file"}}',
  'socket,id=qmp,path=/run/a,,b,server=on,wait=off',
];

const configurations = golden('expected.plan.json').map((text) => JSON.stringify(fromPlan(JSON.parse(text) as VmPlan)));
const interfaces = golden('expected.xml').flatMap((text) => /<interface[^]*?<\/interface>/.exec(text)?.[0] ?? []);

/** A command line as /proc/PID/cmdline has it, and as `gen --json` gives it. */
function asWords(text: string): string[] {
  const words = wordsOf(text, 'vm.args').map((word) => word.text);
  return [`${words.join('\0')}\0`, JSON.stringify(words)];
}

/** Half of them still well-formed. */
const both = (samples: readonly string[], leaves: Leaves): fc.Arbitrary<string> =>
  fc.oneof(around(samples), withLeaves(samples, leaves));

async function askTool(stdout: string): Promise<unknown> {
  const run = (): Promise<{ stdout: string }> => Promise.resolve({ stdout });
  return [await showDevices(run), await showManagementDevices(run), await showDeviceConfig('sim0', run)];
}

function qmpLines(text: string): unknown[] {
  const bytes = Buffer.from(text, 'utf8');
  const splitter = new LineSplitter(1 << 20);
  const messages: unknown[] = [];
  const half = bytes.length >> 1;
  for (const chunk of [bytes.subarray(0, half), bytes.subarray(half), Buffer.from('\n')]) {
    for (const line of splitter.push(chunk)) messages.push(parseQmpMessage(line));
  }
  return messages;
}

export const parsers: readonly Parser[] = [
  { name: 'spec', texts: around(golden('spec.yaml')), run: (text) => loadSpec(text, 'vm.yaml').findings },
  { name: 'host report', texts: both([report], jsonLeaves), run: (text) => parseReports(text, 'host') },
  {
    name: 'report stream',
    texts: both([report], jsonLeaves),
    run: (text) => new ReportReader().read(Buffer.from(text, 'utf8'), 'host'),
  },
  {
    name: 'YAML stream',
    texts: around([...golden('spec.yaml'), 'a: &a [1]\n---\nb: *a\n']),
    run: (text) => [...parseYamlStream(text, 'stream')],
  },
  {
    name: 'libvirt XML',
    texts: both(golden('expected.xml'), xmlLeaves),
    run: (text) => readGuestConfiguration(text, { as: 'libvirt' }).findings,
  },
  {
    name: 'QEMU command line',
    texts: around(golden('expected.args')),
    run: (text) => readGuestConfiguration(text, { as: 'qemu-argv' }).findings,
  },
  {
    name: 'plan',
    texts: both(golden('expected.plan.json'), jsonLeaves),
    run: (text) => readGuestConfiguration(text, { as: 'plan' }).findings,
  },
  {
    name: 'any configuration',
    texts: around([...golden('expected.args'), ...golden('expected.plan.json')]),
    run: (text) => readGuestConfiguration(text, { reports: [] }).findings,
  },
  {
    name: 'validation',
    texts: fc.oneof(
      withLeaves(golden('expected.xml'), xmlLeaves),
      around([...golden('expected.args'), ...golden('spec.yaml')]),
    ),
    run: (text) => validateDocument(text, { reports: [JSON.parse(report) as HostReport] }),
  },
  {
    name: 'guest configuration',
    texts: both(configurations, jsonLeaves),
    run: (text) => validateDocument(text, { as: 'guest-configuration' }),
  },
  {
    name: 'libvirt interface',
    texts: both(interfaces, xmlLeaves),
    run: (text) => validateDocument(text, { as: 'libvirt-interface' }),
  },
  {
    name: 'command line as words',
    texts: around(golden('expected.args').flatMap(asWords)),
    run: (text) => validateDocument(text, { as: 'qemu-argv' }),
  },
  {
    name: 'parents',
    texts: around([readFileSync('docs/parents-example.yaml', 'utf8')]),
    run: (text) => parseParents(text, 'own'),
  },
  {
    name: 'settings',
    texts: around(['interfaces.0.vdpa=vp1', 'migration.hosts=[a, b]', 'cpu={model: EPYC, count: 2}']),
    run: (text) => applySettings(golden('spec.yaml')[0] ?? '', [text]),
  },
  { name: 'option', texts: around(options), run: (text) => parseOptionValues(text, 'driver') },
  { name: 'QMP lines', texts: both(qmp, jsonLeaves), run: qmpLines },
  { name: 'vdpa JSON', texts: both(vdpaJson, jsonLeaves), run: askTool },
  {
    name: 'PCI config space',
    texts: around([config]),
    run: (text) => parseCapabilities(Buffer.from(text, 'latin1')),
  },
  { name: '/proc maps', texts: around([maps]), run: parseMaps },
];

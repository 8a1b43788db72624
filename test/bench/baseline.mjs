// How the baseline of many hosts grows: `vdpa-qemu baseline` reads 1,000, 3,000 and 10,000 reports from one file; and
// what it costs where hosts have little, and where they have nothing in common. Compared with a process that reads the
// same lines and gives each to JSON.parse, run in turns with it.
import { spawn } from 'node:child_process';
import { createWriteStream, readFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import os from 'node:os';
import path from 'node:path';

const captured = JSON.parse(readFileSync('examples/quickstart/host.json', 'utf8'));
const rounds = 3;

/** What each host has of its own: name, MACs and the addresses of its BARs; some kernels and QEMU versions. */
function alike(report, index) {
  report.host.name = `host${index}`;
  report.host.kernelRelease = `6.12.${index % 20}`;
  report.qemu[0].capabilities.version = `10.0.${index % 4}`;
  report.devices.forEach((device, place) => {
    const { config } = device.identity;
    const hex = (shift) => ((index >> shift) & 255).toString(16).padStart(2, '0');
    if (config.mac !== undefined) config.mac = `52:54:0${place}:${hex(16)}:${hex(8)}:${hex(0)}`;
    for (const bar of device.pci?.bars ?? [])
      bar.start = `0x${(BigInt(bar.start) + BigInt(index) * 0x1000000n).toString(16)}`;
  });
}

/** 240 QEMUs, each host's at a path of its own; 120 kernels, each host's of its own build; 12 feature words, 8 CPUs. */
function mixed(report, index) {
  alike(report, index);
  const { host, qemu } = report;
  host.kernelRelease = `6.12.${index % 120}`;
  host.kernelVersion = `#1 SMP PREEMPT_DYNAMIC build ${index}`;
  host.cpu = { vendor: 'GenuineIntel', model: `Model ${index % 8}`, count: 2 + (index % 64) };
  const kind = index % 240;
  const { capabilities } = qemu[0];
  qemu[0].path = `/opt/qemu-${index}/bin/qemu-system-x86_64`;
  capabilities.version = `${8 + (kind % 3)}.${kind % 2}.${kind % 10}`;
  capabilities.package = `build-${kind}`;
  capabilities.machines.splice(kind % 20, 1);
  capabilities.deviceProperties['virtio-net-pci'].splice(kind % 40, 1);
  for (const { identity } of report.devices) {
    for (const set of [identity.features, identity.negotiation]) addBits(set, BigInt(index % 12) << 50n);
  }
}

/** No text of some length, no feature word, no virtqueue and no PCI capability is in two reports. */
function strangers(report, index) {
  mixed(report, index);
  const { capabilities } = report.qemu[0];
  capabilities.package = `build-${index}`;
  for (const names of Object.values(capabilities.deviceProperties)) names?.push(`x-own-${index}`);
  for (const { features } of report.vdpa.managementDevices) addBits(features, BigInt(index) << 42n);
  for (const { identity, virtqueues, pci } of report.devices) {
    for (const set of [identity.features, identity.backendFeatures, identity.negotiation])
      addBits(set, BigInt(index) << 42n);
    for (const queue of Array.isArray(virtqueues) ? virtqueues : []) queue.size = 256 + index;
    for (const capability of pci?.capabilities?.virtio ?? []) capability.length += 4096 * index;
  }
}

function addBits(set, bits) {
  if (set?.bits === undefined) return;
  set.bits = `0x${(BigInt(set.bits) | bits).toString(16)}`;
  set.names.push(`own${bits}`);
}

/** Ratio and MiB that are promised; growth is that of the fleets of the first kind. */
const fleets = [
  { count: 1000, make: alike, what: '' },
  { count: 3000, make: alike, what: '' },
  { count: 10_000, make: alike, what: '', ratio: 2 },
  {
    count: 10_000,
    make: mixed,
    what: ' (240 QEMUs, 120 kernels, 12 feature words; own paths, builds, MACs, BARs)',
    ratio: 2,
  },
  { count: 10_000, make: strangers, what: ' that have nothing in common', ratio: 4 },
];
const mostMiB = 400;

async function makeReports(file, count, make) {
  const out = createWriteStream(file);
  for (let index = 0; index < count; index++) {
    const report = structuredClone(captured);
    make(report, index);
    if (!out.write(`${JSON.stringify(report)}\n`)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'finish');
}

const parser = `
const fs = require('fs');
const fd = fs.openSync(process.argv[1]);
let rest = '';
const chunk = Buffer.allocUnsafe(1 << 18);
for (let read = 1; read > 0; ) {
  read = fs.readSync(fd, chunk);
  const lines = (rest + chunk.toString('utf8', 0, read)).split('\\n');
  rest = lines.pop();
  for (const line of lines) JSON.parse(line);
}
`;

/** CPU and wall seconds and peak resident MiB of one process, as it tells them at its end. */
async function cost(hook, args) {
  const child = spawn(process.execPath, ['-r', hook, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let err = '';
  child.stderr.on('data', (data) => (err += data));
  const started = performance.now();
  const [code] = await once(child, 'exit');
  const wall = (performance.now() - started) / 1000;
  const [, cpu, rss] = /cost (\S+) (\S+)/.exec(err) ?? [];
  if (code !== 0 || cpu === undefined) throw new Error(`node ${args.join(' ')} ended with ${code}: ${err}`);
  return { wall, cpu: Number(cpu), rss: Number(rss) };
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** Rows of what was measured: what, found, promise, kept. */
export async function baselineRows() {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'vdpa-qemu-bench-'));
  try {
    const hook = path.join(directory, 'cost.cjs');
    writeFileSync(
      hook,
      `process.on('exit', () => { const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
        require('fs').writeSync(2, \`cost \${(userCPUTime + systemCPUTime) / 1e6} \${maxRSS / 1024}\`); });`,
    );
    const found = [];
    for (const { count, make, what, ratio: promised } of fleets) {
      const file = path.join(directory, 'reports.ndjson');
      await makeReports(file, count, make);
      const [ours, theirs] = [[], []];
      for (let round = 0; round < rounds; round++) {
        theirs.push(await cost(hook, ['-e', parser, file]));
        ours.push(await cost(hook, ['dist/bin.js', 'baseline', file, '--quiet']));
      }
      const of = (runs, key) => median(runs.map((run) => run[key]));
      const ratio = median(ours.map((run, round) => run.cpu / theirs[round].cpu));
      found.push({
        count,
        make,
        what,
        promised,
        ratio,
        cpu: of(ours, 'cpu'),
        wall: of(ours, 'wall'),
        rss: of(ours, 'rss'),
      });
      rmSync(file);
    }
    const [first, , last] = found.filter(({ make }) => make === alike);
    const growth = last.cpu / first.cpu / (last.count / first.count);
    return [
      ...found.map(({ count, what, promised, ratio, cpu, wall, rss }) => [
        `baseline of ${count} reports${what}: CPU time against JSON.parse of the same lines (and s CPU, s, MiB)`,
        `${ratio.toFixed(2)} (${cpu.toFixed(2)}, ${wall.toFixed(2)}, ${rss.toFixed(0)})`,
        promised === undefined ? '' : `at most ${promised.toFixed(1)}, under ${mostMiB} MiB`,
        promised === undefined || (ratio <= promised && rss < mostMiB),
      ]),
      ['baseline, CPU time per report at 10,000 against 1,000', growth.toFixed(2), 'at most 1.2', growth <= 1.2],
    ];
  } finally {
    rmSync(directory, { recursive: true });
  }
}

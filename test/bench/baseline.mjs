// How the baseline of many hosts grows: `vdpa-qemu baseline` reads 1,000, 3,000 and 10,000 reports from one file.
// Compared with a process that reads the same lines and gives each to JSON.parse, run in turns with it.
import { spawn } from 'node:child_process';
import { createWriteStream, readFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import os from 'node:os';
import path from 'node:path';

const captured = JSON.parse(readFileSync('examples/quickstart/host.json', 'utf8'));
const sizes = [1000, 3000, 10_000];
const rounds = 3;

/** What a fleet would send: each host its own name, addresses and MACs, some kernels and QEMU versions, some features. */
async function makeReports(file, count) {
  const out = createWriteStream(file);
  for (let index = 0; index < count; index++) {
    const report = structuredClone(captured);
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
    for (const count of sizes) {
      const file = path.join(directory, `${count}.ndjson`);
      await makeReports(file, count);
      const [ours, theirs] = [[], []];
      for (let round = 0; round < rounds; round++) {
        theirs.push(await cost(hook, ['-e', parser, file]));
        ours.push(await cost(hook, ['dist/bin.js', 'baseline', file, '--quiet']));
      }
      const of = (runs, key) => median(runs.map((run) => run[key]));
      const ratio = median(ours.map((run, round) => run.cpu / theirs[round].cpu));
      found.push({ count, ratio, cpu: of(ours, 'cpu'), wall: of(ours, 'wall'), rss: of(ours, 'rss') });
      rmSync(file);
    }
    const [first, , last] = found;
    const growth = last.cpu / first.cpu / (last.count / first.count);
    return [
      ...found.map(({ count, ratio, cpu, wall, rss }) => [
        `baseline of ${count} reports: CPU time against JSON.parse of the same lines (and s CPU, s, MiB)`,
        `${ratio.toFixed(2)} (${cpu.toFixed(2)}, ${wall.toFixed(2)}, ${rss.toFixed(0)})`,
        count === 10_000 ? 'at most 2.0, under 400 MiB' : '',
        count < 10_000 || (ratio <= 2 && rss < 400),
      ]),
      ['baseline, CPU time per report at 10,000 against 1,000', growth.toFixed(2), 'at most 1.2', growth <= 1.2],
    ];
  } finally {
    rmSync(directory, { recursive: true });
  }
}

// What it costs, as ratios measured side by side on this machine: start-up against `node -e 0`, memory, and what one VM
// that is planned and rendered costs against JSON.parse of the host's report. `npm run bench`; fails where a promise is
// broken.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { buildSync } from 'esbuild';
import { baselineRows } from './baseline.mjs';
import { parseReports, loadSpec, planVm, renderQemuArgv, renderLibvirtXml } from 'vdpa-qemu';

const host = 'examples/quickstart/host.json';
const spec = 'examples/quickstart/vm.yaml';
const rounds = 15;

/** Wall milliseconds and peak resident KiB of one process (Linux /proc via `getrusage` of the child). */
function run(args) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'ignore'] });
    child.on('error', reject).on('exit', (code) => {
      if (code !== 0) reject(new Error(`node ${args.join(' ')} ended with ${code}`));
      else resolve(performance.now() - start);
    });
  });
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const gen = ['dist/bin.js', 'gen', spec, '--host', host, '--quiet'];

await run(gen);
const walls = [];
const bases = [];
for (let round = 0; round < rounds; round++) {
  bases.push(await run(['-e', '0']));
  walls.push(await run(gen));
}
const ratios = walls.map((wall, index) => wall / bases[index]);

/** Peak RSS in MiB: the process tells its own at exit. */
function peakRss(args) {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'vdpa-qemu-bench-'));
  const hook = path.join(directory, 'rss.cjs');
  writeFileSync(hook, "process.on('exit', () => require('fs').writeSync(2, `rss ${process.resourceUsage().maxRSS}`));");
  const { stderr } = spawnSync(process.execPath, ['-r', hook, ...args], { encoding: 'utf8' });
  rmSync(directory, { recursive: true });
  return Number(/rss (\d+)/.exec(stderr)?.[1] ?? Number.NaN) / 1024;
}

/** Milliseconds that a probe holds a device open, each in a new process; undefined without gcc. */
function heldOpen() {
  if (spawnSync('gcc', ['--version']).status !== 0) return undefined;
  const directory = mkdtempSync(path.join(os.tmpdir(), 'vdpa-qemu-bench-'));
  const source = 'test/host/fake-vhost-vdpa.c';
  execFileSync('gcc', ['-shared', '-fPIC', `-DDIRECTORY="${directory}"`, '-o', `${directory}/fake.so`, source]);
  writeFileSync(`${directory}/scenario`, '');
  const outfile = 'node_modules/.cache/held-open.mjs';
  const entryPoints = ['test/bench/held-open.ts'];
  buildSync({ entryPoints, outfile, bundle: true, platform: 'node', format: 'esm', packages: 'external' });
  const times = Array.from({ length: 11 }, () => Number(execFileSync(process.execPath, [outfile, directory])) / 1000);
  rmSync(directory, { recursive: true });
  return times;
}

/** Observing a VM whose 64 queue pairs and control virtqueue are all in use, and the same questions one by one. */
function observe() {
  const outfile = 'node_modules/.cache/round-trips.mjs';
  const entryPoints = ['test/bench/round-trips.ts'];
  buildSync({ entryPoints, outfile, bundle: true, platform: 'node', format: 'esm', packages: 'external' });
  return JSON.parse(execFileSync(process.execPath, [outfile, 'test/fixtures/qmp/qemu-10.0-64-queue-pairs.json']));
}

const reportText = readFileSync(host, 'utf8');
const report = (await parseReports(reportText, host))[0];
const text = readFileSync(spec, 'utf8');
const { spec: complete } = loadSpec(text, spec);
const planAndRender = () => {
  const { plan } = planVm(complete, [report]);
  return renderQemuArgv(plan).length + renderLibvirtXml(plan).length;
};
const [vm, parsed] = turns(planAndRender, () => JSON.parse(reportText));

/** Median milliseconds of two things, taken in turns, each when it has run for a while. */
function turns(one, other) {
  const times = [one, other].map((work) => {
    for (let index = 0; index < 2000; index++) work();
    return { work, taken: [] };
  });
  for (let round = 0; round < 21; round++) {
    for (const { work, taken } of times) {
      const started = performance.now();
      for (let index = 0; index < 200; index++) work();
      taken.push((performance.now() - started) / 200);
    }
  }
  return times.map(({ taken }) => median(taken));
}

const held = heldOpen();
if (!held) console.log('skip held-open time: no gcc to make the device with');
const rss = peakRss(gen);
const { pipelined, sequential } = observe();
const rows = [
  ['gen, wall time against `node -e 0` (median ratio)', median(ratios).toFixed(2), 'at most 2.0', median(ratios) <= 2],
  ['gen, wall time (median ms)', median(walls).toFixed(0), '', true],
  ['gen, peak RSS (MiB)', rss.toFixed(0), 'under 90', rss < 90],
  ...(held
    ? [
        [
          `probe, device held open, cold, against the start of node (${median(held).toFixed(1)} ms)`,
          (median(held) / median(bases)).toFixed(2),
          'at most 0.2',
          median(held) / median(bases) <= 0.2,
        ],
      ]
    : []),
  [
    `round trips to observe ${pipelined.virtqueues} virtqueues (one by one: ${sequential.bursts})`,
    pipelined.bursts,
    'at most 8',
    pipelined.bursts <= 8,
  ],
  [
    `a VM planned and rendered in both formats, against JSON.parse of the host's report (${(1000 / vm).toFixed(0)} VMs a second)`,
    (vm / parsed).toFixed(2),
    'at most 2.0',
    vm / parsed <= 2,
  ],
  ...(await baselineRows()),
];
for (const [what, found, promise, kept] of rows)
  console.log(`${kept ? 'ok  ' : 'FAIL'} ${what}: ${found}${promise && ` (${promise})`}`);
if (rows.some(([, , , kept]) => !kept)) process.exitCode = 1;

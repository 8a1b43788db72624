// What it costs, as ratios measured side by side on this machine: start-up against `node -e 0`, memory, and how many
// VMs a second one process plans and renders. `npm run bench`; fails where a promise of the README is broken.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
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
const ratios = [];
const walls = [];
for (let round = 0; round < rounds; round++) {
  const base = await run(['-e', '0']);
  const ours = await run(gen);
  ratios.push(ours / base);
  walls.push(ours);
}

/** Peak RSS: the process tells its own at exit. */
function peakRss(args) {
  return new Promise((resolve) => {
    const hook = "process.on('exit',()=>require('fs').writeSync(2,'\\nrss '+process.resourceUsage().maxRSS))";
    const child = spawn(process.execPath, ['-r', `data:text/javascript,${hook}`, ...args]);
    let text = '';
    child.stderr.on('data', (chunk) => (text += chunk));
    child.on('exit', () => resolve(Number(/rss (\d+)/.exec(text)?.[1] ?? Number.NaN)));
  });
}

const report = (await parseReports(readFileSync(host, 'utf8'), host))[0];
const text = readFileSync(spec, 'utf8');
const { spec: complete } = loadSpec(text, spec);
const planAndRender = () => {
  const { plan } = planVm(complete, [report]);
  return renderQemuArgv(plan).length + renderLibvirtXml(plan).length;
};
for (let index = 0; index < 2000; index++) planAndRender();
const started = performance.now();
const count = 20_000;
for (let index = 0; index < count; index++) planAndRender();
const perSecond = (count / (performance.now() - started)) * 1000;

const rows = [
  ['gen, wall time against `node -e 0` (median ratio)', median(ratios).toFixed(2), 'at most 2.0', median(ratios) <= 2],
  ['gen, wall time (median ms)', median(walls).toFixed(0), '', true],
  ['gen, peak RSS (MiB)', ((await peakRss(gen)) / 1024).toFixed(0), 'under 90', true],
  ['VMs planned and rendered in both formats a second', perSecond.toFixed(0), 'at least 20000', perSecond >= 20_000],
];
for (const [what, found, promise, kept] of rows)
  console.log(`${kept ? 'ok  ' : 'FAIL'} ${what}: ${found}${promise && ` (${promise})`}`);
if (rows.some(([, , , kept]) => !kept)) process.exitCode = 1;

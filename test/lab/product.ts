/** The built product, run in L1 as a user would. */
import { readFile } from 'node:fs/promises';
import type { Assessment } from '../../src/model/generated/assessment.ts';
import type { HostReport } from '../../src/model/generated/host-report.ts';
import { full } from './extent.ts';
import type { L1, RunResult } from './l1.ts';

const timeoutMs = 300_000;

/** The commands that an L1 has seen in a process of their own. */
const seen = new WeakMap<L1, Set<string>>();
let inputs = 0;

/**
 * Runs `vdpa-qemu ARGS` in L1. In a full run each call is a process of its own, as it is for a user. In the usual run only
 * the first of each command is, and each launch; the others go to a process that stays, for to start Node takes an
 * emulated machine longer than the command itself.
 */
export async function product(l1: L1, args: readonly string[], stdin?: string): Promise<RunResult> {
  const [command = ''] = args;
  const met = seen.get(l1) ?? firstCall(l1);
  if (full || command === 'launch' || !met.has(command)) {
    met.add(command);
    return await l1.run(['vdpa-qemu', ...args], { timeoutMs, ...(stdin === undefined ? {} : { stdin }) });
  }
  if (stdin === undefined) return await l1.runWarm(args, timeoutMs);
  const file = `/tmp/input-${++inputs}`;
  await l1.writeFile(file, stdin);
  return await l1.runWarm(
    args.map((word) => (word === '-' ? file : word)),
    timeoutMs,
  );
}

/** In the usual run the process that stays starts beside the first call. */
function firstCall(l1: L1): Set<string> {
  const met = new Set<string>();
  seen.set(l1, met);
  // if it fails, so does the first call that needs it
  if (!full) l1.runWarm(['--version'], timeoutMs).catch(() => undefined);
  return met;
}

/** The same, for a call that must succeed: its standard output. */
export async function productOk(l1: L1, args: readonly string[], stdin?: string): Promise<string> {
  const { code, stdout, stderr } = await product(l1, args, stdin);
  if (code !== 0) throw new Error(`vdpa-qemu ${args.join(' ')} ended with ${code}\n${stderr}`);
  return stdout;
}

export async function probe(l1: L1, ...args: string[]): Promise<HostReport> {
  return JSON.parse(await productOk(l1, ['probe', '--quiet', ...args])) as HostReport;
}

export async function assess(l1: L1, report: HostReport): Promise<Assessment> {
  const { code, stdout, stderr } = await product(l1, ['assess', '-', '--json'], JSON.stringify(report));
  if (code === 2) throw new Error(stderr);
  return JSON.parse(stdout) as Assessment;
}

/** The repository's own copy of a shipped file. */
export async function shipped(name: string): Promise<string> {
  return await readFile(name, 'utf8');
}

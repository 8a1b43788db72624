/** The built product, run in L1 as a user would. */
import { readFile } from 'node:fs/promises';
import type { Assessment } from '../../src/model/generated/assessment.ts';
import type { HostReport } from '../../src/model/generated/host-report.ts';
import type { L1, RunResult } from './l1.ts';

/** Runs `vdpa-qemu ARGS` in L1. */
export async function product(l1: L1, args: readonly string[], stdin?: string): Promise<RunResult> {
  return await l1.run(['vdpa-qemu', ...args], { timeoutMs: 300_000, ...(stdin === undefined ? {} : { stdin }) });
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

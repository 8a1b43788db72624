import { isKnown, isUnknown, unknown, type Fact } from '../model/fact.ts';
import { runProgram, type RunProgram } from './program.ts';

/** Bytes of a page of this host, by `getconf PAGESIZE`: where no system call can be made, or is worth it. */
export async function pageSizeByProgram(run: RunProgram): Promise<Fact<number>> {
  const output = await run('getconf', ['PAGESIZE']);
  if (isUnknown(output)) return output;
  const size = Number(output.stdout.trim());
  return Number.isSafeInteger(size) && size > 0 ? size : unknown('malformed', 'getconf PAGESIZE gave no number');
}

let known: number | undefined;

/** The same, for who asks again and again: it stays what it is while the kernel runs. */
export async function pageSizeOnce(): Promise<Fact<number>> {
  if (known !== undefined) return known;
  const size = await pageSizeByProgram(runProgram);
  if (isKnown(size)) known = size;
  return size;
}

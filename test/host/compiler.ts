import { execFileSync, spawnSync } from 'node:child_process';

/** Why C cannot be compiled here; undefined: it can. */
export function noCompiler(): string | undefined {
  const { error, status } = spawnSync('gcc', ['--version']);
  return error === undefined && status === 0 ? undefined : 'no gcc on this machine';
}

/** Compiles C text into `output`. @throws with gcc's messages */
export function compile(source: string, output: string, flags: readonly string[] = []): void {
  execFileSync('gcc', ['-x', 'c', '-Wall', '-Werror', '-O1', ...flags, '-o', output, '-'], {
    input: source,
    stdio: 'pipe',
  });
}

/** Reporter: what was skipped, and why. The reason is the note of skip(), or stands in the name of the test or its suite. */
import type { Reporter, TestCase, TestModule } from 'vitest/node';

export default class Skips implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = new Map<string, number>();
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const line = `${module.relativeModuleId} > ${whatOf(test)}`;
        lines.set(line, (lines.get(line) ?? 0) + 1);
      }
    }
    for (const [line, count] of lines) console.log(`skipped ${count}: ${line}`);
  }
}

/** A test that was skipped alone, or the outermost suite that was skipped with all it has. */
function whatOf(test: TestCase): string {
  const result = test.result();
  if (result.state === 'skipped' && result.note !== undefined) return `${test.fullName}: ${result.note}`;
  let what: { fullName: string } = test;
  let around = test.parent;
  while (around.type === 'suite') {
    if (around.options.mode === 'skip') what = around;
    around = around.parent;
  }
  return what.fullName;
}

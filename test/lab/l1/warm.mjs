/**
 * The product's command line in a process that stays, a child of the agent: main() of dist/cli.cjs, called as dist/bin.js
 * calls it, one call at a time. In an emulated machine a start of Node costs more than most commands.
 *
 *   [word, ..]  ->  {code, stdout, stderr}
 */
import { createRequire } from 'node:module';

const { main } = createRequire(import.meta.url)('/project/dist/cli.cjs');

process.on('message', async (words) => {
  const output = { stdout: '', stderr: '' };
  const code = await main(words, {
    out: (text) => (output.stdout += text),
    err: (text) => (output.stderr += text),
    color: false,
  });
  process.send({ code, ...output });
});
process.on('disconnect', () => process.exit());

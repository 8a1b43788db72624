#!/usr/bin/env node
import { fileURLToPath } from 'node:url';
import type { main as mainOf } from './cli.ts';
import { loadBundle } from './host/code-cache.ts';
import { writeTo } from './host/standard-streams.ts';

const { main } = loadBundle(fileURLToPath(new URL('cli.cjs', import.meta.url))).exports as { main: typeof mainOf };

process.exitCode = await main(process.argv.slice(2), {
  out: (text) => writeTo(1, text),
  err: (text) => writeTo(2, text),
  color: process.stdout.isTTY && process.env['NO_COLOR'] === undefined,
});

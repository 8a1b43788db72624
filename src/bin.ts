#!/usr/bin/env node
import { main } from './cli.ts';
import { writeTo } from './host/standard-streams.ts';

process.exitCode = await main(process.argv.slice(2), {
  out: (text) => writeTo(1, text),
  err: (text) => writeTo(2, text),
  color: process.stdout.isTTY && process.env['NO_COLOR'] === undefined,
});

import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import vm from 'node:vm';

/** A CommonJS bundle that was loaded, and the compiled code of what has run of it so far. */
export interface LoadedBundle {
  readonly exports: unknown;
  /** V8's code cache; made after a run it also holds the functions that the run needed */
  readonly codeCache: () => Buffer;
}

/**
 * Loads a CommonJS bundle with the code cache that the build left beside it (`FILE.cache`), which halves start-up.
 * V8 itself refuses a cache that is not of this very source, version and flags; then it compiles as usual.
 */
export function loadBundle(file: string): LoadedBundle {
  const source = fs.readFileSync(file, 'utf8');
  const cachedData = readCache(`${file}.cache`);
  const wrapped = `(function (exports, require, module, __filename, __dirname) {${source}\n})`;
  const script = new vm.Script(wrapped, { filename: file, ...(cachedData ? { cachedData } : {}) });
  const module: { exports: unknown } = { exports: {} };
  const run = script.runInThisContext() as (...names: unknown[]) => void;
  run(module.exports, createRequire(file), module, file, path.dirname(file));
  return { exports: module.exports, codeCache: () => script.createCachedData() };
}

function readCache(file: string): Buffer | undefined {
  try {
    return fs.readFileSync(file);
  } catch {
    return undefined;
  }
}

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
 * Where the code cache of a bundle is kept. V8 refuses a cache of another source, version or flags, but takes one of
 * another architecture and then dies of it (seen: made on x64, read on arm64, Node 20.19).
 */
export function codeCacheOf(file: string): string {
  return `${file}.${process.arch}-${process.versions.v8}.cache`;
}

/** Loads a CommonJS bundle with the code cache that the build left beside it, which halves start-up. */
export function loadBundle(file: string): LoadedBundle {
  const source = fs.readFileSync(file, 'utf8');
  const cachedData = readCache(codeCacheOf(file));
  const wrapped = `(function (exports, require, module, __filename, __dirname, __import) {${source}\n})`;
  const script = new vm.Script(wrapped, { filename: file, ...(cachedData ? { cachedData } : {}) });
  const module: { exports: unknown } = { exports: {} };
  const run = script.runInThisContext() as (...names: unknown[]) => void;
  // import() within a script needs an experimental flag: the bundle is given one from outside (relax-ng.ts)
  const load = (name: string): Promise<unknown> => import(name);
  run(module.exports, createRequire(file), module, file, path.dirname(file), load);
  return { exports: module.exports, codeCache: () => script.createCachedData() };
}

function readCache(file: string): Buffer | undefined {
  try {
    return fs.readFileSync(file);
  } catch {
    return undefined;
  }
}

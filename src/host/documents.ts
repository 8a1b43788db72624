import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { VdpaQemuError } from '../model/error.ts';
import { printable } from '../model/fact.ts';
import { documentLabel, standardInput } from '../model/standard-input.ts';
import { errnoOf } from './errno.ts';

/**
 * Reads a text document that a person names; `standardInput` is standard input.
 * @param maxBytes more than this is refused before it is read
 * @throws VdpaQemuError not-found, permission or bad-input (too large, a directory, not UTF-8)
 */
export function readDocument(file: string, maxBytes: number): string {
  const label = printable(documentLabel(file));
  let bytes: Buffer;
  try {
    bytes = file === standardInput ? readBounded(0, maxBytes) : readFile(file, maxBytes);
  } catch (cause) {
    if (cause instanceof TooLarge) {
      throw new VdpaQemuError('bad-input', `${label}: larger than ${maxBytes} bytes`, { cause });
    }
    throw documentError(label, cause);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new VdpaQemuError('bad-input', `${label}: is not UTF-8 text`, { cause });
  }
}

class TooLarge extends Error {}

function readFile(file: string, maxBytes: number): Buffer {
  // O_NONBLOCK: a FIFO that nobody writes to must not hang us
  const fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  try {
    return readBounded(fd, maxBytes);
  } finally {
    fs.closeSync(fd);
  }
}

function readBounded(fd: number, maxBytes: number): Buffer {
  const chunks: Buffer[] = [];
  let total = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(1 << 16);
    const length = readSome(fd, chunk);
    if (length === 0) return Buffer.concat(chunks);
    total += length;
    if (total > maxBytes) throw new TooLarge();
    chunks.push(chunk.subarray(0, length));
  }
}

/** Standard input may be a non-blocking pipe whose writer is slow: wait for it. */
export function readSome(fd: number, chunk: Buffer): number {
  for (;;) {
    try {
      return fs.readSync(fd, chunk);
    } catch (error) {
      if (errnoOf(error) === 'EOF') return 0;
      if (errnoOf(error) !== 'EAGAIN' || fd !== 0) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

/**
 * Writes a text whole or not at all: to a new file beside it, then renamed over it.
 * @throws VdpaQemuError not-found, permission or system; what was there before is untouched then
 */
export function writeDocument(file: string, text: string): void {
  let temporary: string | undefined;
  try {
    const target = targetOf(file);
    if (target === undefined) {
      fs.writeFileSync(file, text);
      return;
    }
    temporary = path.join(path.dirname(target), `.vdpa-qemu.${process.pid}.tmp`);
    fs.writeFileSync(temporary, text, { flag: 'wx' });
    fs.renameSync(temporary, target);
  } catch (cause) {
    if (temporary !== undefined) removeQuietly(temporary);
    throw documentError(printable(file), cause);
  }
}

/** The regular file to replace, through links; undefined where the name is a device, a pipe or a directory. */
function targetOf(file: string): string | undefined {
  const found = fs.statSync(file, { throwIfNoEntry: false });
  if (found) return found.isFile() ? fs.realpathSync(file) : undefined;
  return file;
}

/** Where the directory itself is no directory there is nothing to remove, and `force` does not cover that. */
function removeQuietly(file: string): void {
  try {
    fs.rmSync(file, { force: true });
  } catch {
    // what went wrong before is what counts
  }
}

/** A file that is shipped with this package, such as templates/net.yaml. */
export function packageFile(name: string): string {
  let directory = path.dirname(fileURLToPath(import.meta.url));
  while (!fs.existsSync(path.join(directory, 'package.json'))) directory = path.dirname(directory);
  return path.join(directory, name);
}

/** Names of the shipped templates, sorted. */
export function templateNames(): string[] {
  return fs
    .readdirSync(packageFile('templates'))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => path.basename(name, '.yaml'))
    .sort();
}

/** A failed open or read of a document as an error for a person. */
export function documentError(label: string, cause: unknown): VdpaQemuError {
  const errno = errnoOf(cause);
  switch (errno) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new VdpaQemuError('not-found', `${label}: no such file or directory`, { cause });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new VdpaQemuError('permission', `${label}: permission denied (${errno})`, { cause });
    case 'EISDIR':
      return new VdpaQemuError('bad-input', `${label}: is a directory`, { cause });
    default:
      return new VdpaQemuError('system', `${label}: ${errno ?? String(cause)}`, { cause });
  }
}

import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { VdpaQemuError } from '../model/error.ts';
import { printable } from '../model/fact.ts';
import { documentLabel, standardInput } from '../model/standard-input.ts';
import { errnoOf } from './errno.ts';
import { pause, writeAll } from './standard-streams.ts';

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

/** A pipe may be open without blocking while its writer is slow: wait for it. One without a writer is at its end. */
export function readSome(fd: number, chunk: Buffer): number {
  for (;;) {
    try {
      return fs.readSync(fd, chunk);
    } catch (error) {
      if (errnoOf(error) === 'EOF') return 0;
      if (errnoOf(error) !== 'EAGAIN') throw error;
      pause();
    }
  }
}

/**
 * Writes a text whole or not at all: to a new file beside it, then renamed over it. An older file's mode stays. A device
 * or a pipe is written to as it is.
 * @throws VdpaQemuError not-found, permission or system; what was there before is untouched then
 */
export function writeDocument(file: string, text: string): void {
  try {
    const found = fs.statSync(file, { throwIfNoEntry: false });
    if (found && !found.isFile()) writeInto(file, text);
    else replace(found ? fs.realpathSync(file) : file, text, found?.mode);
  } catch (cause) {
    throw documentError(printable(file), cause);
  }
}

function writeInto(file: string, text: string): void {
  // O_NONBLOCK: a FIFO that nobody reads must not hang us
  const fd = fs.openSync(file, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK);
  try {
    writeAll(fd, text);
  } finally {
    fs.closeSync(fd);
  }
}

/** @param mode of the file that it takes the place of */
function replace(target: string, text: string, mode: number | undefined): void {
  const temporary = path.join(path.dirname(target), `.vdpa-qemu.${randomBytes(8).toString('hex')}.tmp`);
  const fd = fs.openSync(temporary, 'wx', mode === undefined ? 0o666 : 0o600);
  try {
    try {
      fs.writeFileSync(fd, text);
      if (mode !== undefined) fs.fchmodSync(fd, mode & 0o777);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(temporary, target);
  } catch (cause) {
    fs.rmSync(temporary, { force: true });
    throw cause;
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
    case 'ENXIO':
      return new VdpaQemuError('system', `${label}: nobody is at the other end (ENXIO)`, { cause });
    default:
      return new VdpaQemuError('system', `${label}: ${errno ?? String(cause)}`, { cause });
  }
}

import fs from 'node:fs';
import path from 'node:path';
import { messageOf } from '../model/error.ts';
import { unknown, type Fact } from '../model/fact.ts';
import type { Unknown } from '../model/generated/host-report.ts';
import { errnoOf } from './errno.ts';

/** Where the kernel's file systems are; other places in tests. */
export interface Roots {
  readonly sysfsRoot: string;
  readonly devRoot: string;
  readonly procRoot: string;
}

export const hostRoots: Roots = { sysfsRoot: '/sys', devRoot: '/dev', procRoot: '/proc' };

/** What could not be done with a file, as a fact: the errno name and a sentence. */
export function unreadable(what: string, thrown: unknown): Unknown {
  const name = errnoOf(thrown);
  return unknown(name ?? 'malformed', `${what}: ${name ?? messageOf(thrown)}`);
}

/** Contents as UTF-8, without the trailing newline that sysfs attributes have. */
export function readText(file: string): Fact<string> {
  try {
    return fs.readFileSync(file, 'utf8').replace(/\n$/, '');
  } catch (error) {
    return unreadable(file, error);
  }
}

/** At most so many bytes from the end of a file, as UTF-8. */
export function readTail(file: string, bytes: number): Fact<string> {
  let open: number | undefined;
  try {
    open = fs.openSync(file, 'r');
    const buffer = Buffer.alloc(bytes);
    const read = fs.readSync(open, buffer, 0, bytes, Math.max(0, fs.fstatSync(open).size - bytes));
    return buffer.toString('utf8', 0, read);
  } catch (error) {
    return unreadable(file, error);
  } finally {
    if (open !== undefined) fs.closeSync(open);
  }
}

export function readBytes(file: string): Fact<Uint8Array> {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    return unreadable(file, error);
  }
}

/** Names in a directory, in the file system's order. */
export function listDirectory(directory: string): Fact<string[]> {
  try {
    return fs.readdirSync(directory);
  } catch (error) {
    return unreadable(directory, error);
  }
}

/**
 * The last part of where a sysfs link points to: `driver -> ../../bus/vdpa/drivers/vhost_vdpa` gives `vhost_vdpa`.
 * @returns null where there is no such link
 */
export function linkName(link: string): Fact<string | null> {
  const target = linkTarget(link);
  return typeof target === 'string' ? path.basename(target) : target;
}

/** What a symbolic link says, unresolved; null where there is no such link. */
export function linkTarget(link: string): Fact<string | null> {
  try {
    return fs.readlinkSync(link);
  } catch (error) {
    return errnoOf(error) === 'ENOENT' ? null : unreadable(link, error);
  }
}

/** The path with every symbolic link resolved. */
export function realPath(file: string): Fact<string> {
  try {
    return fs.realpathSync(file);
  } catch (error) {
    return unreadable(file, error);
  }
}

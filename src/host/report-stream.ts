import fs from 'node:fs';
import { VdpaQemuError } from '../model/error.ts';
import { printable } from '../model/fact.ts';
import { documentLabel, standardInput } from '../model/standard-input.ts';
import { documentError, readSome } from './documents.ts';

/** One document of a file that may hold many. */
export interface DocumentBytes {
  /** valid until the next document is asked for */
  readonly bytes: Buffer;
  /** file, and the line where the document begins, for messages */
  readonly label: string;
  /** false: the form is not known (YAML, or JSON in no layout of ours): the whole rest of the file */
  readonly json: boolean;
}

const chunkBytes = 1 << 18;
const newline = 10;

/**
 * The documents of a file, one after the other, so that ten thousand of them need the memory of one. Three layouts are
 * told apart by the first lines: NDJSON (each line parses by itself), indented JSON documents one after the other (each
 * ends with `}` in the first column), and all else, which comes whole.
 * @param maxDocumentBytes a longer document is refused before it is read
 * @throws VdpaQemuError not-found, permission, bad-input (too long, a directory) or system
 */
export function* streamDocuments(file: string, maxDocumentBytes: number): Generator<DocumentBytes> {
  const name = printable(documentLabel(file));
  const lines = linesOf(file, name, maxDocumentBytes);
  for (;;) {
    const { value: first, done } = lines.next();
    if (done === true) return;
    if (isBlank(first.bytes)) continue;
    yield* documentsFrom(first, lines, name, maxDocumentBytes);
    return;
  }
}

interface Line {
  /** without the newline; valid until the next line is asked for */
  readonly bytes: Buffer;
  readonly number: number;
}

function* documentsFrom(
  first: Line,
  lines: Generator<Line, void>,
  name: string,
  maxBytes: number,
): Generator<DocumentBytes> {
  const text = first.bytes.toString('utf8');
  if (isWholeJson(text)) {
    yield { bytes: first.bytes, label: `${name}:${first.number}`, json: true };
    for (const { bytes, number } of lines) {
      if (!isBlank(bytes)) yield { bytes, label: `${name}:${number}`, json: true };
    }
    return;
  }
  const block = new Block(name, maxBytes);
  block.add(first);
  let indented = text.trimEnd() === '{';
  for (const line of lines) {
    // documents that are not indented have closing braces in the first column all over
    if (indented && block.lines === 1 && !/^[ \t]/.test(line.bytes.toString('latin1', 0, 1))) indented = false;
    block.add(line);
    if (indented && isClosingBrace(line.bytes)) yield block.take(true);
  }
  if (!block.isBlank) yield block.take(indented);
}

/** Lines that make one document. */
class Block {
  /** the lines are copied, since their buffer is used again; this one is, too */
  #buffer = Buffer.allocUnsafe(chunkBytes);
  #bytes = 0;
  #lines = 0;
  #start = 1;
  readonly #name: string;
  readonly #maxBytes: number;

  constructor(name: string, maxBytes: number) {
    this.#name = name;
    this.#maxBytes = maxBytes;
  }

  get lines(): number {
    return this.#lines;
  }

  get isBlank(): boolean {
    return isBlank(this.#buffer.subarray(0, this.#bytes));
  }

  add({ bytes, number }: Line): void {
    if (this.#lines === 0) this.#start = number;
    const end = this.#bytes + bytes.length + 1;
    if (end > this.#maxBytes) throw tooLong(this.#name, this.#start, this.#maxBytes);
    if (end > this.#buffer.length) this.#buffer = Buffer.concat([this.#buffer], Math.min(2 * end, this.#maxBytes));
    bytes.copy(this.#buffer, this.#bytes);
    this.#buffer[end - 1] = newline;
    this.#bytes = end;
    this.#lines += 1;
  }

  take(json: boolean): DocumentBytes {
    const bytes = this.#buffer.subarray(0, this.#bytes);
    const label = this.#start === 1 ? this.#name : `${this.#name}:${this.#start}`;
    this.#bytes = 0;
    this.#lines = 0;
    return { bytes, label, json };
  }
}

function* linesOf(file: string, name: string, maxBytes: number): Generator<Line, void> {
  const fd = openStream(file, name);
  let buffer = Buffer.allocUnsafe(chunkBytes);
  let filled = 0;
  let number = 0;
  try {
    for (;;) {
      if (filled === buffer.length) {
        if (filled > maxBytes) throw tooLong(name, number + 1, maxBytes);
        buffer = Buffer.concat([buffer], 2 * buffer.length);
      }
      const read = readInto(fd, buffer.subarray(filled), name);
      const end = filled + read;
      let start = 0;
      const text = buffer.subarray(0, end);
      // what was there before this read has no newline
      for (let at = text.indexOf(newline, filled); at >= 0;) {
        number += 1;
        if (at - start > maxBytes) throw tooLong(name, number, maxBytes);
        yield { bytes: buffer.subarray(start, at), number };
        start = at + 1;
        at = text.indexOf(newline, start);
      }
      filled = end - start;
      if (read === 0) {
        if (filled > 0) yield { bytes: buffer.subarray(start, end), number: number + 1 };
        return;
      }
      if (filled > maxBytes) throw tooLong(name, number + 1, maxBytes);
      buffer.copyWithin(0, start, end);
    }
  } finally {
    if (fd !== 0) fs.closeSync(fd);
  }
}

function openStream(file: string, name: string): number {
  if (file === standardInput) return 0;
  try {
    // O_NONBLOCK: a FIFO that nobody writes to must not hang us
    return fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch (cause) {
    throw documentError(name, cause);
  }
}

function readInto(fd: number, buffer: Buffer, name: string): number {
  try {
    return readSome(fd, buffer);
  } catch (cause) {
    throw documentError(name, cause);
  }
}

function isWholeJson(text: string): boolean {
  if (!text.trimStart().startsWith('{') || !text.trimEnd().endsWith('}')) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const isBlank = (bytes: Buffer): boolean => bytes.every((byte) => byte === 32 || (byte >= 9 && byte <= 13));

const isClosingBrace = (bytes: Buffer): boolean => bytes[0] === 0x7d && isBlank(bytes.subarray(1));

function tooLong(name: string, line: number, maxBytes: number): VdpaQemuError {
  return new VdpaQemuError('bad-input', `${name}:${line}: a document of more than ${maxBytes} bytes`);
}

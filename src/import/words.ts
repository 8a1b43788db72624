import { VdpaQemuError, type ErrorPlace } from '../model/error.ts';
import type { TextPlace } from './text-place.ts';

/** One word of a command line. */
export interface Word {
  readonly text: string;
  readonly place: TextPlace;
}

/** A real command line has hundreds of words; ARG_MAX would hold about this many. */
const maxWords = 100_000;

/**
 * The words of a QEMU command line, from what people have of one:
 * - separated by NUL, as in /proc/PID/cmdline;
 * - a JSON array of strings, as `gen --json` gives;
 * - a shell line, or one option a line, with quotes, comments and backslash-newlines. A word that begins with `{` is
 *   JSON and goes to its closing brace, so that unquoted JSON can be pasted, too.
 *
 * Nothing is expanded: an unquoted `$`, backquote, glob, brace, leading `~` or redirection is refused, for its meaning is
 * not in the text.
 * @throws VdpaQemuError bad-input, with the line
 */
export function wordsOf(text: string, label: string): Word[] {
  if (text.includes('\0')) return numbered(text.replace(/\0$/, '').split('\0', maxWords + 1), label);
  return text.trimStart().startsWith('[') ? jsonWords(text, label) : new ShellWords(text, label).words();
}

function numbered(texts: readonly string[], label: string): Word[] {
  if (texts.length > maxWords) throw bad(label, `more than ${maxWords} words`);
  // anything with a NUL in it, and any list, looks like one
  if (!texts.some((text) => /^--?[A-Za-z]/.test(text) || /(?:^|\/)qemu-(?:system-|kvm)/.test(text))) {
    throw bad(label, 'is no QEMU command line: none of its words is an option, or the name of QEMU');
  }
  return texts.map((text, index) => ({ text, place: { word: index + 1 } }));
}

function jsonWords(text: string, label: string): Word[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new VdpaQemuError('bad-input', `${label}: begins with [ and is no JSON array`, { cause });
  }
  if (!Array.isArray(value) || value.some((word) => typeof word !== 'string')) {
    throw bad(label, 'is JSON, but not an array of strings');
  }
  return numbered(value as string[], label);
}

function bad(label: string, message: string, place?: ErrorPlace): VdpaQemuError {
  return new VdpaQemuError('bad-input', `${label}: ${message}`, { place });
}

const blank = /[ \t\r\n]/;
/** What a shell would act upon, outside of quotes. */
const active = /[$`;|&<>()*?[{]/;
/** A run of characters that stand for themselves. */
const plain = /[^ \t\r\n'"\\$`;|&<>()*?[{]+/y;

/** Reads character by character, each once. */
class ShellWords {
  readonly #text: string;
  readonly #label: string;
  readonly #words: Word[] = [];
  #at = 0;
  #line = 1;
  #lineStart = 0;

  constructor(text: string, label: string) {
    this.#text = text;
    this.#label = label;
  }

  words(): Word[] {
    for (;;) {
      this.#skipBlanks();
      const char = this.#text[this.#at];
      if (char === undefined) return this.#words;
      const place = { word: this.#words.length + 1, ...this.#place };
      const text = char === '{' ? this.#json() : this.#word();
      this.#words.push({ text, place });
      if (this.#words.length > maxWords) throw bad(this.#label, `more than ${maxWords} words`);
    }
  }

  #skipBlanks(): void {
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined) return;
      if (blank.test(char)) this.#next();
      else if (char === '\\' && this.#newlineAfter() > 0) this.#skip(this.#newlineAfter());
      else if (char === '#') this.#skipLine();
      else return;
    }
  }

  /** Length of a backslash and the line end behind it; 0 where there is none. A backslash may also end the text. */
  #newlineAfter(): number {
    const [next, second] = [this.#text[this.#at + 1], this.#text[this.#at + 2]];
    if (next === '\n') return 2;
    if (next === '\r' && second === '\n') return 3;
    return next === undefined ? 1 : 0;
  }

  #word(): string {
    if (this.#text[this.#at] === '~') throw this.#refuseActive('~');
    const parts: string[] = [];
    let start = this.#at;
    const flush = (): void => {
      parts.push(this.#text.slice(start, this.#at));
    };
    for (;;) {
      plain.lastIndex = this.#at;
      if (plain.test(this.#text)) this.#at = plain.lastIndex;
      const char = this.#text[this.#at];
      if (char === undefined || blank.test(char)) {
        flush();
        return parts.join('');
      }
      if (active.test(char)) throw this.#refuseActive(char);
      if (char === "'" || char === '"' || char === '\\') {
        flush();
        parts.push(char === "'" ? this.#single() : char === '"' ? this.#double() : this.#escaped());
        start = this.#at;
      }
    }
  }

  #single(): string {
    const end = this.#text.indexOf("'", this.#at + 1);
    if (end < 0) throw this.#refuse("a ' that is never closed");
    const text = this.#text.slice(this.#at + 1, end);
    this.#skip(end + 1 - this.#at);
    return text;
  }

  #double(): string {
    const begin = this.#place;
    const parts: string[] = [];
    this.#next();
    let start = this.#at;
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined) throw this.#refuse('a " that is never closed', begin);
      if (char === '$' || char === '`') throw this.#refuse(`${char} in double quotes: its value is not in the text`);
      if (char === '"' || char === '\\') {
        parts.push(this.#text.slice(start, this.#at));
        if (char === '"') {
          this.#next();
          return parts.join('');
        }
        parts.push(this.#escapedInDouble());
        start = this.#at;
      } else this.#next();
    }
  }

  /** Inside of double quotes a backslash stays, unless it stands before one of $ ` " \ or a newline. */
  #escapedInDouble(): string {
    const next = this.#text[this.#at + 1] ?? '';
    if (next !== '' && !'$`"\\\n'.includes(next)) {
      this.#next();
      return '\\';
    }
    return this.#escaped();
  }

  #escaped(): string {
    const newline = this.#newlineAfter();
    if (newline > 0) {
      this.#skip(newline);
      return '';
    }
    const next = this.#text[this.#at + 1] ?? '';
    this.#skip(2);
    return next;
  }

  /** From a brace to the one that closes it. */
  #json(): string {
    const begin = this.#place;
    const start = this.#at;
    let depth = 0;
    let quoted = false;
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined) throw this.#refuse('a { that is never closed', begin);
      if (quoted) {
        if (char === '\\') this.#next();
        else if (char === '"') quoted = false;
      } else if (char === '"') quoted = true;
      else if (char === '{') depth++;
      else if (char === '}') depth--;
      this.#next();
      if (depth === 0) return this.#text.slice(start, this.#at);
    }
  }

  #skipLine(): void {
    const end = this.#text.indexOf('\n', this.#at);
    this.#at = end < 0 ? this.#text.length : end;
  }

  #skip(count: number): void {
    for (let index = 0; index < count; index++) this.#next();
  }

  #next(): void {
    if (this.#text[this.#at] === '\n') {
      this.#line++;
      this.#lineStart = this.#at + 1;
    }
    this.#at++;
  }

  #refuseActive(char: string): VdpaQemuError {
    return this.#refuse(`${char} outside of quotes: what a shell makes of it is not in the text`);
  }

  get #place(): { line: number; column: number } {
    return { line: this.#line, column: this.#at - this.#lineStart + 1 };
  }

  /** Not before it is thrown: an error takes a picture of the stack. */
  #refuse(message: string, { line, column } = this.#place): VdpaQemuError {
    return bad(this.#label, `line ${line}, column ${column}: ${message}`, { line, column });
  }
}

import { VdpaQemuError } from '../model/error.ts';
import { maxWords } from './limits.ts';
import { unexpandedMark } from './unexpanded.ts';
import type { Word } from './word.ts';

const blank = /[ \t\r\n]/;
/** What a shell would act upon, outside of quotes. */
const active = /[$`;|&<>()*?[{]/;
/** What ends a word, and is another thing itself. */
const operator = /[;|&<>]/;
/** A run of characters that stand for themselves. */
const plain = /[^ \t\r\n'"\\$`;|&<>()*?[{]+/y;
/** `2>&1`, `>> log`, `&> log`, `< /dev/null`; what it leads to is the next word. */
const redirection = /&>>?|>>|>&|>\||<>|<&|>|</y;
/** `$NAME`, `$1`, `$@`; a `$` before anything else stands for itself. */
const variable = /\$(?:[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?!$-])/y;

/**
 * The words of a shell line, or of one option a line, with quotes, comments and backslash-newlines. A word that begins
 * with `{` is JSON and goes to its closing brace, so that unquoted JSON can be pasted, too.
 *
 * Nothing is expanded. What a variable or a command would put in is marked, see unexpanded.ts; redirections and what a
 * pipe leads to are passed over; a `&` or `;` ends the command. A glob, a brace, or another command is refused, for then
 * what QEMU would get is not in the text.
 */
export class ShellWords {
  readonly #text: string;
  readonly #label: string;
  readonly #words: Word[] = [];
  #at: number;
  #line: number;
  #lineStart: number;

  /** Reads character by character, each once, from `begin` to `end`. */
  constructor(text: string, label: string, begin = 0, end = text.length) {
    this.#text = text.slice(0, end);
    this.#label = label;
    this.#at = begin;
    this.#line = text.slice(0, begin).split('\n').length;
    this.#lineStart = text.lastIndexOf('\n', begin - 1) + 1;
  }

  /** @throws VdpaQemuError bad-input, with the line */
  words(): Word[] {
    for (;;) {
      this.#skipBlanks();
      const char = this.#text[this.#at];
      if (char === undefined) return this.#words;
      if (this.#passedOver()) continue;
      const place = { word: this.#words.length + 1, ...this.#place };
      const text = char === '{' ? this.#json() : this.#word();
      if (/^\d+$/.test(text) && /[<>]/.test(this.#text[this.#at] ?? '')) continue; // the 2 of 2>&1
      this.#words.push({ text, place });
      if (this.#words.length > maxWords)
        throw new VdpaQemuError('bad-input', `${this.#label}: more than ${maxWords} words`);
    }
  }

  /** Takes what ends a command, or goes with it without being a word of it. */
  #passedOver(): boolean {
    redirection.lastIndex = this.#at;
    const [leading] = redirection.exec(this.#text) ?? [];
    const char = this.#text[this.#at] ?? '';
    const after = this.#text[this.#at + (leading?.length ?? 1)];
    if (leading !== undefined && after !== '(' && !(leading.endsWith('<') && after === '<')) {
      this.#skip(leading.length);
      this.#skipBlanks();
      if (this.#at >= this.#text.length) throw this.#refuse(`${leading} leads nowhere`);
      if (this.#text[this.#at] === '{') throw this.#refuseActive('{');
      this.#word();
      return true;
    }
    if (char === '|' && after !== '|') {
      this.#skipLine();
    } else if ((char === '&' || char === ';') && after !== char) {
      this.#next();
    } else return false;
    this.#skipBlanks();
    if (this.#at < this.#text.length) {
      throw this.#refuse(`another command behind the ${char}: give the command line of QEMU alone`);
    }
    return true;
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
    const parts: string[] = this.#text[this.#at] === '~' ? [unexpandedMark] : [];
    const begin = this.#at;
    let start = begin;
    const flush = (): void => {
      parts.push(this.#text.slice(start, this.#at));
    };
    for (;;) {
      plain.lastIndex = this.#at;
      if (plain.test(this.#text)) this.#at = plain.lastIndex;
      const char = this.#text[this.#at];
      if (char === undefined || blank.test(char) || (operator.test(char) && this.#at > begin)) {
        flush();
        return parts.join('');
      }
      if (char === '$' || char === '`') {
        flush();
        parts.push(this.#expansion());
        start = this.#at;
        continue;
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
      if (char === '$' || char === '`') {
        parts.push(this.#text.slice(start, this.#at), this.#expansion());
        start = this.#at;
      } else if (char === '"' || char === '\\') {
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

  /** A variable, `${..}`, `$(..)` or backquotes, as written and marked. */
  #expansion(): string {
    const start = this.#at;
    const [char, next] = [this.#text[start], this.#text[start + 1]];
    const close = char === '`' ? '`' : next === '{' ? '}' : next === '(' ? ')' : undefined;
    if (close === undefined) {
      variable.lastIndex = start;
      const [name = ''] = variable.exec(this.#text) ?? [];
      if (name === '' && (next === "'" || next === '"')) throw this.#refuseActive(`$${next}`);
      this.#at += name.length || 1;
      return name === '' ? '$' : unexpandedMark + name;
    }
    const begin = this.#place;
    let depth = 0;
    do {
      const at = this.#text[this.#at];
      if (at === undefined) throw this.#refuse(`a ${char ?? ''} whose ${close} is missing`, begin);
      if (at === close && this.#at > start) depth--;
      else if (at === next && close !== '`') depth++;
      else if (at === '`' && close === '`') depth++;
      this.#next();
    } while (depth > 0 || this.#at < start + 2);
    return unexpandedMark + this.#text.slice(start, this.#at);
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
    return new VdpaQemuError('bad-input', `${this.#label}: line ${line}, column ${column}: ${message}`, {
      place: { line, column },
    });
  }
}

import { segmentsOf } from '../model/pointer.ts';
import type { TextPlace } from '../import/text-place.ts';

/**
 * Where the value at a JSON pointer stands in a JSON text; where there is none, its nearest parent. One pass over the
 * text, which must be JSON.
 */
export function placeInJson(text: string, pointer: string): TextPlace {
  const scan = new Scan(text);
  for (const segment of segmentsOf(pointer)) if (!scan.enter(segment)) break;
  return placeAt(text, scan.at);
}

/** Line and column of an offset, from 1. */
export function placeAt(text: string, offset: number): TextPlace {
  let [line, start] = [1, 0];
  for (let next = text.indexOf('\n'); next >= 0 && next < offset; next = text.indexOf('\n', start)) {
    line++;
    start = next + 1;
  }
  return { line, column: offset - start + 1 };
}

class Scan {
  readonly #text: string;
  /** offset of the value found */
  at: number;

  constructor(text: string) {
    this.#text = text;
    this.at = this.#skipBlanks(0);
  }

  /** Goes to a member or an element of the value; false: there is none. */
  enter(segment: string): boolean {
    const open = this.#text[this.at];
    if (open !== '{' && open !== '[') return false;
    let at = this.#skipBlanks(this.at + 1);
    for (let index = 0; at < this.#text.length; index++) {
      if (this.#text[at] === '}' || this.#text[at] === ']') return false;
      let name = String(index);
      if (open === '{') {
        const end = this.#endOfString(at);
        name = nameIn(this.#text.slice(at, end));
        at = this.#skipBlanks(this.#skipBlanks(end) + 1);
      }
      if (name === segment) {
        this.at = at;
        return true;
      }
      at = this.#skipBlanks(this.#endOfValue(at));
      if (this.#text[at] === ',') at = this.#skipBlanks(at + 1);
    }
    return false;
  }

  #skipBlanks(at: number): number {
    while (' \t\r\n'.includes(this.#text[at] ?? '-')) at++;
    return at;
  }

  #endOfString(at: number): number {
    for (let end = at + 1; end < this.#text.length; end++) {
      if (this.#text[end] === '\\') end++;
      else if (this.#text[end] === '"') return end + 1;
    }
    return this.#text.length;
  }

  #endOfValue(at: number): number {
    let depth = 0;
    while (at < this.#text.length) {
      const char = this.#text[at] ?? '';
      if (char === '"') at = this.#endOfString(at);
      else if (char === '{' || char === '[') {
        depth++;
        at++;
      } else if (char === '}' || char === ']') {
        if (depth === 0) return at;
        depth--;
        at++;
      } else if (char === ',' && depth === 0) return at;
      else at++;
      if (depth === 0 && (char === '"' || char === '}' || char === ']')) return at;
    }
    return at;
  }
}

function nameIn(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted;
  }
}

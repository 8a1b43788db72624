/** What XML 1.0 forbids of a piece of markup, and where in it; the parser lets it pass. */
export interface WrongMarkup {
  readonly at: number;
  readonly message: string;
}

/** An ampersand, and the reference that it begins where it is sound (XML 1.0, 4.1). */
const ampersand = /&(?:(?:amp|lt|gt|quot|apos);|#(\d{1,20});|#x([0-9a-fA-F]{1,20});)?/g;

/** A bare `&`, an entity that is not declared, or a reference to a character that XML cannot hold. */
export function wrongReference(markup: string): WrongMarkup | undefined {
  if (!markup.includes('&')) return undefined;
  for (const { 0: found, 1: decimal, 2: hex, index: at } of markup.matchAll(ampersand)) {
    if (found === '&') {
      const name = /^&[\w.:-]{1,40};/.exec(markup.slice(at, at + 42))?.[0] ?? 'a bare &';
      return { at, message: `${name} is no entity of XML: there are &amp; &lt; &gt; &quot; &apos; and &#N;` };
    }
    if (decimal === undefined && hex === undefined) continue;
    if (!isChar(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16))) {
      return { at, message: `${found} is a character that XML does not allow` };
    }
  }
  return undefined;
}

/** Text must not hold what ends CDATA (XML 1.0, 2.4). */
export function wrongEnd(text: string): WrongMarkup | undefined {
  const at = text.indexOf(']]>');
  return at < 0 ? undefined : { at, message: ']]> outside of CDATA: write ]]&gt;' };
}

/** The production Char of XML 1.0, 2.2. */
function isChar(code: number): boolean {
  if (code < 0x20) return code === 9 || code === 10 || code === 13;
  return code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff);
}

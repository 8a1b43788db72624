import { DOMParser, type Element } from '@xmldom/xmldom';
import { messageOf, VdpaQemuError, type ErrorPlace } from '../model/error.ts';
import { printable } from '../model/fact.ts';
import type { TextPlace } from './text-place.ts';
import { wrongEnd, wrongReference } from './xml-references.ts';

/** An element as it was read, with its place. */
export interface XmlNode {
  /** without its prefix */
  readonly name: string;
  /** null: of no namespace */
  readonly namespace: string | null;
  /** those without a namespace */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlNode[];
  /** its own text, without the blanks around it */
  readonly text: string;
  /** its own text with the blanks around it */
  readonly content: string;
  readonly place: TextPlace;
}

/** The largest domain XML of libvirt's own tests has 60 KB; a guest with hundreds of devices has a few hundred. */
export const maxXmlBytes = 1 << 20;
const maxElements = 20_000;
const maxDepth = 64;
const maxTag = 1 << 16;

/**
 * Parses an XML text. Document type declarations, and with them all entities but the five of XML, are refused before
 * the parser sees the text: no external entity is ever looked for, and nothing expands. Size, depth and number of
 * elements are bounded the same way.
 * @throws VdpaQemuError bad-input, with line and column where there is one
 */
export function parseXml(text: string, label: string): XmlNode {
  checkShape(text, label);
  const problems: { message: string; place: ErrorPlace | undefined }[] = [];
  let root: Element | null;
  try {
    const parser = new DOMParser({
      locator: true,
      // XML 1.0, 2.11; the parser's own rule is that of XML 1.1, and takes U+0085 and U+2028 for line ends
      normalizeLineEndings: (source) => source.replace(/\r\n?/g, '\n'),
      onError: (_level, message, context) => {
        // U+FFFD is a character like any other; the renderer writes it for those that XML cannot hold
        if (!message.startsWith('Unicode replacement character')) problemIn(message, context);
      },
    });
    root = parser.parseFromString(text, 'text/xml').documentElement;
  } catch (cause) {
    const { message, place } = problems[0] ?? { message: messageOf(cause) };
    throw new VdpaQemuError('bad-input', `${label}: is no well-formed XML: ${message}`, { cause, place });
  }
  if (!root) throw new VdpaQemuError('bad-input', `${label}: holds no XML element`);
  return nodeOf(root);

  function problemIn(message: string, context: unknown): never {
    const { lineNumber = 0, columnNumber = 0 } =
      (context as { locator?: { lineNumber?: number; columnNumber?: number } }).locator ?? {};
    const place = lineNumber > 0 ? { line: lineNumber, column: columnNumber } : undefined;
    const at = place ? `line ${lineNumber}, column ${columnNumber}: ` : '';
    problems.push({ message: `${at}${message.split('\n', 1)[0]?.slice(0, 200) ?? ''}`, place });
    throw new Error(message);
  }
}

function nodeOf(element: Element): XmlNode {
  const children: XmlNode[] = [];
  let text = '';
  for (let child = element.firstChild; child; child = child.nextSibling) {
    if (child.nodeType === 1) children.push(nodeOf(child as Element));
    else if (child.nodeType === 3 || child.nodeType === 4) text += child.nodeValue ?? '';
  }
  const attributes = Array.from({ length: element.attributes.length }, (_, index) => element.attributes.item(index));
  return {
    name: element.localName ?? '',
    namespace: element.namespaceURI,
    attributes: new Map(
      attributes.flatMap((one) => (one && !one.namespaceURI ? [[one.name, one.value] as const] : [])),
    ),
    children,
    text: text.trim(),
    content: text,
    place: { line: element.lineNumber ?? 1, column: element.columnNumber ?? 1 },
  };
}

/** One pass over the markup, without building anything. */
function checkShape(text: string, label: string): void {
  const refuse = (at: number, message: string, what = label): VdpaQemuError => {
    const line = countLines(text, at);
    return new VdpaQemuError('bad-input', `${what}: line ${line}: ${message}`, { place: { line } });
  };
  const checkPiece = (from: number, to: number, isText: boolean): void => {
    const piece = text.slice(from, to);
    const wrong = wrongReference(piece) ?? (isText ? wrongEnd(piece) : undefined);
    if (wrong) throw refuse(from + wrong.at, wrong.message, `${label}: is no well-formed XML`);
  };
  if (text.length > maxXmlBytes) throw new VdpaQemuError('bad-input', `${label}: larger than ${maxXmlBytes} bytes`);
  const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u.exec(text);
  if (control) throw refuse(control.index, 'a character that XML does not allow');
  let depth = 0;
  let elements = 0;
  let behind = 0;
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at)) {
    checkPiece(behind, at, true);
    const skipped = skipOf(text, at);
    if (skipped !== undefined) {
      const end = text.indexOf(skipped, at + 2);
      if (end < 0) throw refuse(at, `${text.slice(at, at + 9)} is never closed`);
      at = end + skipped.length;
      behind = at;
      continue;
    }
    if (text.startsWith('<!', at)) throw refuse(at, 'document types and entities are not accepted');
    const end = endOfTag(text, at);
    if (end < 0) throw refuse(at, 'a tag that is never closed');
    if (end - at > maxTag) throw refuse(at, `a tag of more than ${maxTag} characters`);
    checkPiece(at, end, false);
    if (text[at + 1] === '/') depth--;
    else if (text[end - 1] !== '/') depth++;
    if (++elements > maxElements * 2) throw refuse(at, `more than ${maxElements} elements`);
    if (depth > maxDepth) throw refuse(at, `nested deeper than ${maxDepth} elements`);
    at = end + 1;
    behind = at;
  }
  checkPiece(behind, text.length, true);
}

function skipOf(text: string, at: number): string | undefined {
  if (text.startsWith('<!--', at)) return '-->';
  if (text.startsWith('<![CDATA[', at)) return ']]>';
  return text.startsWith('<?', at) ? '?>' : undefined;
}

/** The `>` that ends a tag: not one in quotes. */
function endOfTag(text: string, at: number): number {
  for (let index = at + 1; index < text.length; index++) {
    const char = text[index];
    if (char === '>') return index;
    if (char === '"' || char === "'") {
      index = text.indexOf(char, index + 1);
      if (index < 0) return -1;
    }
  }
  return -1;
}

function countLines(text: string, at: number): number {
  let line = 1;
  for (let next = text.indexOf('\n'); next >= 0 && next < at; next = text.indexOf('\n', next + 1)) line++;
  return line;
}

/** How an element is called in messages. */
export function elementText({ name, namespace }: XmlNode): string {
  const of = namespace === null ? '' : ` of the namespace ${JSON.stringify(namespace.slice(0, 60))}`;
  return printable(`<${name.slice(0, 60)}>${of}`);
}

/** The first child of that name and no namespace. */
export function childOf(node: XmlNode | undefined, name: string): XmlNode | undefined {
  return node?.children.find((child) => child.name === name && child.namespace === null);
}

/** All children of that name and no namespace. */
export function childrenOf(node: XmlNode | undefined, name: string): XmlNode[] {
  return node?.children.filter((child) => child.name === name && child.namespace === null) ?? [];
}

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { element, escapeXml, renderXml, type XmlElement } from '../../src/render/xml.ts';

interface Parsed {
  name: string;
  attributes: Record<string, string>;
  text: string;
  children: Parsed[];
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', apos: "'", quot: '"' };

function unescape(text: string): string {
  return text.replace(/&(?:#(\d+)|([a-z]+));|[&<]/g, (whole, code?: string, name?: string) => {
    if (code !== undefined) return String.fromCharCode(Number(code));
    const known = name === undefined ? undefined : entities[name];
    if (known === undefined) throw new Error(`not well-formed: ${whole}`);
    return known;
  });
}

/**
 * A small parser of XML 1.0: only characters that it allows (2.2), line ends made one (2.11), blanks in attributes
 * made spaces (3.3.3), no ]]> in text (2.4), tags that match.
 */
function parseXml(source: string): Parsed {
  if (/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(source))
    throw new Error('a character is not XML');
  const text = source.replaceAll(/\r\n?/g, '\n');
  const root: Parsed = { name: '', attributes: {}, text: '', children: [] };
  const open: Parsed[] = [root];
  const markup = /<(\/?)([A-Za-z_:-]+)((?: [A-Za-z_:-]+='[^'<]*')*)(\/?)>|([^<]+)/gy;
  let at = 0;
  for (const found of text.matchAll(markup)) {
    at = found.index + found[0].length;
    const [, closing, name = '', attributes = '', alone, data] = found;
    const top = open.at(-1)!;
    if (data !== undefined) {
      if (data.includes(']]>')) throw new Error(']]> in text');
      top.text += unescape(data);
    } else if (closing === '/') {
      if (open.pop()?.name !== name) throw new Error(`</${name}> closes nothing`);
    } else {
      const made: Parsed = { name, attributes: {}, text: '', children: [] };
      for (const [, key = '', value = ''] of attributes.matchAll(/ ([A-Za-z_:-]+)='([^'<]*)'/g)) {
        if (Object.hasOwn(made.attributes, key)) throw new Error(`${key} twice`);
        made.attributes[key] = unescape(value.replaceAll(/[\t\n]/g, ' '));
      }
      top.children.push(made);
      if (alone !== '/') open.push(made);
    }
  }
  if (at !== text.length || open.length !== 1 || root.children.length !== 1) throw new Error('not well-formed');
  return root.children[0]!;
}

/** What becomes of a text: characters that XML cannot hold are replaced, and lone surrogates, once it is UTF-8. */
function held(text: string): string {
  const utf8 = Buffer.from(text, 'utf8').toString('utf8');
  return utf8.replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd');
}

/** As it comes out of a file. */
const written = (root: XmlElement): string => Buffer.from(renderXml(root), 'utf8').toString('utf8');

describe('escapeXml', () => {
  test.each([
    ['/var/lib/libvirt/images/web1.qcow2', '/var/lib/libvirt/images/web1.qcow2'],
    ['', ''],
    ['&amp;', '&amp;amp;'],
    [`<a href='x' b="y">`, '&lt;a href=&apos;x&apos; b=&quot;y&quot;&gt;'],
    [']]>', ']]&gt;'],
    ['a\tb\nc\rd', 'a&#9;b&#10;c&#13;d'],
    ['\u0000\u0008\u000b\u000c\u000e\u001f', '\ufffd'.repeat(6)],
    ['\ufffe\uffff', '\ufffd\ufffd'],
    ['\u007f\u0085ü日\u{1f427}', '\u007f\u0085ü日\u{1f427}'],
  ])('%j becomes %j', (text, escaped) => expect(escapeXml(text)).toBe(escaped));
});

describe('element and renderXml', () => {
  test('attributes and children that are undefined are left out', () => {
    const child = element('b');
    expect(element('a', { x: 1, y: undefined }, [undefined, child])).toEqual({
      name: 'a',
      attributes: { x: 1, y: undefined },
      content: [child],
    });
    expect(renderXml(element('a', { x: 1, y: undefined }, [undefined, child]))).toBe("<a x='1'>\n  <b/>\n</a>\n");
  });

  test('text stands on the line of its tags, children two spaces further in', () => {
    const root = element('a', { 'xmlns:qemu': 'urn:x' }, [
      element('name', {}, "it's"),
      element('empty', {}, ''),
      element('b', {}, [element('c', { k: 'v' })]),
    ]);
    expect(renderXml(root)).toBe(
      [
        "<a xmlns:qemu='urn:x'>",
        '  <name>it&apos;s</name>',
        '  <empty></empty>',
        '  <b>',
        "    <c k='v'/>",
        '  </b>',
        '</a>',
        '',
      ].join('\n'),
    );
  });
});

describe('what is written is read back', () => {
  const hostile = fc.constantFrom(
    ']]>',
    '&amp;',
    '&#0;',
    '<!--',
    '<![CDATA[',
    "'/>",
    '"',
    '&',
    '\r\n',
    '\r',
    '\t',
    '\u0000',
    '\u001b',
    '\ud800',
    '\udc00',
    '\ufffe',
    '\uffff',
    '\u0085',
    '\u2028',
  );
  const value = fc.string({ unit: fc.oneof(hostile, fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })) });
  const name = fc.stringMatching(/^[a-z_][a-z:_-]{0,8}$/);
  const attributes = fc.dictionary(name, value, { noNullPrototype: true, maxKeys: 4 });
  const leaf = fc.tuple(name, attributes, value).map((args) => element(...args));
  const tree = fc
    .tuple(
      name,
      attributes,
      fc.array(
        fc.oneof(
          leaf,
          fc.tuple(name, attributes, fc.array(leaf, { maxLength: 3 })).map((args) => element(...args)),
        ),
        { maxLength: 4 },
      ),
    )
    .map((args) => element(...args));

  function expected({ name, attributes, content }: XmlElement): unknown {
    const values = Object.fromEntries(Object.entries(attributes).map(([key, entry]) => [key, held(String(entry))]));
    return typeof content === 'string'
      ? { name, attributes: values, text: held(content), children: [] }
      : { name, attributes: values, text: '', children: content.map(expected) };
  }

  /** without the line breaks and blanks between children */
  function tidy(parsed: Parsed): unknown {
    const text = parsed.children.length === 0 ? parsed.text : parsed.text.trim();
    return { ...parsed, text, children: parsed.children.map(tidy) };
  }

  test('any values, in attributes and in text', () => {
    fc.assert(
      fc.property(tree, (root) => {
        expect(tidy(parseXml(written(root)))).toEqual(expected(root));
      }),
      { numRuns: 300 },
    );
  });

  test('of a text that XML can hold, nothing is lost', () => {
    const fine = fc.string({
      unit: fc.oneof(
        fc.constantFrom(']]>', '&lt;', "'", '\r', '\n', '\t'),
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
      ),
    });
    fc.assert(
      fc.property(fine, (text) => {
        const parsed = parseXml(renderXml(element('a', { v: text }, text)));
        expect(parsed).toEqual({ name: 'a', attributes: { v: text }, text, children: [] });
      }),
    );
  });

  test('the parser itself refuses what is not XML', () => {
    for (const wrong of [
      '<a>',
      '<a></b>',
      '<a/><b/>',
      '<a>]]></a>',
      '<a>&x;</a>',
      '<a>\u0001</a>',
      "<a b='<'/>",
      "<a k='1' k='2'/>",
      '<a>& </a>',
      'x<',
    ]) {
      expect(() => parseXml(wrong)).toThrow();
    }
  });
});

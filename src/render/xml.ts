/** An element to be written: name, attributes in order, and text or children. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number | undefined>>;
  readonly content: string | readonly XmlElement[];
}

/** Makes an element; attributes that are undefined are left out. */
export function element(
  name: string,
  attributes: XmlElement['attributes'] = {},
  content: string | readonly (XmlElement | undefined)[] = [],
): XmlElement {
  return {
    name,
    attributes,
    content: typeof content === 'string' ? content : content.filter((child) => child !== undefined),
  };
}

/** Writes an element and all below it, two spaces a level, with single quotes as libvirt does. */
export function renderXml(root: XmlElement): string {
  return `${lines(root, '').join('\n')}\n`;
}

function lines({ name, attributes, content }: XmlElement, indent: string): string[] {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}='${escapeXml(String(value))}'`)
    .join('');
  const open = `${indent}<${name}${written}`;
  if (typeof content === 'string') return [`${open}>${escapeXml(content)}</${name}>`];
  if (content.length === 0) return [`${open}/>`];
  return [`${open}>`, ...content.flatMap((child) => lines(child, `${indent}  `)), `${indent}</${name}>`];
}

/** The one place where XML is escaped (XML 1.0, 2.4). Control characters that XML cannot hold become U+FFFD. */
export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll("'", '&apos;')
    .replaceAll('"', '&quot;')
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replace(/[\t\n\r]/g, (char) => `&#${char.charCodeAt(0)};`);
}

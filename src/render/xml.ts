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
  return textOf(root, '');
}

function textOf({ name, attributes, content }: XmlElement, indent: string): string {
  let text = `${indent}<${name}`;
  for (const key in attributes) {
    const value = attributes[key];
    if (value !== undefined) text += ` ${key}='${escapeXml(String(value))}'`;
  }
  if (typeof content === 'string') return `${text}>${escapeXml(content)}</${name}>\n`;
  if (content.length === 0) return `${text}/>\n`;
  text += '>\n';
  for (const child of content) text += textOf(child, `${indent}  `);
  return `${text}${indent}</${name}>\n`;
}

/** The one place where XML is escaped (XML 1.0, 2.4). Control characters that XML cannot hold become U+FFFD. */
export function escapeXml(text: string): string {
  // nearly every value is plain; one look saves eight passes
  if (!/[&<>'"\u0000-\u001f\ufffe\uffff]/.test(text)) return text;
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll("'", '&apos;')
    .replaceAll('"', '&quot;')
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replace(/[\t\n\r]/g, (char) => `&#${char.charCodeAt(0)};`);
}

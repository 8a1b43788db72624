import { childOf, type XmlNode } from '../import/xml-document.ts';
import type { ValidatedDocument } from './document.ts';

/** Elements of a libvirt XML that the rules speak of, in document order. */
export interface LibvirtElements {
  /** <interface type='vdpa'> */
  readonly interfaces: readonly XmlNode[];
  /** <interface type='vhostuser'> */
  readonly vhostUsers: readonly XmlNode[];
  /** <disk> */
  readonly disks: readonly XmlNode[];
  /** <hostdev> */
  readonly hostdevs: readonly XmlNode[];
  /** XPath of an element among these, or of an element below one */
  readonly pathOf: (node: XmlNode) => string;
}

/** Finds them; there are none in a document that is no XML. */
export function elementsOf({ xml }: ValidatedDocument): LibvirtElements {
  const paths = new Map<XmlNode, string>();
  // one walk: a domain has thousands of elements at most
  const walk = (node: XmlNode, path: string): void => {
    paths.set(node, path);
    const seen = new Map<string, number>();
    for (const child of node.children) {
      const number = (seen.get(child.name) ?? 0) + 1;
      seen.set(child.name, number);
      walk(child, `${path}/${child.name}[${number}]`);
    }
  };
  if (xml) walk(xml, `/${xml.name}`);
  const all = xml?.name === 'interface' ? [xml] : (childOf(xml, 'devices')?.children ?? []);
  const named = (name: string): XmlNode[] => all.filter((node) => node.name === name && node.namespace === null);
  return {
    interfaces: named('interface').filter(({ attributes }) => attributes.get('type') === 'vdpa'),
    vhostUsers: named('interface').filter(({ attributes }) => attributes.get('type') === 'vhostuser'),
    disks: named('disk'),
    hostdevs: named('hostdev'),
    pathOf: (node) => paths.get(node) ?? '',
  };
}

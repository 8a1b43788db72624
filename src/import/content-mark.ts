import { createHash } from 'node:crypto';
import { compare } from '../model/finding.ts';
import type { XmlNode } from './xml-document.ts';

/**
 * A mark of a text that is not understood here, for the reason of an unknown: where both ends of a migration have the
 * same mark they have the same text, and nothing differs.
 */
export function markOf(text: string): string {
  return `sha256 of its text: ${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}

/** The mark of elements, whatever the order of their attributes, and without the aliases that libvirt makes up. */
export function markOfElements(nodes: readonly XmlNode[]): string {
  return markOf(JSON.stringify(nodes.map(formOf)));
}

function formOf({ name, namespace, attributes, children, text }: XmlNode): unknown {
  const own = children.filter((child) => child.name !== 'alias' || child.attributes.get('name')?.startsWith('ua-'));
  return [namespace, name, [...attributes].sort(([a], [b]) => compare(a, b)), text, own.map(formOf)];
}

import { childOf, type XmlNode } from '../import/xml-document.ts';
import type { ValidatedDocument } from './document.ts';

/** <qemu:property> elements of <qemu:override> for the device of an element: libvirt finds it by its alias. */
export function overridesOf({ xml }: ValidatedDocument, node: XmlNode | undefined): XmlNode[] {
  const alias = childOf(node, 'alias')?.attributes.get('name');
  if (alias === undefined || xml?.name !== 'domain') return [];
  return below([xml], 'override')
    .flatMap((override) => below([override], 'device'))
    .filter(({ attributes }) => attributes.get('alias') === alias)
    .flatMap((device) => below(below([device], 'frontend'), 'property'));
}

function below(nodes: readonly XmlNode[], name: string): XmlNode[] {
  return nodes.flatMap(({ children }) => children.filter((child) => child.name === name && child.namespace !== null));
}

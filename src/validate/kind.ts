import { kindOf } from '../import/read.ts';
import { documentNameOf, rootElementOf } from '../import/document-name.ts';
import type { DocumentKind } from './document.ts';

/** The words by which our own documents name themselves, and what they are. */
const kinds: ReadonlyMap<unknown, DocumentKind> = new Map([
  ['HostReport', 'host-report'],
  ['VmPlan', 'plan'],
  ['GuestConfiguration', 'guest-configuration'],
]);

/**
 * What a text is: our own documents say so (`kind`), XML by its root element, a QEMU command line by its words, and all
 * else is a spec. An XML text of some other root is a libvirt domain, so that reading it tells what is wrong.
 */
export function documentKindOf(text: string): DocumentKind {
  const start = text.trimStart();
  if (start.startsWith('<')) return rootElementOf(start) === 'interface' ? 'libvirt-interface' : 'libvirt';
  return kinds.get(documentNameOf(start)) ?? kindOf(text);
}

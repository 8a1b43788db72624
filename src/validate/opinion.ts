import type { Finding } from '../model/finding.ts';
import type { ValidatedDocument } from './document.ts';

/**
 * What another program thinks of a document: libvirt's schema, virsh, QEMU's own QAPI schema. Asked only where the
 * caller wants it, because it starts programs.
 */
export interface Opinion {
  /** for people, and for `by` of a finding: `libvirt RELAX NG`, `virsh`, `QEMU` */
  readonly name: string;
  /**
   * @returns what it says against the document, with codes of its own (docs/findings.md); empty where it does not
   * concern this kind of document. A program that is not there is a finding of severity info, never an exception.
   */
  readonly check: (document: ValidatedDocument, signal?: AbortSignal) => Promise<readonly Finding[]>;
}

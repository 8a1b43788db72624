import type { CommandLine } from '../import/qemu-options.ts';
import type { ConfigurationKind } from '../import/kinds.ts';
import type { TextPlace } from '../import/text-place.ts';
import type { Word } from '../import/word.ts';
import type { XmlNode } from '../import/xml-document.ts';
import type { Finding } from '../model/finding.ts';
import type { GuestConfiguration } from '../model/generated/guest-configuration.ts';
import type { HostReport } from '../model/generated/host-report.ts';
import type { ParentRow } from '../model/generated/parent-knowledge.ts';

/** What a file can be. */
export type DocumentKind = ConfigurationKind | 'libvirt-interface' | 'host-report';

export const documentKinds: readonly DocumentKind[] = [
  'spec',
  'host-report',
  'libvirt',
  'libvirt-interface',
  'qemu-argv',
  'plan',
  'guest-configuration',
];

/** The hosts that a document is checked against. */
export interface Against {
  readonly reports: readonly HostReport[];
  /** of several, the one that the document is for */
  readonly on: string | undefined;
  /** the operator's own rows on parent drivers */
  readonly parents: readonly ParentRow[] | undefined;
}

/** A document that was read, in all forms that a rule or an Opinion may want. */
export interface ValidatedDocument {
  readonly kind: DocumentKind;
  /** name for messages */
  readonly file: string;
  /** as it was read, without a byte order mark */
  readonly text: string;
  /** root element; only of libvirt XML */
  readonly xml?: XmlNode | undefined;
  /** only of a QEMU command line: its words, as a shell would hand them to QEMU */
  readonly words?: readonly Word[] | undefined;
  /** options of a QEMU command line, or of <qemu:commandline> */
  readonly commandLine?: CommandLine | undefined;
  /** what the guest sees; undefined for reports, and for a spec that was not planned */
  readonly configuration?: GuestConfiguration | undefined;
  /** of a host report */
  readonly reports?: readonly HostReport[] | undefined;
  /** where a JSON pointer into `guest` of the configuration stands */
  readonly placeOf: (guestPointer: string) => TextPlace | undefined;
}

/** A document, and what was found while it was read. */
export interface ReadDocument {
  readonly document: ValidatedDocument;
  readonly findings: readonly Finding[];
}

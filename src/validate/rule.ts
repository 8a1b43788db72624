import type { TextPlace } from '../import/text-place.ts';
import type { Finding } from '../model/finding.ts';
import type { DocumentKind } from './document.ts';
import type { Subject } from './subject.ts';

/** What a rule found. */
export interface Hit {
  /** where in the document: a JSON pointer into it (into `guest` of what was imported), or an XPath */
  readonly path: string;
  /** one sentence: the value found, and the rule that it breaks */
  readonly message: string;
  readonly fix?: string | undefined;
  /** line and column, or number of the word; undefined: told by the path */
  readonly place?: TextPlace | undefined;
  /** where it is less bad than usual */
  readonly severity?: Finding['severity'] | undefined;
  readonly evidence?: Finding['evidence'];
  /** it is said of a device that only has the name of the one that is meant: no error, then */
  readonly assumed?: boolean;
}

/** One rule. Its code stands in docs/findings.md and docs/validate.md, and is stable. */
export interface ValidationRule {
  readonly code: string;
  readonly severity: Finding['severity'];
  readonly appliesTo: readonly DocumentKind[];
  /** for docs/validate.md: what is asked of the document */
  readonly asks: string;
  /** the function of libvirt, QEMU or the kernel, or the section of the specification, that it rests on */
  readonly source: string;
  /** true: it says nothing without a host report */
  readonly needsHost?: boolean;
  readonly check: (subject: Subject) => readonly Hit[];
}

/**
 * All documents that describe a guest, but specs: those are checked by their own rules (`spec.*`), and with a host
 * report by the planner (`plan.*`).
 */
export const guestKinds: readonly DocumentKind[] = [
  'libvirt',
  'libvirt-interface',
  'qemu-argv',
  'plan',
  'guest-configuration',
];

/** Those of them that others wrote: what our own planner decides is right by construction. */
export const foreignKinds: readonly DocumentKind[] = guestKinds.filter((kind) => kind !== 'plan');

export const libvirtKinds: readonly DocumentKind[] = ['libvirt', 'libvirt-interface'];

/** Where QEMU's own options stand: a command line, and <qemu:commandline>. */
export const optionKinds: readonly DocumentKind[] = ['qemu-argv', 'libvirt'];

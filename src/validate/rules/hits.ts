import type { Option } from '../../import/option.ts';
import type { XmlNode } from '../../import/xml-document.ts';
import { printable } from '../../model/fact.ts';
import type { Hit } from '../rule.ts';
import type { Backing, Subject, SubjectDevice } from '../subject.ts';

type More = Omit<Hit, 'path' | 'message' | 'place'>;

/** At an XML element. @param more.at the attribute that is meant */
export function atNode(
  { elements }: Subject,
  node: XmlNode,
  message: string,
  { at, ...more }: More & { readonly at?: string } = {},
): Hit {
  const path = `${elements.pathOf(node)}${at === undefined ? '' : `/@${at}`}`;
  return { ...more, path, message, place: node.place };
}

/** At an option of a command line. */
export function atOption(option: Option, message: string, more: More = {}): Hit {
  const { word } = option.place;
  return { ...more, path: word === undefined ? '' : `/${word - 1}`, message, place: option.place };
}

/** At a device of the guest, wherever it came from. */
export function atDevice({ path, place }: SubjectDevice, message: string, more: More = {}): Hit {
  return { ...more, path, message, place };
}

/** What is said of the vDPA device on each host. */
export function onEachBacking(
  { backings }: Pick<SubjectDevice, 'backings'>,
  check: (backing: Backing) => readonly Hit[],
): Hit[] {
  return backings.flatMap((backing) =>
    check(backing).map((hit) => (backing.assumed ? { ...hit, assumed: true } : hit)),
  );
}

/** A value as it was found: short, and safe for a terminal. */
export function quoted(value: unknown): string {
  const text = printable(JSON.stringify(value));
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

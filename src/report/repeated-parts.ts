import { isKnown } from '../model/fact.ts';

/**
 * The members of a report that are much the same on many hosts and devices, and so are worth reading once: what QEMU
 * can do is half of a report, feature words, virtqueues and PCI capabilities are most of the other half.
 */
const members = ['qemu', 'features', 'backendFeatures', 'negotiation', 'virtqueues', 'capabilities'] as const;
type Member = (typeof members)[number];

/** A value in a text: `text.slice(start, end)`. */
export interface Part {
  readonly member: Member;
  readonly start: number;
  readonly end: number;
}

const memberStart = new RegExp(`"(${members.join('|')})":\\s*(?=[[{])`, 'g');

/**
 * The lists and objects that are values of such members, in the order of the text, none inside another.
 * @param knownEnd where a value ends that is known already, so that it need not be gone through
 */
export function partsOf(text: string, knownEnd: (start: number) => number | undefined): Part[] {
  const parts: Part[] = [];
  memberStart.lastIndex = 0;
  for (let match = memberStart.exec(text); match; match = memberStart.exec(text)) {
    const start = memberStart.lastIndex;
    const member = match[1] as Member;
    const end = (member === 'qemu' ? knownEnd(start) : undefined) ?? valueEnd(text, start);
    parts.push({ member, start, end });
    memberStart.lastIndex = end;
  }
  return parts;
}

const [quote, backslash] = [0x22, 0x5c];
const [openBracket, closeBracket, openBrace, closeBrace] = [0x5b, 0x5d, 0x7b, 0x7d];

/** Behind the bracket that closes the one at `start`. */
function valueEnd(text: string, start: number): number {
  let depth = 0;
  for (let index = start; index < text.length; index++) {
    const char = text.charCodeAt(index);
    if (char === quote) index = stringEnd(text, index);
    else if (char === openBracket || char === openBrace) depth += 1;
    else if ((char === closeBracket || char === closeBrace) && --depth === 0) return index + 1;
  }
  return text.length;
}

function stringEnd(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end > 0 && text.charCodeAt(end - 1) === backslash && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end < 0 ? text.length : end;
}

function isEscaped(text: string, at: number): boolean {
  let count = 0;
  while (text.charCodeAt(at - 1 - count) === backslash) count += 1;
  return count % 2 === 1;
}

/** A place in a report where such a value stands. */
export interface Slot {
  readonly member: Member;
  readonly value: unknown;
  readonly put: (value: unknown) => void;
}

interface Loose {
  qemu?: unknown;
  vdpa?: { managementDevices?: unknown };
  devices?: unknown;
}

/** The places in a document that may be a report. */
export function slotsOf(document: object): Slot[] {
  const { vdpa, devices } = document as Loose;
  const slots = [slot('qemu', document)];
  for (const device of objectsIn(vdpa?.managementDevices)) slots.push(slot('features', device));
  for (const device of objectsIn(devices)) {
    slots.push(slot('virtqueues', device));
    const { identity, pci } = device as { identity?: unknown; pci?: unknown };
    for (const owner of objectsIn([identity])) {
      slots.push(slot('features', owner), slot('backendFeatures', owner), slot('negotiation', owner));
    }
    for (const owner of objectsIn([pci])) slots.push(slot('capabilities', owner));
  }
  return slots;
}

function slot(member: Member, owner: object): Slot {
  const record = owner as Record<string, unknown>;
  return { member, value: record[member], put: (value) => void (record[member] = value) };
}

function objectsIn(list: unknown): object[] {
  return Array.isArray(list) ? list.filter((item): item is object => typeof item === 'object' && item !== null) : [];
}

/** What stands for a value while the rest is checked: it must satisfy the schema, wherever the value may. */
export function placeholderOf(member: Member): unknown {
  switch (member) {
    case 'qemu':
    case 'virtqueues':
      return [];
    case 'capabilities':
      return { virtio: [], msix: null };
    default:
      return { bits: '0x0', names: [] };
  }
}

/**
 * Whether a value that was checked in one report may stand in another: it is a value in every place of that member. A
 * fact that is not known may not: management devices do not take it.
 */
export function isShareable({ value }: Slot): boolean {
  return typeof value === 'object' && value !== null && isKnown(value);
}

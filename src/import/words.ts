import { VdpaQemuError } from '../model/error.ts';
import { maxWords } from './limits.ts';
import { ShellWords } from './shell-words.ts';
import type { Word } from './word.ts';

/**
 * The words of a QEMU command line, from what people have of one:
 * - separated by NUL, as in /proc/PID/cmdline;
 * - a JSON array of strings, as `gen --json` gives;
 * - a shell line, or one option a line, as ShellWords reads them;
 * - a log of libvirt's (/var/log/libvirt/qemu/NAME.log): the command line of the last start in it.
 * @throws VdpaQemuError bad-input, with the line
 */
export function wordsOf(text: string, label: string): Word[] {
  if (text.includes('\0')) return numbered(text.replace(/\0$/, '').split('\0', maxWords + 1), label);
  if (text.trimStart().startsWith('[')) return jsonWords(text, label);
  const started = lastStart(text);
  return new ShellWords(text, label, started?.begin, started?.end).words();
}

/** Where the command line stands behind the last `..: starting up libvirt version: ..` of a log (qemu_process.c: qemuProcessLaunch()). */
function lastStart(text: string): { readonly begin: number; readonly end: number } | undefined {
  const starts = [...text.matchAll(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\+\d{4}: starting up\b.*\n/gm)];
  const last = starts.at(-1);
  if (!last) return undefined;
  const begin = last.index + last[0].length;
  const rest = /[^\\]\n/g;
  rest.lastIndex = begin;
  const end = rest.exec(text);
  return { begin, end: end ? end.index + 1 : text.length };
}

function numbered(texts: readonly string[], label: string): Word[] {
  if (texts.length > maxWords) throw bad(label, `more than ${maxWords} words`);
  // anything with a NUL in it, and any list, looks like one
  if (!texts.some((text) => /^--?[A-Za-z]/.test(text) || /(?:^|\/)qemu-(?:system-|kvm)/.test(text))) {
    throw bad(label, 'is no QEMU command line: none of its words is an option, or the name of QEMU');
  }
  return texts.map((text, index) => ({ text, place: { word: index + 1 } }));
}

function jsonWords(text: string, label: string): Word[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new VdpaQemuError('bad-input', `${label}: begins with [ and is no JSON array`, { cause });
  }
  if (!Array.isArray(value) || value.some((word) => typeof word !== 'string')) {
    throw bad(label, 'is JSON, but not an array of strings');
  }
  return numbered(value as string[], label);
}

function bad(label: string, message: string): VdpaQemuError {
  return new VdpaQemuError('bad-input', `${label}: ${message}`);
}

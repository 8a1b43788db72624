import { isMap, isSeq, parseDocument, type Document } from 'yaml';
import { messageOf, VdpaQemuError } from '../model/error.ts';
import { printable } from '../model/fact.ts';
import { parseYaml } from './yaml-document.ts';

/** The deepest value of a spec has four: interfaces.0.vdpa.hostA. */
const maxParts = 8;

type Path = readonly (string | number)[];

/**
 * Sets values in a spec's text: `memory=8GiB`, `interfaces.0.vdpa=vp1`. The value is YAML, the key a path with dots; the
 * number behind the last of a list appends to it.
 * @throws VdpaQemuError usage where a setting has no `=`, its value is no YAML, or its path does not lead anywhere
 */
export function applySettings(text: string, settings: readonly string[]): string {
  if (!isYaml(text)) return text;
  const document = parseDocument(text, { prettyErrors: false, logLevel: 'error', uniqueKeys: false });
  for (const setting of settings) {
    const equals = setting.indexOf('=');
    if (equals < 1) throw new VdpaQemuError('usage', `--set wants KEY=VALUE; got ${shown(setting)}`);
    const key = setting.slice(0, equals);
    try {
      const path = pathOf(key, document);
      document.setIn(path, document.createNode(valueOf(setting.slice(equals + 1))));
    } catch (cause) {
      throw new VdpaQemuError('usage', `--set ${shown(key)}: ${printable(messageOf(cause))}`, { cause });
    }
  }
  return document.toString();
}

const shown = (text: string): string => printable(text.slice(0, 80));

function pathOf(key: string, document: Document): Path {
  const path = key.split('.', maxParts + 1).map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  if (path.length > maxParts) throw new Error(`a path has at most ${maxParts} parts`);
  for (const [index, part] of path.entries()) {
    const parent: unknown = index === 0 ? document.contents : document.getIn(path.slice(0, index), true);
    // what is not there yet becomes a list where a number stands, and its entries up to the number would be made, too
    const length = isSeq(parent) ? parent.items.length : isMap(parent) ? Infinity : 0;
    if (typeof part === 'number' && part > length) {
      throw new Error(`${part} is beyond the list, which has ${length} entries`);
    }
  }
  return path;
}

function valueOf(text: string): unknown {
  const value = parseYaml(text);
  if ('data' in value) return value.data;
  const [{ message } = { message: 'no YAML' }] = value;
  throw new Error(message);
}

/** What is no YAML is left as it is: who reads it says what is wrong. */
function isYaml(text: string): boolean {
  try {
    return 'data' in parseYaml(text);
  } catch {
    return false;
  }
}

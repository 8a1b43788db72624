import { parseDocument } from 'yaml';
import { messageOf, VdpaQemuError } from '../model/error.ts';
import { printable } from '../model/fact.ts';
import { parseYaml } from './yaml-document.ts';

/** No list of a spec is longer (migration.hosts); an index far beyond would build a list up to it. */
const maxListLength = 10_000;

/**
 * Sets values in a spec's text: `memory=8GiB`, `interfaces.0.vdpa=vp1`. The value is YAML, the key a path with dots.
 * @throws VdpaQemuError usage where a setting has no `=`, or its path does not lead anywhere
 */
export function applySettings(text: string, settings: readonly string[]): string {
  if (!isYaml(text)) return text;
  const document = parseDocument(text, { prettyErrors: false, logLevel: 'error', uniqueKeys: false });
  for (const setting of settings) {
    const equals = setting.indexOf('=');
    if (equals < 1) throw new VdpaQemuError('usage', `--set wants KEY=VALUE; got ${printable(setting)}`);
    const key = setting.slice(0, equals);
    const path = key.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part));
    if (path.some((part) => typeof part === 'number' && part >= maxListLength)) {
      throw new VdpaQemuError('usage', `--set ${printable(key).slice(0, 80)}: no list has ${maxListLength} entries`);
    }
    try {
      const value = parseDocument(setting.slice(equals + 1), { prettyErrors: false, logLevel: 'error' });
      const [error] = value.errors;
      if (error) throw error;
      document.setIn(path, document.createNode(value.toJS({ maxAliasCount: 0 })));
    } catch (cause) {
      throw new VdpaQemuError('usage', `--set ${printable(key)}: ${printable(messageOf(cause))}`, { cause });
    }
  }
  return document.toString();
}

/** What is no YAML is left as it is: who reads it says what is wrong. */
function isYaml(text: string): boolean {
  try {
    return 'data' in parseYaml(text);
  } catch {
    return false;
  }
}

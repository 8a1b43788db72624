import { printable } from '../model/fact.ts';
import type { Finding } from '../model/finding.ts';

/** `vm.yaml:7:5: error: text [code]`, and the fix on a line of its own. Nothing in it can steer a terminal. */
export function renderFinding({ severity, place, path, message, code, fix }: Finding): string {
  const where = place ? `${place.file}:${place.line}:${place.column}: ` : path === '' ? '' : `${path}: `;
  const lines = [`${where}${severity}: ${message} [${code}]`, ...(fix === undefined ? [] : [`  fix: ${fix}`])];
  return lines.map((line) => `${printable(line)}\n`).join('');
}

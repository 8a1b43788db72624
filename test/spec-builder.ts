/** VM specs for tests: the four keys that every spec has, and what the test is about. */
import type { Finding } from '../src/model/finding.ts';
import type { CompleteSpec } from '../src/spec/defaults.ts';
import { loadSpec } from '../src/spec/load.ts';

/** Four lines, so that the body of a spec begins on line 5. */
export const specHead = 'schemaVersion: 1\nname: web1\nmachine: pc-q35-10.0\nmemory: 1GiB\n';

/** A sound spec, completed. */
export function specOf(body: string, head: string = specHead): CompleteSpec {
  const { spec, findings } = loadSpec(head + body, 'vm.yaml');
  if (!spec) throw new Error(`no sound spec: ${findings.map(({ message }) => message).join('; ')}`);
  return spec;
}

/** `vm.yaml:5:1: error: text [code]`, without the file. */
export function lineOf({ place, severity, message, code }: Finding): string {
  return `${place?.line ?? 0}:${place?.column ?? 0} ${severity} ${code}: ${message}`;
}

/** What is found in a spec, a line per finding. */
export function findingsIn(body: string, head: string = specHead): string[] {
  return loadSpec(head + body, 'vm.yaml').findings.map(lineOf);
}

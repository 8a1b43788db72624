/** The documentation of finding codes is complete and has no orphans. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const code =
  /\b(?:spec|plan|doorbell|assess|host|probe|verify|observe|launch|import|migration|baseline|opinion|validate)\.[a-z]+(?:-[a-z0-9]+)*\b/g;

/** A field of the spec, and a file. */
const otherWords = new Set(['migration.hosts', 'migration.md', 'validate.md']);

function codesIn(text: string): string[] {
  return [...text.matchAll(code)].map(([found]) => found).filter((found) => !otherWords.has(found));
}

test('docs/findings.md lists exactly the codes in src', () => {
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const quoted = sources.flatMap((name) =>
    [...readFileSync(join('src', name), 'utf8').matchAll(/'([a-z]+\.[a-z0-9-]+)'/g)].flatMap(([, found = '']) =>
      codesIn(found),
    ),
  );
  const inSource = [...new Set([...quoted, 'assess.unsafe', 'assess.unknown'])].sort();
  const documented = [...new Set(codesIn(readFileSync('docs/findings.md', 'utf8')))].sort();
  expect(documented).toEqual(inSource);
});

test('docs/design.md has a row for each room of src', () => {
  const rooms = readdirSync('src', { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? entry.name : []));
  const rows = [...readFileSync('docs/design.md', 'utf8').matchAll(/^\| `src\/([a-z]+)`/gm)].map(([, name]) => name);
  expect([...rows].sort()).toEqual(rooms.sort());
});

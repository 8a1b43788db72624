/** What we write ourselves, and what we ship, is in order. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { l1, args, domain, nic, findingsIn } from './samples.ts';

const folders = ['test/golden', 'examples'].flatMap((root) =>
  readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(root, entry.name)),
);
const shipped = [
  ...folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name))),
  ...readdirSync('templates').map((name) => join('templates', name)),
].filter((file) => /\.(yaml|args|xml|json)$/.test(file) && existsSync(file));

describe('shipped and emitted files have no errors', () => {
  test('there are many', () => {
    expect(shipped.length).toBeGreaterThan(60);
  });

  test.each(shipped)('%s', async (file) => {
    const findings = await findingsIn(readFileSync(file, 'utf8'), { file });
    // what is left to say of them: CPU models that the host decides, pairs that a device decides
    const allowed = new Set(['spec.cpu-not-migratable', 'validate.mq-pairs']);
    expect(findings.filter(({ code }) => !allowed.has(code))).toEqual([]);
  });
});

test.each([
  ['args', args()],
  ['XML', domain(nic())],
])('the sound sample as %s has only notes, with and without its host', async (_, text) => {
  for (const reports of [[], [l1]]) {
    const findings = await findingsIn(text, { reports });
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  }
});

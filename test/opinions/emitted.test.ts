/** What `gen` emits is taken by the real programs, of each distribution that is there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { libvirtSchemaOpinion } from '../../src/validate/opinions/libvirt-schema.ts';
import { qemuOpinion } from '../../src/validate/opinions/qemu.ts';
import { virshOpinion } from '../../src/validate/opinions/virsh.ts';
import { validateDocument } from '../../src/validate/validate-document.ts';
import { isBefore, ownPrograms, trixiePrograms, withPath, type Programs } from './programs.ts';

const cases = ['test/golden', 'examples']
  .flatMap((root) => readdirSync(root).map((name) => join(root, name)))
  .filter((folder) => existsSync(join(folder, 'expected.xml')) || existsSync(join(folder, 'expected.args')));

/** What an older program cannot know: [text that needs it, since, code]. */
function expectedOf(text: string, isXml: boolean, { libvirtVersion, qemuVersion }: Programs): string[] {
  const codes: string[] = [];
  if (isXml && text.includes("type='vhostvdpa'") && isBefore(libvirtVersion, '9.8.0')) {
    codes.push('opinion.libvirt-schema', 'opinion.virsh');
  }
  if (text.includes('vhost-vdpa-device-pci') && isBefore(qemuVersion, '8.0.0')) codes.push('opinion.qemu-type');
  return codes;
}

describe.each([
  ['this machine', ownPrograms()],
  ['trixie', trixiePrograms()],
])('%s', (_, programs) => {
  if (typeof programs === 'string') {
    test.skip(`skipped: ${programs}`, () => undefined);
    return;
  }
  afterAll(programs.end);
  const opinions = [libvirtSchemaOpinion(programs.schemas), virshOpinion, qemuOpinion([programs.qemu])];
  const title = `libvirt ${programs.libvirtVersion}, QEMU ${programs.qemuVersion}`;

  test.each(cases)(`${title}: %s`, async (folder) => {
    for (const file of ['expected.xml', 'expected.args']) {
      const path = join(folder, file);
      if (!existsSync(path)) continue;
      const text = readFileSync(path, 'utf8');
      const { findings } = await withPath(programs.folder, () => validateDocument(text, { file: path, opinions }));
      const told = findings.filter(({ code }) => code.startsWith('opinion.'));
      const isArm = text.includes('aarch64');
      if (isArm) {
        // only the QEMU of the own architecture is asked
        expect(told.filter(({ code }) => code !== 'opinion.not-asked' && code !== 'opinion.qemu-type')).toEqual([]);
        continue;
      }
      expect({ path, codes: [...new Set(told.map(({ code }) => code))].sort(), told }).toEqual({
        path,
        codes: expectedOf(text, file.endsWith('.xml'), programs).sort(),
        told,
      });
    }
  });
});

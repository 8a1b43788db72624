/**
 * Documents as Nova, KubeVirt, virt-install and Incus write them, and one from a shell: written for this test after those
 * programs' own templates. Nothing in them is an error; what is found besides is listed, so that a new false alarm shows.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { validateDocument } from '../../src/validate/validate-document.ts';
import { l1 } from './samples.ts';

const folder = 'test/validate/realistic';

const expected: Readonly<Record<string, readonly string[]>> = {
  'by-hand.sh': ['warning validate.machine-unversioned', 'warning import.not-expanded', 'warning import.not-expanded'],
  'incus.args': ['warning validate.not-read'],
  'kubevirt.xml': ['info validate.page-per-vq-absent', 'warning validate.libvirt-model'],
  'nova.xml': ['info validate.page-per-vq-absent'],
  'virt-install.xml': ['warning validate.machine-unversioned', 'info validate.page-per-vq-absent'],
};

test('all of them are here', () => {
  expect(readdirSync(folder).sort()).toEqual(Object.keys(expected));
});

test.each(Object.entries(expected))('%s', async (name, codes) => {
  const { file, findings } = await validateDocument(readFileSync(`${folder}/${name}`, 'utf8'));
  expect(file.errors).toBe(0);
  expect(findings.map(({ severity, code }) => `${severity} ${code}`)).toEqual(codes);
  expect(findings.every(({ place }) => place !== undefined)).toBe(true);
});

test('against a host: what is wrong there is an error', async () => {
  const on = async (name: string): Promise<string[]> => {
    const { findings } = await validateDocument(readFileSync(`${folder}/${name}`, 'utf8'), { reports: [l1] });
    return findings.filter(({ severity }) => severity === 'error').map(({ code }) => code);
  };
  expect(await on('nova.xml')).toEqual(['validate.mac-differs']);
  expect(await on('kubevirt.xml')).toEqual(['validate.machine-missing', 'validate.device-class']);
  // its MAC stands in a variable
  expect(await on('by-hand.sh')).toEqual([]);
});

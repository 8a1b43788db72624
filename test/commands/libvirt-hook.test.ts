/** Runs examples/libvirt-hook/qemu as libvirt does on a destination, with the program as it is built. */
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { Files } from './command-line.ts';

const domain = readFileSync('examples/migration-domain/expected.xml', 'utf8');
/** The node of vp0 on l2. */
const bound = domain.replace('/dev/vhost-vdpa-1', '/dev/vhost-vdpa-0');
const report = path.resolve('examples/migration-domain/l2.json');

interface Called {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** libvirt gives the hook no environment but PATH: its settings stand beside it. */
function hook(xml: string, words: readonly string[], settings: Readonly<Record<string, string>> = {}): Called {
  const files = new Files();
  const program = files.write(
    'vdpa-qemu',
    `#!/bin/sh\nexec '${process.execPath}' '${path.resolve('dist/bin.js')}' "$@"\n`,
  );
  chmodSync(program, 0o755);
  copyFileSync('examples/libvirt-hook/qemu', files.at('qemu'));
  const all = Object.entries({ VDPA_QEMU: program, VDPA_QEMU_REPORT: report, ...settings });
  files.write('vdpa-qemu.conf', all.map(([name, value]) => `${name}='${value}'\n`).join(''));
  const { status, stdout, stderr } = spawnSync(files.at('qemu'), words, {
    input: xml,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
  });
  return { status, out: stdout, err: stderr };
}

const begin = ['roamer', 'migrate', 'begin', '-'];

describe('the libvirt hook', () => {
  test('lets a guest in that can go, and leaves its XML as it is', () => {
    expect(hook(bound, begin)).toEqual({ status: 0, out: '', err: '' });
  });

  test('refuses what would fail, with our message', () => {
    const { status, out, err } = hook(domain, begin);
    expect({ status, out }).toEqual({ status: 1, out: '' });
    expect(err).toContain('vdpa-qemu: migration of roamer refused: ');
    expect(err).toContain('host l2 has no vDPA device /dev/vhost-vdpa-1: it has vp0 [migration.device-missing]');
  });

  test('may be told to let in only who surely can go', () => {
    expect(hook(bound, begin, { VDPA_QEMU_ALLOW: '' }).status).toBe(1);
  });

  test('does nothing at other times', () => {
    const none = { VDPA_QEMU: '/nonexistent' };
    for (const words of [
      ['roamer', 'prepare', 'begin', '-'],
      ['roamer', 'migrate', 'end', '-'],
      ['roamer', 'start', 'begin', '-'],
    ]) {
      expect(hook(domain, words, none)).toEqual({ status: 0, out: '', err: '' });
    }
  });

  test('without the program it refuses a guest with vDPA devices, and no other', () => {
    const none = { VDPA_QEMU: '/nonexistent' };
    expect(hook(domain, begin, none)).toMatchObject({
      status: 1,
      err: expect.stringContaining('there is no /nonexistent') as string,
    });
    const tap = domain.replace(/<interface type='vdpa'>[^]*?<\/interface>/g, '').replaceAll('vhost-vdpa', 'tap');
    expect(hook(tap, begin, none)).toEqual({ status: 0, out: '', err: '' });
  });

  test('refuses XML that cannot be read', () => {
    expect(hook("<domain><interface type='vdpa'>", begin).status).toBe(1);
  });

  test.each(['', 'nothing', '<interface/>'])('refuses a guest of which it gets no domain XML: %j', (text) => {
    const err = 'vdpa-qemu: migration of roamer refused: standard input holds no domain XML\n';
    expect(hook(text, begin)).toEqual({ status: 1, out: '', err });
  });

  test('the name of a guest cannot steer a terminal, nor make lines of its own', () => {
    const name = 'g\\033[31m\u001b[31mX\nfake: line\\c\u009b hidden';
    const { status, err } = hook("<domain><interface type='vdpa'/></domain>", [name, ...begin.slice(1)], {
      VDPA_QEMU: '/nonexistent',
    });
    expect(status).toBe(1);
    expect(err).toBe(
      'vdpa-qemu: migration of g\\033[31m?[31mX?fake: line\\c?? hidden refused: it has vDPA devices, and there is no /nonexistent to check them\n',
    );
  });

  test('without a report it looks at the host, and opens no device', () => {
    const { status, err } = hook(bound, begin, { VDPA_QEMU_REPORT: '/nonexistent' });
    expect(status).toBe(1);
    expect(err).toContain('[migration.device-missing]');
  });
});

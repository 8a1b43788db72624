/** Command lines as people have them: in scripts, with variables and redirections, and in libvirt's logs. */
import { describe, expect, test } from 'vitest';
import { isUnknown } from '../../src/model/fact.ts';
import { readGuestConfiguration } from '../../src/import/read.ts';
import { asWritten } from '../../src/import/unexpanded.ts';
import { wordsOf } from '../../src/import/words.ts';

const words = (text: string): string[] => wordsOf(text, 'f').map((word) => asWritten(word.text));

describe('what goes with a command and is no word of it', () => {
  test.each([
    ['q -m 1G > log 2>&1 &', ['q', '-m', '1G']],
    ['q >log 2>>err </dev/null -m 1G', ['q', '-m', '1G']],
    ['q &> all -S;', ['q', '-S']],
    ['q -m 1G 2>&1 | tee -a "log & more"\n', ['q', '-m', '1G']],
    ['q -m 1 2>x', ['q', '-m', '1']],
    ['q -m 1G & # in the background\n\n', ['q', '-m', '1G']],
    ["q '>' \\& 'a;b'", ['q', '>', '&', 'a;b']],
  ])('%s', (text, expected) => expect(words(text)).toEqual(expected));

  test.each([
    ['q -S; rm -rf /', 'line 1, column 7: another command behind the ;'],
    ['q -S &\n wait', 'line 2, column 2: another command behind the &'],
    ['q -S | tee x\nq -m 1', 'line 2, column 1: another command behind the |'],
    ['cd /x && q', 'line 1, column 7: & outside of quotes'],
    ['q || exit', 'line 1, column 3: | outside of quotes'],
    ['q <<EOF\nx\nEOF', 'line 1, column 3: < outside of quotes'],
    ['q <(x)', 'line 1, column 3: < outside of quotes'],
    ['q >', '> leads nowhere'],
    ['(q)', 'line 1, column 1: ( outside of quotes'],
  ])('%j is refused', (text, message) => expect(() => words(text)).toThrow(message));
});

describe('what a shell would have filled in', () => {
  test.each([
    ['q $A ${B:-${C}} "$D e" `f "g"` $(h $(i)) $1 "$@"', 8],
    ['a$', 1],
    ['\'$A\' \\$B "\\$C"', 3],
  ])('%s', (text, count) => {
    expect(words(text)).toHaveLength(count);
    expect(words(text).join(' ')).toBe(text.replace(/(?<!\\)["']|\\(?=\$)/g, '').replace('`f g`', '`f "g"`'));
  });

  test.each([
    ['${A', 'a $ whose } is missing'],
    ['$(a (b)', 'a $ whose ) is missing'],
    ['`a', 'a ` whose ` is missing'],
    ["$'a'", "$' outside of quotes"],
  ])('%j is refused', (text, message) => expect(() => words(text)).toThrow(message));

  const read = (text: string) => {
    const { configuration, findings } = readGuestConfiguration(text, { as: 'qemu-argv' });
    return { guest: configuration!.guest, digest: configuration!.digest, binding: configuration!.binding, findings };
  };

  test('is unknown, property by property, and said', () => {
    const { guest, digest, binding, findings } = read(
      'qemu-system-x86_64 -M pc-q35-10.0 -m $MEM -uuid $ID -cpu "$CPU" -device virtio-net-pci,netdev=n0,mac=$MAC,vectors=4 -netdev vhost-vdpa,id=n0,vhostdev=${DEV} -qmp unix:$SOCK',
    );
    expect(digest).toBeNull();
    expect([guest.memoryBytes, guest.uuid, guest.cpu.model, guest.interfaces[0]?.mac].map(isUnknown)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(guest.memoryBytes).toMatchObject({
      unknown: 'not-expanded',
      detail: expect.stringContaining('$MEM') as string,
    });
    expect(guest.interfaces[0]?.vectors).toBe(4);
    expect(binding.devices[0]).toMatchObject({ charDevice: { unknown: 'not-expanded' } });
    // the socket is the host's own affair
    expect(findings.map(({ code, severity }) => `${severity} ${code}`)).toEqual(
      Array.from({ length: 5 }, () => 'warning import.not-expanded'),
    );
  });

  test('where options stand: nothing that has a default is taken for it', () => {
    const { guest, digest } = read('qemu-system-x86_64 -M pc-q35-10.0 -m 1G $EXTRA');
    expect(digest).toBeNull();
    expect([guest.machine, guest.memoryBytes]).toEqual(['pc-q35-10.0', 2 ** 30]);
    expect([guest.uuid, guest.cpu.count, guest.cpu.model, guest.otherOptions].map(isUnknown)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    const driver = read('qemu-system-x86_64 -M pc-q35-10.0 -device $NIC,netdev=n0');
    expect(driver.guest.interfaces).toEqual([]);
    expect(isUnknown(driver.guest.memoryBytes)).toBe(true);
  });

  test('the mark in a text of somebody else makes a value unknown, and no more', () => {
    const { guest } = read('qemu-system-x86_64\0-M\0pc-q35-10.0\0-m\0\uffff1G\0');
    expect(guest.memoryBytes).toMatchObject({ unknown: 'not-expanded' });
  });
});

test('the log of a libvirt domain: its last start', () => {
  const start = (time: string, memory: string) =>
    `2026-01-02 ${time}.123+0000: starting up libvirt version: 11.3.0, package: 3 (Debian), qemu version: 10.0.2, kernel: 6.12, hostname: h\nLC_ALL=C \\\nPATH=/usr/bin \\\n/usr/bin/qemu-system-x86_64 \\\n-name guest=web1,debug-threads=on \\\n-machine pc-q35-10.0 \\\n-m size=${memory} \\\n-nodefaults\nchar device redirected to /dev/pts/1 (label charserial0)\n2026-01-02 ${time}.9+0000: shutting down, reason=destroyed\n`;
  const { kind, configuration, findings } = readGuestConfiguration(start('10:00:00', '1G') + start('11:00:00', '2G'));
  expect(kind).toBe('qemu-argv');
  expect([configuration?.name, configuration?.guest.memoryBytes, findings]).toEqual(['web1', 2 ** 31, []]);
  expect(wordsOf(start('10:00:00', '1G'), 'f')[0]?.place).toEqual({ word: 1, line: 2, column: 1 });
});

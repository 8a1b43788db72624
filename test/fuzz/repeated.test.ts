/** One piece of a text, very many times: an answer in bounded time, of bounded length. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Files, run } from '../commands/command-line.ts';
import { capturedFile } from '../report-builder.ts';

const row = '- {driver: d, area: page-per-vq, exclusive: yes, source: s}\n';
const spec = readFileSync('test/golden/quickstart/spec.yaml', 'utf8');

/** [kind, what stands before, the piece, what stands behind] */
const pieces: readonly (readonly [kind: string, head: string, piece: string, tail: string])[] = [
  ...[
    'a ',
    '{} ',
    '"" ',
    "'' ",
    '-S ',
    '-x ',
    '-device a ',
    '-device virtio-net-pci,netdev=x ',
    '-netdev vhost-vdpa,id=x ',
  ].map((piece) => ['args', 'qemu-system-x86_64 -nodefaults ', piece, ''] as const),
  [
    'args',
    'qemu-system-x86_64 -netdev vhost-vdpa,id=x ',
    '-device virtio-net-pci,netdev=x -netdev vhost-vdpa,id=x ',
    '',
  ],
  ['args', 'qemu-system-x86_64 -device virtio-net-pci', ',a=1', ''],
  ['args', '-M\0q35\0', 'a\0', ''],
  ['args', '["-M","q35"', ',"a"', ']'],
  ['xml', '<domain>', '<a/>', '</domain>'],
  ['xml', '<domain>', '&amp;', '</domain>'],
  ['xml', '<domain><devices>', "<interface type='vdpa'/>", '</devices></domain>'],
  [
    'xml',
    "<domain xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:commandline>",
    "<q:arg value='x'/>",
    '</q:commandline></domain>',
  ],
  ['yaml', spec, '# a comment\n', ''],
  ['yaml', `${spec}x: [`, '1,', ']'],
  ['yaml', `${spec}x: !!binary `, 'AAAA', ''],
  ['yaml', `${spec}migration: {hosts: [`, 'h,', ']}'],
  ['yaml', spec, 'k: 1\n', ''],
  ['yaml', spec, '%x\n', ''],
  ['parents.yaml', 'schemaVersion: 1\nkind: ParentKnowledge\nparents:\n', row, ''],
  ['parents.yaml', 'schemaVersion: 1\nkind: ParentKnowledge\nparents: !!binary ', 'AAAA', ''],
  ['json', '', '{"kind": "HostReport"}\n', ''],
  ['json', '{"kind": "GuestConfiguration", "a": [', '1,', '1]}'],
];

const commandsFor = (kind: string, file: string): string[][] => {
  if (kind === 'parents.yaml') return [['assess', capturedFile, '--parents', file]];
  if (kind === 'yaml')
    return [
      ['validate', file],
      ['gen', file, '--host', capturedFile],
    ];
  if (kind === 'json')
    return [
      ['validate', file],
      ['baseline', file],
    ];
  return [
    ['validate', file],
    ['guest-abi', file],
    ['check-migration', file, '--to', capturedFile],
  ];
};

/** The long run also looks at what is not cut off by a bound on size. */
const counts = Number(process.env['VDPA_QEMU_FUZZ'] ?? 0) > 10_000 ? [10_000, 100_000] : [100_000];

describe.each(counts)('%i times', (times) => {
  test.each(pieces)('%s: %j .. %j', async (kind, head, piece, tail) => {
    const body = piece.repeat(Math.min(times, Math.floor(900_000 / piece.length)));
    const file = new Files().write(`many.${kind}`, head + body + tail);
    for (const argv of commandsFor(kind, file)) {
      const start = process.cpuUsage();
      const { code, out, err } = await run(...argv);
      const { user, system } = process.cpuUsage(start);
      expect([0, 1, 2]).toContain(code);
      expect(err).not.toContain('internal error');
      // a second on a machine of its own; coverage and neighbours take the rest
      expect([argv[0], Math.floor((user + system) / 3_000_000)]).toEqual([argv[0], 0]);
      expect(out.length + err.length).toBeLessThan(4_000_000);
    }
  });
});

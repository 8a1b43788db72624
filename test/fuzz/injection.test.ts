/** No value leaks out of its option, attribute or line: rendered and read back, by our readers and by real programs. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { startProgram } from '../../src/host/process.ts';
import { connectQmp } from '../../src/host/qmp-connect.ts';
import { parseOptionValues } from '../../src/import/option-values.ts';
import { readGuestConfiguration } from '../../src/import/read.ts';
import { wordsOf } from '../../src/import/words.ts';
import { childOf, childrenOf, parseXml, type XmlNode } from '../../src/import/xml-document.ts';
import type { VmPlan } from '../../src/model/generated/vm-plan.ts';
import { renderLibvirtXml } from '../../src/render/libvirt-xml.ts';
import { renderQemuArgv } from '../../src/render/qemu-argv.ts';
import { renderOption } from '../../src/render/qemu-option.ts';
import { renderCommand } from '../../src/render/shell.ts';
import { Files, runWith } from '../commands/command-line.ts';
import { needsQemu, qemu } from '../host/qemu.ts';
import { hostilePieces, value, wellFormed } from './inputs.ts';

const plan = JSON.parse(readFileSync('test/golden/ten-disks/expected.plan.json', 'utf8')) as VmPlan;

/** The plan with a hostile text in every place that is free text. */
function planWith(text: string): VmPlan {
  const { binding } = plan;
  return {
    ...plan,
    name: text,
    binding: {
      ...binding,
      emulator: `/${text}/qemu-system-x86_64`,
      qmpSocket: text,
      interfaces: binding.interfaces.map((bound) => ({ ...bound, charDevice: text })),
      vdpaDevices: binding.vdpaDevices.map((bound) => ({ ...bound, charDevice: text })),
      disks: binding.disks.map((bound) =>
        'file' in bound ? { ...bound, file: text } : { ...bound, charDevice: text },
      ),
    },
  };
}

const safe = planWith('safe');
const safeGuest = (as: 'libvirt' | 'qemu-argv', text: string): unknown => {
  const { configuration, findings } = readGuestConfiguration(text, { as });
  expect(findings).toEqual([]);
  return { guest: configuration?.guest, digest: configuration?.digest };
};

/** Text that argv can carry: no NUL, and UTF-8. */
const argument = value.map((text) => wellFormed(text.replaceAll('\0', '')));
/** Text that XML can carry. */
const xmlText = argument.map((text) => text.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/gu, ''));

describe('a command line', () => {
  const expected = safeGuest('qemu-argv', JSON.stringify(renderQemuArgv(safe)));

  test('each value comes back whole, and the guest is the same whatever stands in it', () => {
    fc.assert(
      fc.property(argument, (text) => {
        const argv = renderQemuArgv(planWith(text));
        for (const form of [renderCommand(argv), JSON.stringify(argv)]) {
          const words = wordsOf(form, 'vm');
          expect(words.map((word) => word.text)).toEqual(argv);
          expect(safeGuest('qemu-argv', form)).toEqual(expected);
        }
        const { configuration } = readGuestConfiguration(JSON.stringify(argv), { as: 'qemu-argv' });
        expect(configuration?.name).toBe(text);
      }),
      { numRuns: 60 },
    );
  });

  test('parse(render(x)) = x for one option', () => {
    const key = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/).filter((name) => !/^(?:unknown|driver|no)/.test(name));
    fc.assert(
      fc.property(fc.dictionary(key, argument, { maxKeys: 5, noNullPrototype: true }), argument, (parts, first) => {
        // an empty first part, or one with an equals sign, is not what the first word of an option can be
        fc.pre(first !== '' && !first.includes('=') && !first.startsWith('{'));
        const values = parseOptionValues(renderOption(first, parts), 'driver');
        expect(Object.fromEntries(values)).toEqual({ driver: first, ...parts });
      }),
      { numRuns: 300 },
    );
  });
});

describe('libvirt XML', () => {
  const expected = safeGuest('libvirt', renderLibvirtXml(safe));

  const texts = (xml: string): { name: string; emulator: string; files: (string | undefined)[] } => {
    const domain = parseXml(xml, 'vm');
    const devices = childOf(domain, 'devices');
    const source = (node: XmlNode): string | undefined => {
      const attributes = childOf(node, 'source')?.attributes;
      return attributes?.get('file') ?? attributes?.get('dev');
    };
    return {
      name: childOf(domain, 'name')?.text ?? '',
      emulator: childOf(devices, 'emulator')?.text ?? '',
      files: childrenOf(devices, 'disk').map(source),
    };
  };

  test('each value comes back whole, and the guest is the same whatever stands in it', () => {
    fc.assert(
      fc.property(xmlText, (text) => {
        const xml = renderLibvirtXml(planWith(text));
        expect(texts(xml)).toEqual({
          name: text.trim(),
          emulator: `/${text}/qemu-system-x86_64`,
          files: plan.binding.disks.map(() => text),
        });
        expect(safeGuest('libvirt', xml)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  test('libxml2 reads the same', async () => {
    const packageName = 'libxml2-wasm' as string;
    const { XmlDocument } = (await import(packageName)) as {
      XmlDocument: {
        fromString(text: string): { get(xpath: string): { content: string } | null; dispose(): void };
      };
    };
    for (const piece of hostilePieces) {
      const text = wellFormed(piece).replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/gu, '');
      const document = XmlDocument.fromString(renderLibvirtXml(planWith(`a${text}b`)));
      expect(document.get('/domain/name')?.content).toBe(`a${text}b`);
      expect(document.get('/domain/devices/disk[1]/source/@file')?.content).toBe(`a${text}b`);
      document.dispose();
    }
  });
});

describe.skipIf(qemu === undefined)(`a real QEMU${needsQemu}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'vdpa-qemu-fuzz-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('reads back file names, a socket and a name as they were given', async () => {
    // a file name holds no slash, and QEMU's JSON shows U+FFFE as U+FFFD
    const names = hostilePieces
      .map((piece, index) => `${index}${wellFormed(piece).replaceAll('\0', '').replaceAll('/', '%')}.raw`)
      .map((name) => name.replaceAll(/[\ufffd\ufffe]/g, 'x'));
    for (const name of names) writeFileSync(join(folder, name), Buffer.alloc(512));
    const blockdevs = names.flatMap((name, index) => [
      '-blockdev',
      renderOption('', {
        driver: 'raw',
        'node-name': `n${index}`,
        'file.driver': 'file',
        'file.filename': join(folder, name),
      }),
    ]);
    const guest = `a,b=c,,debug-threads=on"'\n]]>`;
    const args = ['-nodefaults', '-no-user-config', '-display', 'none', '-machine', 'none,accel=tcg', '-S'];
    const program = await startProgram(
      qemu!,
      [...args, '-name', renderOption('', { guest, 'debug-threads': true }), ...blockdevs, '-qmp', 'stdio'],
      { pipe: true },
    );
    try {
      const client = await connectQmp({ stream: program.stdio! }, { timeoutMs: 20_000 });
      const nodes = (await client.execute('query-named-block-nodes')) as { 'node-name': string; file: string }[];
      const files = new Map(nodes.map((node) => [node['node-name'], node.file]));
      expect(names.map((_, index) => files.get(`n${index}`))).toEqual(names.map((name) => join(folder, name)));
      expect(await client.execute('query-name')).toEqual({ name: guest });
      await client.execute('quit').catch(() => undefined);
      client.close();
    } catch (error) {
      throw new Error(program.stderrTail().join('\n'), { cause: error });
    } finally {
      await program.stop();
    }
  });
});

describe('a terminal', () => {
  /** Control characters but newline: C0, DEL and C1. */
  const raw = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/;
  const escape = '\u001b]0;owned\u0007\u009b31m\u007f';
  const spec = readFileSync('test/golden/quickstart/spec.yaml', 'utf8');
  const host = readFileSync('examples/quickstart/host.json', 'utf8');

  const texts: readonly (readonly [string, string])[] = [
    ['vm.yaml', spec.replace(/^name: .*$/m, `name: ${JSON.stringify(escape)}`)],
    ['broken.yaml', `schemaVersion: 1\n"\\e[2J": 1\nname: *nobody\n`],
    [
      'vm.args',
      `qemu-system-x86_64 -name '${escape}' -machine '${escape}' -device '${escape},id=${escape}' '${escape}'`,
    ],
    [
      'vm.xml',
      `<domain type='qemu'><name>\u009b31m</name><devices><interface type='vdpa'><mac address='\u009b'/><source dev='\u009b'/></interface></devices></domain>`,
    ],
    ['root.xml', `<\u009b31m/>`],
    ['plan.json', JSON.stringify({ ...planWith(escape), [escape]: 1 })],
    ['host.json', host.replace(/"name":\s*"[^"]*"/, `"name": ${JSON.stringify(escape)}`)],
    ['\u009b31mname.args', '-device virtio-net-pci'],
  ];

  test.each(texts)('%j', async (name, text) => {
    const files = new Files();
    const file = files.write(name, text);
    const report = files.write('sound-host.json', host);
    for (const argv of [
      ['validate', file],
      ['guest-abi', file],
      ['gen', file, '--host', report],
      ['gen', 'test/golden/quickstart/spec.yaml', '--host', file],
      ['assess', file],
      ['baseline', file],
    ]) {
      const { out, err } = await runWith(false, ...argv);
      expect({ argv, out: raw.exec(out)?.input.slice(0, 200), err: raw.exec(err)?.input.slice(0, 200) }).toEqual({
        argv,
        out: undefined,
        err: undefined,
      });
    }
  });
});

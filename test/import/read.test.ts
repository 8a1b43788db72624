/** What a text is, and how it is told to people. */
import { describe, expect, test } from 'vitest';
import { kindOf, readGuestConfiguration } from '../../src/import/read.ts';
import { placeText } from '../../src/import/text-place.ts';
import { renderJson } from '../../src/render/json.ts';
import { renderGuestConfiguration } from '../../src/render/guest-configuration-text.ts';
import { reportWith } from '../report-builder.ts';
import { golden, importText, withNic } from './importing.ts';

describe('kindOf', () => {
  test.each([
    ['libvirt', '\n <?xml version="1.0"?><domain/>'],
    ['qemu-argv', '/usr/bin/qemu-kvm\0-S\0'],
    ['qemu-argv', '["qemu-system-x86_64"]'],
    ['qemu-argv', '# a comment\n\n-S\n'],
    ['qemu-argv', '--nodefaults'],
    ['qemu-argv', 'LC_ALL=C /usr/bin/qemu-system-x86_64 -S'],
    ['qemu-argv', "'/opt/my qemu' \\\n  -name a"],
    ['plan', '{"kind": "VmPlan"}'],
    ['guest-configuration', '{ "a": 1, "kind":"GuestConfiguration"}'],
    ['spec', '{"schemaVersion": 1}'],
    ['spec', 'name: qemu-system-x86_64'],
    ['spec', '# qemu\nschemaVersion: 1'],
    ['spec', ''],
  ])('%s: %j', (kind, text) => expect(kindOf(text)).toBe(kind));
});

describe('readGuestConfiguration', () => {
  test('a spec, on a report; without one it says so', () => {
    const text = golden('quickstart', 'spec.yaml');
    const { configuration } = readGuestConfiguration(text, { reports: [reportWith()] });
    expect(configuration).toMatchObject({
      origin: 'spec',
      digest: importText(golden('quickstart', 'expected.args')).digest,
    });
    expect(() => readGuestConfiguration(text, { file: 'vm.yaml' })).toThrow(
      'vm.yaml is a spec: it takes a host report',
    );
  });

  test('a spec that is wrong, or cannot be planned', () => {
    const wrong = readGuestConfiguration('schemaVersion: 2');
    expect(wrong.configuration).toBeUndefined();
    expect(wrong.findings.length).toBeGreaterThan(0);
    const unplanned = golden('quickstart', 'spec.yaml').replace('vp0', 'nobody');
    const read = readGuestConfiguration(unplanned, { reports: [reportWith()] });
    expect(read.configuration).toBeUndefined();
    expect(read.findings.map(({ code }) => code.split('.')[0])).toContain('plan');
  });

  test('a document that was written before: its digest is made anew', () => {
    const before = importText(golden('mtu', 'expected.xml'));
    const text = renderJson({ ...before, digest: 'f'.repeat(64), undetermined: [] });
    expect(importText(`\ufeff${text}`)).toEqual(before);
  });

  test('places of devices and findings', () => {
    const argv = readGuestConfiguration(withNic('mq=x'), { file: 'vm.args' });
    expect(argv.places.get('/interfaces/0')).toMatchObject({ line: 4 });
    expect(argv.findings).toMatchObject([
      {
        code: 'import.bad-value',
        place: { file: 'vm.args', line: 4 },
        path: expect.stringMatching(/^\/\d+$/) as string,
      },
    ]);
    const nul = readGuestConfiguration(withNic('mq=x').replaceAll(/\s+/g, '\0'));
    expect(nul.findings[0]?.place).toBeUndefined();
    const xml = readGuestConfiguration(golden('quickstart', 'expected.xml'));
    expect(xml.places.get('/interfaces/0')).toMatchObject({ line: expect.any(Number) as number });
  });

  test('placeText', () => {
    expect(placeText({ word: 3, line: 2, column: 1 })).toBe('word 3, line 2');
    expect(placeText({ line: 2, column: 1 })).toBe('line 2, column 1');
    expect(placeText({})).toBe('');
  });
});

describe('as text', () => {
  test('what is not known is called so, and nothing reaches a terminal unfiltered', () => {
    const text = renderGuestConfiguration(importText("<domain type='xen'><name>a&#x9b;31m</name></domain>"));
    expect(text).toContain('machine unknown (unknown)');
    expect(text).toContain('memory unknown in ');
    expect(text).toMatch(/^guest ABI undetermined in \d+ places: no digest\n/);
    expect(text).not.toContain('\u009b');
  });

  test('one place; devices without id, their properties and other devices', () => {
    const text = renderGuestConfiguration(
      importText(
        'qemu-system-x86_64 -nodefaults -machine pc-q35-10.0,hpet=off -device virtio-net-pci,addr=2,vectors=4,mac=0:0:0:0:0:1,csum=off -device i6300esb,addr=4 -smbios type=1 -m 64',
      ),
    );
    expect(text).toContain('machine pc-q35-10.0 (x86_64), hpet=off');
    expect(text).toMatch(/interface \(no id\) at 02\.0: .*, csum=off\n/);
    expect(text).toContain('i6300esb at 04.0\n-smbios type=1\n');
    expect(text).toContain('/interfaces/0 to none');
    const one = renderGuestConfiguration(importText('qemu-system-x86_64 -nodefaults -machine pc-q35-10.0 -uuid x'));
    expect(one).toMatch(/^guest ABI undetermined in 1 place: no digest\nno name, from qemu-argv\n/);
    const settings = renderGuestConfiguration(importText("<domain type='kvm'><sysinfo/></domain>"));
    expect(settings).toContain('other options: unknown');
  });

  test('the name on the vdpa bus, of a plan', () => {
    expect(renderGuestConfiguration(importText(golden('quickstart', 'expected.plan.json')))).toContain(
      'net0 to vhost-vdpa /dev/vhost-vdpa-0 (vp0)',
    );
  });
});

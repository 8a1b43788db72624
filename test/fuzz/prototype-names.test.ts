/** Names that every object of JavaScript has are names like any other. */
import { describe, expect, test } from 'vitest';
import { readGuestConfiguration } from '../../src/import/read.ts';
import { isUnknown } from '../../src/model/fact.ts';

const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'];

describe.each(names)('%s', (name) => {
  test('as an option of QEMU', () => {
    const { configuration, findings } = readGuestConfiguration(`qemu-system-x86_64 -${name} -nodefaults`);
    expect(findings.map(({ code }) => code)).toContain('import.option-unknown');
    const options = configuration?.guest.otherOptions ?? {};
    expect(Object.getPrototypeOf(options)).toBe(Object.prototype);
    expect(isUnknown(Object.getOwnPropertyDescriptor(options, name)?.value)).toBe(true);
    expect(configuration?.digest).toBeNull();
  });

  test('as a property', () => {
    const { configuration } = readGuestConfiguration(`-device virtio-net-pci,id=a,${name}=1`, { as: 'qemu-argv' });
    const properties = configuration?.guest.interfaces[0]?.properties ?? {};
    if (name !== '__proto__') expect(Object.hasOwn(properties, name)).toBe(true);
    expect(Object.getPrototypeOf(properties)).toBe(Object.prototype);
  });

  test('as a type of libvirt interface, of memory source, of unit and of attribute', () => {
    const xml = `<domain type='qemu'><name>a</name><memory unit='${name}'>1</memory><memoryBacking><source type='${name}'/></memoryBacking><devices><interface type='${name}'><model type='virtio'/><driver ${name}='1'/></interface></devices></domain>`;
    const { configuration } = readGuestConfiguration(xml);
    expect(configuration?.digest).toBeNull();
    expect(isUnknown(configuration?.guest.memoryBytes)).toBe(true);
    expect(JSON.stringify(configuration)).not.toContain('native code');
  });
});

/** How the tests of this room read a text. */
import { readFileSync } from 'node:fs';
import { readGuestConfiguration, type ReadOptions } from '../../src/import/read.ts';
import type { GuestConfiguration } from '../../src/model/generated/guest-configuration.ts';
import validate from '../../src/model/generated/guest-configuration.validate.js';

/** Imports a text that can be read; the document keeps to its schema. */
export function importText(text: string, options: ReadOptions = {}): GuestConfiguration {
  const { configuration, findings } = readGuestConfiguration(text, options);
  if (!configuration) throw new Error(findings.map(({ message }) => message).join('\n'));
  if (!validate(configuration)) throw new Error(JSON.stringify(validate.errors));
  return configuration;
}

/** Codes of what is found in a text. */
export function codesOf(text: string, options: ReadOptions = {}): string[] {
  return readGuestConfiguration(text, options).findings.map(({ code }) => code);
}

export const golden = (name: string, file: string): string => readFileSync(`test/golden/${name}/${file}`, 'utf8');

/** A command line of one NIC; `more` goes to its -device. */
export function withNic(more: string, rest = ''): string {
  return `qemu-system-x86_64 -nodefaults -machine pc-q35-10.0 -cpu qemu64 ${rest}
-device pcie-root-port,id=pci.1,bus=pcie.0,addr=0x2,chassis=1,port=16
-netdev vhost-vdpa,id=n0,vhostdev=/dev/vhost-vdpa-0
-device virtio-net-pci,netdev=n0,id=net0,mac=52:54:00:00:00:01,bus=pci.1,addr=0x0,vectors=4${more === '' ? '' : `,${more}`}`;
}

import { isUnknown, printable, type Fact } from '../model/fact.ts';
import type { Guest, GuestConfiguration } from '../model/generated/guest-configuration.ts';
import { fieldOf } from '../model/pointer.ts';
import { sizeText } from '../model/units.ts';

/** A guest configuration for people: the digest first, then what the guest sees, then what is not known. */
export function renderGuestConfiguration({
  name,
  origin,
  digest,
  guest,
  binding,
  undetermined,
}: GuestConfiguration): string {
  const missing = undetermined.filter(({ inDigest }) => inDigest).length;
  const lines = [
    `guest ABI ${digest === null ? `undetermined in ${missing} ${missing === 1 ? 'place' : 'places'}: no digest` : `sha256:${digest}`}`,
    `${name ?? 'no name'}, from ${origin}`,
    '',
    ...boardLines(guest),
    ...devices('interface', guest.interfaces),
    ...devices('disk', guest.disks),
    ...devices('vhost-vdpa-device', guest.vdpaDevices),
    ...guest.rootPorts.map(
      (port) => `root port ${word(port.address)}: chassis ${word(port.chassis)}, port ${word(port.port)}`,
    ),
    ...guest.otherDevices.map(
      (device) =>
        `${word(device.driver)}${device.address === null ? '' : ` at ${word(device.address)}`}${properties(device.properties)}`,
    ),
    ...(isUnknown(guest.otherOptions)
      ? ['other options: unknown']
      : Object.entries(guest.otherOptions).flatMap(([option, values]) =>
          isUnknown(values) ? [`-${option}: unknown`] : values.map((value) => `-${option} ${value}`),
        )),
    '',
    `bound to: ${[`accelerator ${binding.accelerators?.join(', else ') ?? word(binding.accelerator)}`, ...binding.devices.flatMap(boundTo)].join('; ')}`,
  ];
  if (undetermined.length > 0) {
    lines.push('', 'not determined:');
    for (const { path, reason, inDigest } of undetermined) {
      lines.push(`  ${fieldOf(path)}${inDigest ? '' : ' (not in the digest)'}: ${reason}`);
    }
  }
  return lines.map((line) => `${printable(line)}\n`).join('');
}

function boardLines({ machine, architecture, cpu, memoryBytes, ramBlock, machineOptions, uuid }: Guest): string[] {
  const shape = `${word(cpu.sockets)} sockets x ${word(cpu.cores)} cores x ${word(cpu.threads)} threads`;
  return [
    `machine ${word(machine)} (${word(architecture)})${properties(machineOptions)}`,
    `cpu ${word(cpu.model)}, ${word(cpu.count)} (${shape})`,
    `memory ${isUnknown(memoryBytes) ? 'unknown' : sizeText(memoryBytes)} in ${word(ramBlock)}`,
    `uuid ${word(uuid)}`,
  ];
}

/** id, address and properties of any device stand apart; the rest is written name by name. */
function devices(what: string, list: readonly object[]): string[] {
  return list.map((device) => {
    const {
      id,
      address,
      properties: others,
      ...leaves
    } = device as {
      id: string | null;
      address: Fact<string>;
      properties: Guest['machineOptions'];
    };
    const known = Object.entries(leaves as Record<string, Fact<string | number | boolean | null>>)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => `${name} ${word(value)}`);
    return `${what} ${id ?? '(no id)'} at ${word(address)}: ${known.join(', ')}${properties(others)}`;
  });
}

function properties(others: Guest['otherDevices'][number]['properties']): string {
  if (isUnknown(others)) return ', properties unknown';
  return Object.entries(others)
    .map(([name, value]) => `, ${name}=${word(value)}`)
    .join('');
}

function boundTo({
  device,
  id,
  backend,
  charDevice,
  vdpa,
}: GuestConfiguration['binding']['devices'][number]): string[] {
  const where = charDevice === null ? '' : ` ${word(charDevice)}`;
  return [`${id ?? device} to ${word(backend)}${where}${vdpa === null ? '' : ` (${vdpa})`}`];
}

function word(value: Fact<string | number | boolean | null>): string {
  if (isUnknown(value)) return 'unknown';
  return typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value);
}

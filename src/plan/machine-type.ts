import { machineTypeNumber } from '../model/qemu-version.ts';
import type { PlanFindings } from './findings.ts';
import type { Host, KnownQemu } from './host.ts';

/** What a versioned machine type fixes. */
export interface MachineType {
  readonly name: string;
  readonly architecture: 'x86_64' | 'aarch64';
}

const versioned = /^(pc-q35|virt)-[0-9]+\.[0-9]+$/;

/**
 * Resolves the spec's machine type and checks that every host has it. An alias (q35, virt) means another machine in
 * another QEMU, so it must mean the same on all hosts, and a warning asks to write the name out.
 */
export function resolveMachineType(
  machine: string,
  hosts: readonly Host[],
  findings: PlanFindings,
): MachineType | undefined {
  const path = '/machine';
  const name = versioned.test(machine) ? machine : resolveAlias(machine, hosts, findings);
  if (name === undefined) return undefined;
  if (!versioned.test(name)) {
    findings.error(
      'plan.machine-family',
      path,
      `machine type ${name} is not of the q35 or virt family: vDPA devices are planned as modern virtio-pci devices behind PCIe root ports`,
      'use pc-q35-X.Y or virt-X.Y',
    );
    return undefined;
  }
  for (const host of hosts) checkPresent(name, host, findings);
  return { name, architecture: name.startsWith('virt-') ? 'aarch64' : 'x86_64' };
}

function resolveAlias(alias: string, hosts: readonly Host[], findings: PlanFindings): string | undefined {
  const path = '/machine';
  const meanings = new Map<string, string>();
  for (const host of hosts) {
    const machine = host.qemu
      .flatMap(({ capabilities }) => capabilities.machines)
      .find((candidate) => candidate.alias === alias || candidate.name === alias);
    if (machine) meanings.set(host.name, machine.name);
    else {
      const why = host.qemu.length === 0 ? 'its report knows no QEMU' : 'its QEMU has no such machine type';
      findings.error(
        'plan.machine-unknown',
        path,
        `machine type ${alias} cannot be resolved on host ${host.name}: ${why}`,
      );
    }
  }
  const names = [...new Set(meanings.values())];
  const [name] = names;
  if (names.length > 1) {
    const list = [...meanings].map(([host, meaning]) => `${meaning} on ${host}`).join(', ');
    findings.error(
      'plan.machine-alias-differs',
      path,
      `machine type ${alias} is an alias and means ${list}`,
      `write one of ${names.join(', ')}`,
    );
    return undefined;
  }
  if (name !== undefined && name !== alias) {
    findings.warning(
      'plan.machine-alias',
      path,
      `machine type ${alias} is an alias; it means ${name} in today's QEMU and another machine in the next one`,
      `write machine: ${name}`,
    );
  }
  return name;
}

function checkPresent(name: string, host: Host, findings: PlanFindings): void {
  const path = '/machine';
  if (host.qemu.length === 0) {
    findings.warning(
      'plan.qemu-unknown',
      path,
      `host ${host.name}: no QEMU is known there, so machine type ${name} could not be checked`,
    );
    return;
  }
  const found = host.qemu.flatMap(({ capabilities }) => capabilities.machines).find((machine) => machine.name === name);
  if (!found) {
    const family = name.replace(/[0-9]+\.[0-9]+$/, '');
    const others = host.qemu
      .flatMap(({ capabilities }) => capabilities.machines.map((machine) => machine.name))
      .filter((other) => other.startsWith(family) && versioned.test(other));
    const known = [...new Set(others)].sort((a, b) => machineTypeNumber(a) - machineTypeNumber(b));
    const range = known.length === 0 ? 'none of its family' : `${known[0] ?? ''} to ${known.at(-1) ?? ''}`;
    findings.error(
      'plan.machine-missing',
      path,
      `host ${host.name} has no machine type ${name}; its QEMU has ${range}`,
    );
  } else if (found.deprecated) {
    findings.warning(
      'plan.machine-deprecated',
      path,
      `machine type ${name} is deprecated in the QEMU of host ${host.name}`,
    );
  }
}

/** The host's first QEMU with this machine type; where none is known to have it, its first QEMU. */
export function emulatorWith(machine: string, host: Host): KnownQemu | undefined {
  return (
    host.qemu.find(({ capabilities }) => capabilities.machines.some(({ name }) => name === machine)) ?? host.qemu[0]
  );
}

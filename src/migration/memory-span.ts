import { isKnown } from '../model/fact.ts';
import type { Guest } from '../model/generated/guest-configuration.ts';

const gib = 1n << 30n;
const farthest = (1n << 64n) - 1n;

/** Where the RAM of a guest lies, by its physical addresses. */
export interface MemorySpan {
  readonly first: bigint;
  /** the highest that it may have */
  readonly last: bigint;
  /** the highest that it has in any case */
  readonly lastAtLeast: bigint;
}

/** Devices with RAM of their own, which lies behind that of the board. */
export function memoryDevices({ otherDevices }: Guest): Guest['otherDevices'] {
  return otherDevices.filter(({ driver }) => isKnown(driver) && ramDrivers.test(driver));
}

const ramDrivers = /^(pc-dimm|nvdimm|virtio-(mem|pmem)(-pci|$))/;

/**
 * The addresses of guest RAM on pc, q35 and virt. Where a memory device lies exactly is not said: QEMU aligns it, each by
 * up to 1 GiB.
 * @returns undefined: the board or its memory is not known
 */
export function memorySpan(guest: Guest): MemorySpan | undefined {
  const { machine, memoryBytes } = guest;
  if (!isKnown(memoryBytes) || !isKnown(machine)) return undefined;
  const board = boards.find(({ name }) => name.test(machine));
  if (!board) return undefined;
  const size = BigInt(memoryBytes);
  const devices = memoryDevices(guest);
  // how much lies below is the user's choice then
  if (Object.hasOwn(guest.machineOptions, 'max-ram-below-4g')) {
    return { first: board.first, last: devices.length === 0 ? 4n * gib + size - 1n : farthest, lastAtLeast: size - 1n };
  }
  const end = board.endOf(size);
  if (devices.length === 0) return { first: board.first, last: end - 1n, lastAtLeast: end - 1n };
  const sizes = devices.map(({ properties }) => sizeOf(properties));
  const known = sizes.reduce<bigint>((sum, size) => sum + (size ?? 0n), 0n);
  const base = end > 4n * gib ? end : 4n * gib;
  const last = sizes.includes(undefined) ? farthest : base + known + gib * BigInt(sizes.length + 1) - 1n;
  return { first: board.first, last, lastAtLeast: (known === 0n ? end : base + known) - 1n };
}

/** `fromSize`: with so much RAM or more the part above `low` lies behind 4 GiB. */
function split(fromSize: bigint, low: bigint): (size: bigint) => bigint {
  return (size) => (size >= fromSize ? 4n * gib + size - low : size);
}

const boards: readonly {
  readonly name: RegExp;
  readonly first: bigint;
  readonly endOf: (size: bigint) => bigint;
}[] = [
  { name: /^pc-q35-/, first: 0n, endOf: split(0xb0000000n, 2n * gib) },
  { name: /^pc-(i440fx-)?/, first: 0n, endOf: split(0xe0000000n, 3n * gib) },
  { name: /^virt-/, first: gib, endOf: (size) => gib + size },
];

function sizeOf(properties: Guest['otherDevices'][number]['properties']): bigint | undefined {
  const size = (properties as Readonly<Record<string, unknown>>)['memdev.size'];
  return typeof size === 'number' ? BigInt(size) : undefined;
}

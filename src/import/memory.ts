import { isKnown, isUnknown, unknown, type Fact } from '../model/fact.ts';
import type { MachineVersion } from './machine-version.ts';
import { defaultUnknown } from './machine-version.ts';
import { knownText, OptionReader, textOf, type Complaint, type Option } from './option.ts';
import { booleanOf, canonical, type Scalar } from './option-values.ts';
import { placeText } from './text-place.ts';

export interface Memory {
  readonly bytes: Fact<number>;
  readonly ramBlock: Fact<string>;
  readonly shared: Fact<boolean>;
  /** slots and maxmem, as machineOptions name them */
  readonly more: Record<string, Fact<Scalar>>;
}

/** Back ends that are shared unless told otherwise (backends/hostmem-memfd.c, hostmem-shm.c). */
const sharedByDefault: ReadonlySet<string> = new Set(['memory-backend-memfd', 'memory-backend-shm']);

/** Bytes of a memory backend. */
export function backendBytes(backend: Option): Fact<number> {
  return (
    sizeOf(backend.values.get('size'), 'size of the memory backend', backend.place, 1) ??
    unknown('not-present', 'the memory backend has no size')
  );
}

/** -m, and the object that backs it. 128 MiB where nothing is said (hw/core/machine.c). */
export function memoryOf(
  options: readonly Option[],
  backendId: Fact<string> | undefined,
  machine: MachineVersion | undefined,
  complain: (complaint: Complaint) => void,
): Memory {
  const values = new Map(options.filter(({ name }) => name === 'm').flatMap((option) => [...option.values]));
  const place = options.findLast(({ name }) => name === 'm')?.place ?? {};
  const size = sizeOf(values.get('size'), 'size of -m', place, 2 ** 20);
  const more: [string, Fact<Scalar>][] = [];
  const slots = values.get('slots');
  if (slots !== undefined && canonical(slots) !== 0) more.push(['memory.slots', canonical(slots)]);
  const most = sizeOf(values.get('maxmem'), 'maxmem of -m', place, 2 ** 20);
  if (most !== undefined && most !== size) more.push(['memory.maxmem', most]);
  const backend = isUnknown(backendId) ? undefined : objectOf(options, backendId);
  const backed = backend && backendBytes(backend);
  if (backend && isKnown(size) && isKnown(backed) && size !== undefined && backed !== size) {
    const message = `-m is ${size} bytes, and the memory backend has ${backed}: QEMU does not start`;
    complain({ code: 'import.memory-size-differs', severity: 'error', message, place: backend.place });
  }
  return {
    bytes: size ?? backed ?? 128 * 2 ** 20,
    ...blockOf(options, backendId, backend, machine, complain),
    more: Object.fromEntries(more),
  };
}

/** The -object of an id. */
export function objectOf(options: readonly Option[], id: string | undefined): Option | undefined {
  return options.find((option) => option.name === 'object' && knownText(option, 'id') === id);
}

function blockOf(
  options: readonly Option[],
  id: Fact<string> | undefined,
  backend: Option | undefined,
  machine: MachineVersion | undefined,
  complain: (complaint: Complaint) => void,
): Pick<Memory, 'ramBlock' | 'shared'> {
  if (isUnknown(id)) return { ramBlock: id, shared: id };
  const nodes = options.filter((option) => option.name === 'numa' && knownText(option, 'memdev') !== undefined);
  if (id === undefined && nodes.length > 0) {
    const ids = nodes.map((node) => knownText(node, 'memdev') ?? '');
    const all = ids.map((one) => sharedOf(objectOf(options, one), complain));
    const why = all.find(isUnknown);
    return { ramBlock: ids.join(','), shared: why ?? all.every((one) => one === true) };
  }
  if (id === undefined) return { ramBlock: defaultBlock(machine), shared: false };
  const missing = unknown('not-present', `there is no -object with id ${id}`);
  if (!backend) return { ramBlock: missing, shared: missing };
  return { ramBlock: nameOf(id, backend, machine), shared: sharedOf(backend, complain) };
}

/** MachineClass.default_ram_id of the boards. */
function defaultBlock(machine: MachineVersion | undefined): Fact<string> {
  if (!machine) return defaultUnknown('the name of the RAM block');
  return machine.family === 'virt' ? 'mach-virt.ram' : 'pc.ram';
}

/** The id, or its path up to machine types of 4.0 (hw_compat_4_0: x-use-canonical-path-for-ramblock-id). */
function nameOf(id: string, backend: Option, machine: MachineVersion | undefined): Fact<string> {
  const explicit = backend.values.get('x-use-canonical-path-for-ramblock-id');
  if (explicit !== undefined) {
    return isUnknown(explicit) ? explicit : booleanOf(explicit) === true ? `/objects/${id}` : id;
  }
  const kind = knownText(backend, 'qom-type');
  if (kind === 'memory-backend-ram') return id;
  if (!machine) return defaultUnknown('the name of the RAM block');
  return machine.version <= 400 ? `/objects/${id}` : id;
}

function sharedOf(backend: Option | undefined, complain: (complaint: Complaint) => void): Fact<boolean> {
  if (!backend) return unknown('not-present', 'the memory backend is not in the configuration');
  const kind = textOf(backend, 'qom-type');
  return new OptionReader(backend, complain).boolean('share', typeof kind === 'string' && sharedByDefault.has(kind));
}

const factors: Readonly<Record<string, number>> = { b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40, p: 2 ** 50 };

/** `4G`, `4096` or `0x1000` (in `unit` bytes), `1.5G` (util/cutils.c: qemu_strtosz()). */
function sizeOf(
  value: Fact<Scalar> | undefined,
  what: string,
  place: Option['place'],
  unit: number,
): Fact<number> | undefined {
  if (value === undefined || isUnknown(value)) return value;
  const match =
    /^(0x[0-9a-f]{1,13})()$/i.exec(String(value)) ??
    /^([0-9]{1,16}(?:\.[0-9]{1,12})?)([bkmgtp]?)(?:i?b)?$/i.exec(String(value));
  const factor = match?.[2] === '' ? unit : factors[(match?.[2] ?? '').toLowerCase()];
  const bytes = Number(match?.[1]) * (factor ?? NaN);
  if (Number.isSafeInteger(bytes) && isKnown(bytes)) return bytes;
  return unknown('malformed', `${what} (${placeText(place)}): ${JSON.stringify(value).slice(0, 40)} is no memory size`);
}

import { isUnknown, unknown, type Fact } from '../model/fact.ts';
import type { Guest } from '../model/generated/guest-configuration.ts';
import { cpuModelOf } from './cpu-model.ts';
import { defaultUnknown, type MachineVersion } from './machine-version.ts';
import { OptionReader, type Complaint, type Option } from './option.ts';
import type { Scalar } from './option-values.ts';

/** -cpu; upstream's default on x86 is qemu64 (hw/i386/pc.c), on Arm it depends on the board and its version. */
export function cpuModel(options: readonly Option[], machine: MachineVersion | undefined): Fact<string> {
  const option = options.findLast(({ name }) => name === 'cpu');
  const given = option?.values.get('model');
  if (given !== undefined && isUnknown(given)) return given;
  if (option) return cpuModelOf(option.text);
  return machine && machine.family !== 'virt' ? 'qemu64' : defaultUnknown('cpu');
}

export interface Topology {
  readonly cpu: Omit<Guest['cpu'], 'model'>;
  /** maxcpus, dies and the like, where they are more than usual: what they are called in machineOptions -> value */
  readonly more: Record<string, Fact<Scalar>>;
}

/** Levels between a socket and a core; QEMU takes 1 for each that is not given. */
const between = ['drawers', 'books', 'dies', 'clusters', 'modules'] as const;

/** -smp, completed as QEMU does (hw/core/machine-smp.c: machine_parse_smp_config()). */
export function topologyOf(
  options: readonly Option[],
  machine: MachineVersion | undefined,
  complain: (complaint: Complaint) => void,
): Topology {
  const values = new Map(options.filter(({ name }) => name === 'smp').flatMap((option) => [...option.values]));
  const place = options.findLast(({ name }) => name === 'smp')?.place ?? {};
  const reader = new OptionReader({ name: 'smp', values, text: '', place }, complain);
  const get = (name: string): number | Fact<number> => reader.integer(name, 0);
  const levels = between.map((name) => [name, reader.integer(name, 1, 1)] as const);
  const given = [get('cpus'), get('maxcpus'), get('sockets'), get('cores'), get('threads')];
  const why = [...given, ...levels.map(([, value]) => value)].find(isUnknown);
  if (why) return { cpu: { count: given[0] ?? why, sockets: why, cores: why, threads: why }, more: {} };
  const [cpus = 0, most = 0, ...rest] = given as number[];
  const inner = levels.reduce((product, [, value]) => product * (value as number), 1);
  const named = levels.filter(([, value]) => value !== 1).map(([name, value]) => [`smp.${name}`, value] as const);
  const whole = cpus || most;
  const shape = complete(whole === 0 ? 0 : most || cpus, inner, rest, machine);
  if (isUnknown(shape)) return { cpu: { count: whole || 1, sockets: shape, cores: shape, threads: shape }, more: {} };
  const [sockets, cores, threads] = shape;
  const all = most || sockets * inner * cores * threads;
  const count = cpus || all;
  const hotplug = all > count ? [['smp.maxcpus', all] as const] : [];
  return { cpu: { count, sockets, cores, threads }, more: Object.fromEntries([...named, ...hotplug]) };
}

type Shape = readonly [sockets: number, cores: number, threads: number];

function complete(
  all: number,
  inner: number,
  [sockets = 0, cores = 0, threads = 0]: readonly number[],
  machine: MachineVersion | undefined,
): Fact<Shape> {
  const whole = (value: number): number => Math.max(1, Math.floor(value));
  if (all === 0) return [sockets || 1, cores || 1, threads || 1];
  if (sockets > 0 && cores > 0) return [sockets, cores, threads || whole(all / (sockets * inner * cores))];
  const t = threads || 1;
  if (sockets > 0) return [sockets, whole(all / (sockets * inner * t)), t];
  if (cores > 0) return [whole(all / (inner * cores * t)), cores, t];
  if (all === inner * t) return [1, 1, t];
  if (!machine) return unknown('not-present', defaultUnknown('the CPU topology').detail);
  // up to 6.1 QEMU preferred sockets over cores (hw/core/machine.c: smp_props.prefer_sockets)
  const rest = whole(all / (inner * t));
  return machine.version <= 601 ? [rest, 1, t] : [1, rest, t];
}

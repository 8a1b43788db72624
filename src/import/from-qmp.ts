import type { QmpExecutor } from '../host/qmp-client.ts';
import { isKnown, isUnknown, unknown, type Fact } from '../model/fact.ts';
import type { Observation } from '../model/generated/observation.ts';
import { askGuest, type GuestAnswers } from './ask-guest.ts';
import { fromOptions, type Imported } from './from-options.ts';
import type { Complaint, Option } from './option.ts';
import type { Scalar } from './option-values.ts';
import { architectureOf, commandLineOf, type CommandLine } from './qemu-options.ts';
import { deviceOptions } from './qmp-devices.ts';
import { option } from './qmp-option.ts';

/** Asks a running QEMU, and says what it shows to the guest; see fromQmp(). */
export async function importRunning(
  executor: QmpExecutor,
  observation: Observation,
  args?: readonly string[],
  signal?: AbortSignal,
): Promise<Imported> {
  return fromQmp(observation, await askGuest(executor, signal), args);
}

/** Options that say what devices there are: a running QEMU tells it itself, after hotplug, too. */
const devicesOf: ReadonlySet<string> = new Set(['device', 'netdev', 'add-fd']);

/**
 * What a running VM shows to its guest: devices by QOM, the board by its command line where /proc shows it. Without one
 * the CPU model's switches and options such as -smbios are undetermined: no QMP command tells them.
 */
export function fromQmp(observation: Observation, answers: GuestAnswers, args?: readonly string[]): Imported {
  const words = args?.map((text, index) => ({ text, place: { word: index + 1 } }));
  const given = words && commandLineOf(words, 'the command line of the process');
  const line = given && isOf(given, observation) ? given : undefined;
  const devices = deviceOptions(observation, answers, line);
  const board = line ? boardByCommandLine(line, observation) : boardByQmp(observation, answers);
  const imported = fromOptions({
    origin: 'qmp',
    options: [...board, ...devices.options],
    emulator: line?.emulator ?? unknown('not-asked', 'QMP does not tell the path of QEMU; give --pid'),
    architecture: line ? architectureOf(line.emulator) : unknown('not-asked', 'QMP does not tell it; give --pid'),
    name: isKnown(answers.name) ? answers.name : null,
    incomplete: line
      ? undefined
      : 'QMP shows no -smbios, -fw_cfg, -global and the like; give --pid, so that the command line can be read',
    running: {
      qemuVersion: observation.qemu.version,
      runState: observation.runState,
      migrationBlockedReasons: observation.migration.blockedReasons,
    },
    seen: devices.seen,
  });
  const shared = line ? {} : { memoryShared: answers.memoryShared };
  const { configuration, places } = imported;
  return {
    places,
    complaints: [...(given && !line ? [otherProcess] : []), ...imported.complaints],
    configuration: { ...configuration, binding: { ...configuration.binding, ...shared, ...acceleratorOf(answers) } },
  };
}

/** A process number can be wrong, or be another's by now: the command line must be QEMU's, and have the VM's UUID. */
function isOf({ emulator, options }: CommandLine, { board }: Observation): boolean {
  const uuid = options.findLast(({ name }) => name === 'uuid')?.text.toLowerCase();
  const same = uuid === undefined || isUnknown(board.uuid) || uuid === board.uuid.toLowerCase();
  return same && emulator !== null && options.some(({ name }) => name === 'machine');
}

const otherProcess: Complaint = {
  code: 'import.other-process',
  severity: 'warning',
  message: 'the process is not the QEMU that answers here: its command line is left aside',
  place: {},
};

function acceleratorOf({ kvm }: GuestAnswers): { accelerator?: string } {
  return isKnown(kvm) ? { accelerator: kvm ? 'kvm' : 'tcg' } : {};
}

/** QMP knows better what machine an alias became, and what the machine really has. */
function boardByCommandLine({ options }: CommandLine, { machine, board }: Observation): Option[] {
  const kept = options.filter(({ name }) => !devicesOf.has(name));
  return [
    ...kept,
    option('machine', isKnown(machine) ? [['type', machine]] : []),
    ...(isKnown(board.memoryBytes) ? [option('m', [['size', `${board.memoryBytes}B`]])] : []),
    ...(isKnown(board.uuid) ? [option('uuid', [], board.uuid)] : []),
  ];
}

function boardByQmp({ machine, board }: Observation, answers: GuestAnswers): Option[] {
  const backend = answers.machine.get('memory-backend');
  const id = typeof backend === 'string' ? backend.replace(/^.*\//, '') : '';
  const machineValues = [...answers.machine].filter(([name]) => name !== 'memory-backend');
  const smp: Iterable<readonly [string, Fact<Scalar>]> = isKnown(answers.smp)
    ? answers.smp
    : (['cpus', 'sockets', 'cores', 'threads'] as const).map((name) => [
        name,
        name === 'cpus' ? board.cpus : (answers.smp as Fact<Scalar>),
      ]);
  return [
    option('machine', [['type', machine], ...machineValues, ...(id === '' ? [] : [['memory-backend', id] as const])]),
    ...(id === ''
      ? []
      : [
          option('object', [
            ['qom-type', 'memory-backend-ram'],
            ['id', id],
            ['share', answers.memoryShared],
          ]),
        ]),
    option('m', [['size', isKnown(board.memoryBytes) ? `${board.memoryBytes}B` : board.memoryBytes]]),
    option('smp', smp),
    option('uuid', isKnown(board.uuid) ? [] : [['uuid', board.uuid]], isKnown(board.uuid) ? board.uuid : ''),
    option('cpu', [
      [
        'model',
        unknown(
          'not-asked',
          'QMP shows no switches of the CPU model; give --pid, so that the command line can be read',
        ),
      ],
    ]),
    option('nodefaults', []),
  ];
}

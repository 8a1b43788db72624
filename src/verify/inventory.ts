import type { QmpExecutor } from '../host/qmp-client.ts';
import { QmpError } from '../host/qmp-error.ts';
import { asCount, asList, asObject, asText, member } from '../host/qmp-value.ts';
import { isUnknown, unknown, type Fact } from '../model/fact.ts';
import type { Observation } from '../model/generated/observation.ts';
import { checked, isRefusal, Questions } from './answers.ts';
import type { Deadline } from './deadline.ts';
import { checkCount, maxFrontends } from './limits.ts';
import { askMoment, type Moment } from './moment.ts';
import { parseInfoNetwork, type SeenNetdev } from './monitor-text.ts';
import type { FdSets } from './process-facts.ts';

/** The VM as a whole, and where its virtio front ends are: the first round trip. */
export interface Inventory {
  readonly vm: Pick<Observation, 'qemu' | 'machine' | 'board'>;
  /** paths of devices that may be virtio front ends, sorted */
  readonly frontends: readonly string[];
  /** by the path of the front end; where x-query-virtio exists */
  readonly virtioDevices: ReadonlyMap<string, VirtioDevice>;
  readonly netdevs: Fact<ReadonlyMap<string, SeenNetdev>>;
  /** names of block nodes whose driver is virtio-blk-vhost-vdpa */
  readonly vdpaBlockNodes: ReadonlySet<string>;
  readonly commands: ReadonlySet<string>;
  readonly fdSets: FdSets;
  readonly moment: Moment;
}

export interface VirtioDevice {
  /** in the object tree: a child of the front end, or the front end itself (virtio-mmio) */
  readonly path: string;
  /** virtio-net, virtio-blk .. */
  readonly name: string;
}

/** @throws QmpError where the monitor is lost, or answers what QEMU's schema does not say */
export async function takeInventory(executor: QmpExecutor, deadline: Deadline): Promise<Inventory> {
  const ask = new Questions();
  const version = ask.add('query-version');
  const moment = askMoment(ask);
  const machine = ask.property('/machine', 'type');
  const lists = ['/machine/peripheral', '/machine/peripheral-anon'].map(
    (path) => [path, ask.add('qom-list', { path })] as const,
  );
  const virtio = ask.add('x-query-virtio');
  const commands = ask.add('query-commands');
  const network = ask.add('human-monitor-command', { 'command-line': 'info network' });
  const nodes = ask.add('query-named-block-nodes', { flat: true });
  const sets = ask.add('query-fdsets');
  const memory = ask.add('query-memory-size-summary');
  const cpus = ask.add('query-cpus-fast');
  const uuid = ask.add('query-uuid');
  await ask.ask(executor, deadline.signal, deadline.next());

  const virtioDevices = virtioDevicesOf(virtio());
  const children = lists.flatMap(([path, answer]) => frontendsIn(path, answer()));
  const frontends = [...new Set([...children, ...virtioDevices.keys()])].sort();
  checkCount(frontends.length, maxFrontends, 'virtio devices');
  const text = network();
  const cpuList = checked(cpus(), asList, 'query-cpus-fast');
  return {
    vm: {
      qemu: versionOf(version()),
      machine: checked(machine(), asText, 'type of /machine', (type) => type.replace(/-machine$/, '')),
      board: {
        memoryBytes: checked(
          memory(),
          (value, what) => asCount(member(asObject(value, what), 'base-memory'), what),
          'query-memory-size-summary',
        ),
        cpus: isUnknown(cpuList) ? cpuList : cpuList.length,
        uuid: checked(uuid(), (value, what) => asText(member(asObject(value, what), 'UUID'), what), 'query-uuid'),
      },
    },
    frontends,
    virtioDevices,
    netdevs: typeof text === 'string' ? parseInfoNetwork(text) : asFact(text, 'info network'),
    vdpaBlockNodes: blockNodesOf(nodes()),
    commands: commandsOf(commands()),
    fdSets: fdSetsOf(sets()),
    moment: moment(),
  };
}

/** The device models that can have a host notifier, or hide one: virtio, vhost-vdpa-device, vhost-user, on any bus. */
function frontendsIn(path: string, answer: Fact<unknown>): string[] {
  const list = checked(answer, asList, `qom-list ${path}`);
  if (isUnknown(list)) return [];
  return list.flatMap((entry) => {
    const property = asObject(entry, `qom-list ${path}: an entry`);
    const type = asText(member(property, 'type'), `qom-list ${path}: type`);
    const name = asText(member(property, 'name'), `qom-list ${path}: name`);
    return /^child<(?:virtio|vhost-vdpa-device|vhost-user)-.*>$/.test(type) ? [`${path}/${name}`] : [];
  });
}

/** The virtio device of a front end that has a proxy (hw/virtio/virtio.c: virtio_instance_init_common()). */
export const backendSuffix = '/virtio-backend';

/**
 * On PCI and CCW a virtio device is a child of its proxy, on virtio-mmio it is what `-device` made. x-query-virtio only
 * walks the realized devices: it is safe where x-query-virtio-status is not.
 */
function virtioDevicesOf(answer: Fact<unknown>): Map<string, VirtioDevice> {
  const list = checked(answer, asList, 'x-query-virtio');
  if (isUnknown(list)) return new Map();
  return new Map(
    list.map((entry) => {
      const device = asObject(entry, 'x-query-virtio: a device');
      const path = asText(member(device, 'path'), 'x-query-virtio: path');
      const name = asText(member(device, 'name'), 'x-query-virtio: name');
      return [path.endsWith(backendSuffix) ? path.slice(0, -backendSuffix.length) : path, { path, name }] as const;
    }),
  );
}

function versionOf(answer: Fact<unknown>): Observation['qemu'] {
  if (isRefusal(answer)) throw new QmpError('command', answer.detail, { command: 'query-version' });
  const value = asObject(answer, 'query-version');
  const qemu = asObject(member(value, 'qemu'), 'query-version: qemu');
  const parts = ['major', 'minor', 'micro'].map((part) => asCount(member(qemu, part), `query-version: ${part}`));
  return { version: parts.join('.'), package: asText(member(value, 'package'), 'query-version: package') };
}

function blockNodesOf(answer: Fact<unknown>): Set<string> {
  const list = checked(answer, asList, 'query-named-block-nodes');
  if (isUnknown(list)) return new Set();
  const names = list.flatMap((entry) => {
    const node = asObject(entry, 'a block node');
    const name = member(node, 'node-name');
    return member(node, 'drv') === 'virtio-blk-vhost-vdpa' && typeof name === 'string' ? [name] : [];
  });
  return new Set(names);
}

function commandsOf(answer: Fact<unknown>): Set<string> {
  const list = checked(answer, asList, 'query-commands');
  if (isUnknown(list)) return new Set();
  return new Set(list.map((entry) => asText(member(asObject(entry, 'a command'), 'name'), 'query-commands: name')));
}

function fdSetsOf(answer: Fact<unknown>): FdSets {
  const list = checked(answer, asList, 'query-fdsets');
  if (isUnknown(list)) return new Map();
  return new Map(
    list.map((entry) => {
      const set = asObject(entry, 'an fd set');
      const fds = asList(member(set, 'fds'), 'query-fdsets: fds').map((fd) =>
        asCount(member(asObject(fd, 'an fd'), 'fd'), 'query-fdsets: fd'),
      );
      return [asCount(member(set, 'fdset-id'), 'query-fdsets: fdset-id'), fds];
    }),
  );
}

function asFact(answer: Fact<unknown>, what: string): Fact<never> {
  return isRefusal(answer) ? answer : unknown('malformed', `${what}: no text`);
}

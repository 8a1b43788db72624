import type { QmpExecutor } from '../host/qmp-client.ts';
import { asList, asObject, asText, member } from '../host/qmp-value.ts';
import { isKnown, isUnknown, type Fact } from '../model/fact.ts';
import type { ObservedDevice, ObservedProcess } from '../model/generated/observation.ts';
import type { Finding } from '../model/finding.ts';
import { checked, Questions } from './answers.ts';
import type { Deadline } from './deadline.ts';
import { backendSuffix, type Inventory } from './inventory.ts';
import { checkCount, maxVirtqueues } from './limits.ts';
import { parseNotifierName } from './notifier-name.ts';

/** A front end that has a vDPA device, or a vhost-user one, behind it. */
export interface FoundDevice extends Pick<ObservedDevice, 'path' | 'frontend' | 'backend' | 'attachment' | 'netdev'> {
  /** of its virtio device, in the object tree */
  readonly virtioPath: string;
  /** object names of the host notifiers below its virtio device */
  readonly notifiers: readonly string[];
}

export interface FoundDevices {
  readonly devices: readonly FoundDevice[];
  readonly notes: readonly Finding[];
}

/**
 * Tells which front ends are vDPA: the second round trip.
 *
 * - `vhost-vdpa-device-*`: by its type.
 * - `virtio-net-*`: QOM gives the id of its netdev, but no QMP command the netdev's type. `info network` does, and so
 *   does the process's command line; an installed host notifier proves it, too.
 * - `virtio-blk-*`: by the driver of its block node.
 */
export async function findDevices(
  executor: QmpExecutor,
  inventory: Inventory,
  process: ObservedProcess | null,
  deadline: Deadline,
): Promise<FoundDevices> {
  const ask = new Questions();
  const asked = inventory.frontends.map((path) => {
    const virtioPath = inventory.virtioDevices.get(path)?.path ?? `${path}${backendSuffix}`;
    return {
      path,
      virtioPath,
      type: ask.property(path, 'type'),
      netdev: ask.property(path, 'netdev'),
      drive: ask.property(path, 'drive'),
      children: ask.add('qom-list', { path: virtioPath }),
    };
  });
  await ask.ask(executor, deadline.signal, deadline.next());

  const devices: FoundDevice[] = [];
  const notes: Finding[] = [];
  for (const { path, virtioPath, type, netdev, drive, children } of asked) {
    const frontend = checked(type(), asText, `type of ${path}`);
    if (isUnknown(frontend)) continue;
    const notifiers = notifiersIn(children(), virtioPath);
    const base = { path, virtioPath, frontend, netdev: textOr(netdev()), notifiers };
    const kind = kindOf(base, textOr(drive()), inventory, process);
    if (kind === 'unknown') notes.push(netdevUnknown(path, inventory));
    else if (kind !== undefined) devices.push({ ...base, ...kind });
  }
  const notifiers = devices.reduce((sum, device) => sum + device.notifiers.length, 0);
  checkCount(notifiers, maxVirtqueues, 'host notifiers');
  return { devices, notes };
}

type Kind = Pick<ObservedDevice, 'backend' | 'attachment'>;

function kindOf(
  { frontend, netdev, notifiers }: Pick<FoundDevice, 'frontend' | 'netdev' | 'notifiers'>,
  drive: string | null,
  { netdevs, vdpaBlockNodes }: Inventory,
  process: ObservedProcess | null,
): Kind | 'unknown' | undefined {
  if (frontend.startsWith('vhost-vdpa-device')) return { backend: 'vhost-vdpa', attachment: 'device' };
  const seen = notifiers.map(parseNotifierName).find((name) => name !== undefined)?.backend;
  if (frontend.startsWith('vhost-user-')) {
    return seen === undefined ? undefined : { backend: seen, attachment: 'device' };
  }
  if (frontend.startsWith('virtio-blk')) {
    return drive !== null && vdpaBlockNodes.has(drive) ? { backend: 'vhost-vdpa', attachment: 'blockdev' } : undefined;
  }
  if (!frontend.startsWith('virtio-net') || netdev === null) return undefined;
  if (seen !== undefined) return { backend: seen, attachment: 'netdev' };
  const onCommandLine = process !== null && isKnown(process.netdevs) && process.netdevs.some(({ id }) => id === netdev);
  if (onCommandLine) return { backend: 'vhost-vdpa', attachment: 'netdev' };
  if (isUnknown(netdevs)) return 'unknown';
  const type = netdevs.get(netdev)?.type;
  return type === 'vhost-vdpa' || type === 'vhost-user' ? { backend: type, attachment: 'netdev' } : undefined;
}

/** Names of the host notifiers in the answer to qom-list of a virtio device. */
export function notifiersIn(answer: Fact<unknown>, virtioPath: string): string[] {
  const list = checked(answer, asList, `qom-list ${virtioPath}`);
  if (isUnknown(list)) return [];
  return list
    .map((entry) => asText(member(asObject(entry, 'a property'), 'name'), 'qom-list: name'))
    .filter((name) => parseNotifierName(name) !== undefined);
}

function textOr(answer: Fact<unknown>): string | null {
  return typeof answer === 'string' && answer !== '' ? answer : null;
}

function netdevUnknown(path: string, { netdevs }: Inventory): Finding {
  return {
    code: 'observe.netdev-type-unknown',
    severity: 'warning',
    path: '/devices',
    message: `whether ${path} has a vDPA device behind it could not be seen: ${isUnknown(netdevs) ? netdevs.detail : ''}`,
    fix: 'give --pid, so that its command line can be read',
  };
}

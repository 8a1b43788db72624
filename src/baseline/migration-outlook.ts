import { netBits, netNames } from '../migration/net-features.ts';
import { shadowRefusal } from '../migration/shadow-virtqueue.ts';
import { isSince } from '../model/qemu-version.ts';
import type { ClassBaseline } from '../model/generated/baseline.ts';
import type { ClassTally, DeviceRecord } from './class-tally.ts';
import type { NetTarget } from './net-mask.ts';
import { hostsText, type HostTable } from './tally.ts';

/** What the hosts' QEMUs mean for a class. */
export interface QemuOutlook {
  /** the oldest of them; undefined: none is known */
  readonly oldest: string | undefined;
  /** every host's QEMU has the block driver virtio-blk-vhost-vdpa */
  readonly blockDriver: boolean;
}

interface Outlook {
  readonly verdict: ClassBaseline['migration'];
  readonly reasons: string[];
}

const controlBit = netBits('VIRTIO_NET_F_CTRL_VQ');

/** Whether a guest with the baseline can migrate between these hosts, once the devices are provisioned for it. */
export function migrationOf(
  name: 'net' | 'block',
  tally: ClassTally,
  target: NetTarget | undefined,
  qemu: QemuOutlook,
  table: HostTable,
): Outlook {
  if (name === 'block') {
    return qemu.blockDriver
      ? {
          verdict: 'ready',
          reasons: [
            'as a disk over virtio-blk-vhost-vdpa: QEMU drives the device, and nothing of the guest stays in it',
          ],
        }
      : {
          verdict: 'blocked',
          reasons: ['vhost-vdpa-device-pci cannot migrate, and not every QEMU has virtio-blk-vhost-vdpa'],
        };
  }
  if (!target) return { verdict: 'unknown', reasons: ['the devices are not known well enough'] };
  if (qemu.oldest === undefined) return { verdict: 'unknown', reasons: ['the QEMU of no host is known'] };
  const hasControl = (target.mask & controlBit) !== 0n;
  const blocked = blockedBy(target.mask, hasControl, qemu.oldest);
  if (blocked !== undefined) return { verdict: 'blocked', reasons: [blocked] };
  const sample = (hosts: number[]): string => hostsText(table.sample(hosts));
  const losses = [
    [
      tally.suspend.hostsWhere((has) => has === false),
      'no VHOST_BACKEND_F_SUSPEND: QEMU resets the device instead, and buffers in flight are lost or repeated, on',
    ],
    [
      hasControl ? tally.control.hostsWhere((kind) => kind === 'shared') : [],
      'the control virtqueue has no group and address space of its own: what the guest set through it is lost, on',
    ],
    [
      tally.records.flatMap((record) => (target.macOfGuest && !takesMac(record) ? [record.host] : [])),
      'devices have MAC addresses of their own, and those cannot be set to that of the guest, so that frames do not reach it, on',
    ],
  ] as const;
  const reasons = losses.flatMap(([hosts, text]) => (hosts.length === 0 ? [] : [`${text} ${sample([...hosts])}`]));
  const lossy = reasons.length > 0;
  if (target.macOfGuest) {
    reasons.push('MAC in the commands is that of the guest: each device that it may get has to have it');
  }
  if (lossy) return { verdict: 'with-loss', reasons };
  const unsure = [
    ...tally.suspend.hostsWhere((has) => has === undefined),
    ...(hasControl ? tally.control.hostsWhere((kind) => kind === undefined) : []),
  ];
  return unsure.length > 0
    ? {
        verdict: 'unknown',
        reasons: [`SUSPEND or the groups of the virtqueues could not be read on ${sample(unsure)}`, ...reasons],
      }
    : { verdict: 'ready', reasons };
}

function takesMac({ accepts }: DeviceRecord): boolean {
  return accepts?.includes('mac') ?? false;
}

function blockedBy(mask: bigint, hasControl: boolean, qemu: string): string | undefined {
  if (!isSince(qemu, '8.0')) return `QEMU ${qemu} cannot migrate vhost-vdpa without x-svq=on; 8.0 and newer can`;
  if (hasControl && !isSince(qemu, '8.2')) {
    return `QEMU ${qemu} cannot migrate a device with a control virtqueue; 8.2 and newer can`;
  }
  const refusal = shadowRefusal(mask, qemu);
  if (!refusal) return undefined;
  const names = [refusal.excess, refusal.missing].filter((word) => word !== 0n).map(netNames);
  return `shadow virtqueues refuse it (${names.join('; ')} missing or too much): ${refusal.text}`;
}

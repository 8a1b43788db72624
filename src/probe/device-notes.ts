import { isKnown, isUnknown } from '../model/fact.ts';
import type { VdpaDevice } from '../model/generated/host-report.ts';
import { pointerOf } from '../model/pointer.ts';
import { shellQuote } from '../model/shell-quote.ts';
import { bindCommands } from './bind-commands.ts';
import type { Note, NoteRule } from './note-rule.ts';

/** Answers to open that other rules, or the caller's own wish, explain. */
const explained = new Set(['EBUSY', 'EACCES', 'EPERM', 'ENOTSUPP', 'native-unavailable', 'not-asked', 'not-present']);

/** On single devices. */
export const deviceNotes: readonly NoteRule[] = [
  {
    code: 'probe.not-bound',
    check: perDevice(({ name, driver }) =>
      isUnknown(driver) || driver === 'vhost_vdpa'
        ? undefined
        : {
            severity: 'warning',
            path: 'driver',
            message: `${name} is bound to ${driver ?? 'no driver'}; only vhost_vdpa gives a VM access to it`,
            fix: bindCommands(name, driver).join('; '),
          },
    ),
  },
  {
    code: 'probe.busy',
    check: whenOpen(['EBUSY'], (device, node) => ({
      severity: 'warning',
      message: `${device} is in use, so it could not be asked itself; its doorbells are unknown`,
      fix: `stop its user (fuser -v ${node} names it) and probe again, or use a report that was made while it was idle`,
    })),
  },
  {
    code: 'probe.no-permission',
    check: whenOpen(['EACCES', 'EPERM'], (device, node, errno) => ({
      severity: 'warning',
      message: `no permission to open ${node}, so ${device} could not be asked itself`,
      fix:
        errno === 'EPERM'
          ? 'run outside of the container or service whose device cgroup forbids it, or allow the device there'
          : `run as root, or give your group access: chgrp GROUP ${node} && chmod 660 ${node} (to stay: a udev rule)`,
    })),
  },
  {
    code: 'probe.iommu-not-usable',
    check: whenOpen(['ENOTSUPP'], (device) => ({
      severity: 'warning',
      message: `${device} cannot be opened: its parent has no cache-coherent IOMMU (the kernel gave 524)`,
      fix: 'enable the IOMMU: VT-d, AMD-Vi or SMMU in the firmware, and on Intel intel_iommu=on on the kernel command line',
    })),
  },
  {
    code: 'probe.open-failed',
    check: perDevice(({ name, open, charDevice }) => {
      if (open === 'opened' || explained.has(open.unknown)) return undefined;
      const place = charDevice === null || isUnknown(charDevice) ? `/sys/bus/vdpa/devices/${name}` : charDevice.path;
      return {
        severity: 'warning',
        path: 'open',
        message: `${name} could not be opened: ${open.detail}`,
        fix: `look at ${shellQuote(place)} and at what the kernel logged (dmesg)`,
      };
    }),
  },
  {
    code: 'probe.native-unavailable',
    check: ({ devices }) => {
      const index = devices.findIndex(({ open }) => isUnknown(open) && open.unknown === 'native-unavailable');
      const open = devices[index]?.open;
      if (open === undefined || open === 'opened') return [];
      return [
        {
          severity: 'warning',
          path: pointerOf(['devices', index, 'open']),
          message: `no device could be asked itself: ${open.detail}`,
          fix: 'install with optional dependencies (npm install without --omit=optional) on Linux x64 or arm64',
        },
      ];
    },
  },
  {
    code: 'probe.not-negotiated',
    check: perDevice(({ name, open, identity }) =>
      open !== 'opened' || isKnown(identity.negotiation)
        ? undefined
        : {
            severity: 'warning',
            path: 'identity/negotiation',
            message: `${name} did not accept its own features, so its doorbells were not asked for: ${identity.negotiation.detail}`,
            fix: 'look at what the kernel logged (dmesg); delete the device and add it again with vdpa dev add',
          },
    ),
  },
  {
    code: 'probe.no-virtqueue-count',
    check: perDevice(({ name, open, virtqueues }) =>
      open !== 'opened' || isKnown(virtqueues)
        ? undefined
        : {
            severity: 'warning',
            path: 'virtqueues',
            message: `how many virtqueues ${name} has is not known, so its doorbells were not asked for: ${virtqueues.detail}`,
            fix: 'install the vdpa tool (package iproute2), or use Linux 5.18 or newer',
          },
    ),
  },
  {
    code: 'probe.no-config-space',
    check: perDevice(({ name, pci }) =>
      pci === null || isUnknown(pci) || isKnown(pci.capabilities)
        ? undefined
        : {
            severity: 'info',
            path: 'pci/capabilities',
            message: `the PCI capabilities of ${name} could not be read: ${pci.capabilities.detail}`,
            fix: 'run as root (CAP_SYS_ADMIN)',
          },
    ),
  },
];

/** A rule on each device for itself; its `path` is relative to the device. */
function perDevice(check: (device: VdpaDevice) => Note | undefined): NoteRule['check'] {
  return ({ devices }) =>
    devices.flatMap((device, index) => {
      const note = check(device);
      return note === undefined ? [] : [{ ...note, path: `${pointerOf(['devices', index])}/${note.path}` }];
    });
}

/** A rule on devices whose node could not be opened for one of these reasons. */
function whenOpen(
  reasons: readonly string[],
  note: (device: string, node: string, errno: string) => Omit<Note, 'path'>,
): NoteRule['check'] {
  return perDevice(({ name, open, charDevice }) => {
    if (open === 'opened' || !reasons.includes(open.unknown)) return undefined;
    const node = charDevice === null || isUnknown(charDevice) ? name : shellQuote(charDevice.path);
    const { severity, ...rest } = note(name, node, open.unknown);
    return { severity, path: 'open', ...rest };
  });
}

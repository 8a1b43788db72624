import { isKnown } from '../model/fact.ts';
import { pointerOf } from '../model/pointer.ts';
import { shellQuote } from '../model/shell-quote.ts';
import type { NoteRule } from './note-rule.ts';

/** On the host as a whole. */
export const hostNotes: readonly NoteRule[] = [
  {
    code: 'probe.no-vdpa-bus',
    check: ({ vdpa }) =>
      vdpa.bus !== false
        ? []
        : [
            {
              severity: 'warning',
              path: '/vdpa/bus',
              message: 'this kernel has no vDPA bus: the module vdpa is not loaded, so there can be no vDPA device',
              fix: 'modprobe -a vdpa vhost_vdpa, and the driver of the hardware: mlx5_vdpa, ifcvf, vp_vdpa, octep_vdpa, pds_vdpa; or vdpa_sim_net to try it without hardware',
            },
          ],
  },
  {
    code: 'probe.no-devices',
    check: ({ vdpa, devices }) =>
      vdpa.bus !== true || devices.length > 0
        ? []
        : [
            {
              severity: 'info',
              path: '/devices',
              message: 'there is no device on the vDPA bus',
              fix: 'vdpa mgmtdev show lists what can make one; then vdpa dev add name vdpa0 mgmtdev MGMTDEV',
            },
          ],
  },
  {
    code: 'probe.no-iommu',
    check: ({ host, devices }) => {
      const behindHardware = devices.filter(({ parent }) => parent !== null && isKnown(parent));
      if (host.iommuGroups !== 0 || behindHardware.length === 0) return [];
      return [
        {
          severity: 'warning',
          path: '/host/iommuGroups',
          message: 'this host has no IOMMU group, and hardware vDPA devices need one',
          fix: 'enable the IOMMU: VT-d, AMD-Vi or SMMU in the firmware, and on Intel intel_iommu=on on the kernel command line',
        },
      ];
    },
  },
  {
    code: 'probe.no-vdpa-tool',
    check: ({ vdpa: { managementDevices } }) =>
      isKnown(managementDevices) || managementDevices.unknown !== 'no-tool'
        ? []
        : [
            {
              severity: 'warning',
              path: '/vdpa/managementDevices',
              message: 'the vdpa tool is not installed: management devices, and devices in use, are not known',
              fix: 'install iproute2 (Fedora, RHEL: iproute), which has it',
            },
          ],
  },
  {
    code: 'probe.vdpa-tool-failed',
    check: ({ vdpa: { bus, managementDevices } }) =>
      bus !== true || isKnown(managementDevices) || managementDevices.unknown === 'no-tool'
        ? []
        : [
            {
              severity: 'warning',
              path: '/vdpa/managementDevices',
              message: `the vdpa tool failed: ${managementDevices.detail}`,
              fix: 'run vdpa mgmtdev show by hand; its netlink family exists in the initial network namespace only',
            },
          ],
  },
  {
    code: 'probe.no-qemu',
    check: ({ qemu }) =>
      qemu.length > 0
        ? []
        : [
            {
              severity: 'warning',
              path: '/qemu',
              message: 'no QEMU was found, so what it can do is not known',
              fix: 'install qemu-system, or name a binary with --qemu PATH',
            },
          ],
  },
  {
    code: 'probe.qemu-failed',
    check: ({ qemu }) =>
      qemu.flatMap(({ path, capabilities }, index) =>
        isKnown(capabilities)
          ? []
          : [
              {
                severity: 'warning',
                path: pointerOf(['qemu', index, 'capabilities']),
                message: `${path} could not be asked: ${capabilities.detail}`,
                fix: `run ${shellQuote(path)} --version by hand`,
              } as const,
            ],
      ),
  },
  {
    code: 'probe.no-libvirt',
    check: ({ libvirt }) =>
      isKnown(libvirt)
        ? []
        : [
            {
              severity: 'info',
              path: '/libvirt',
              message: `the libvirt version is not known: ${libvirt.detail}`,
              fix: 'install libvirt-clients if VMs are to be started by libvirt',
            },
          ],
  },
];

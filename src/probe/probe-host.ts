import { deviceFiles, type DeviceFiles, type HostEdges } from '../host/device-node.ts';
import { hostRoots, type Roots } from '../host/files.ts';
import { nativeSyscalls } from '../host/libc.ts';
import { libvirtVersion } from '../host/libvirt.ts';
import { clock, readMachine } from '../host/machine.ts';
import { runProgram, type RunProgram } from '../host/program.ts';
import { findQemuBinaries, queryQemuCapabilities } from '../host/qemu-binary.ts';
import type { Syscalls } from '../host/syscalls.ts';
import { isPlainName, readVdpaBus, readVdpaDevice } from '../host/sysfs.ts';
import { showDevices, showManagementDevices } from '../host/vdpa-tool.ts';
import { VdpaQemuError } from '../model/error.ts';
import { isUnknown, printable, unknown } from '../model/fact.ts';
import { sortFindings, type Finding } from '../model/finding.ts';
import type { HostReport, Unknown, VdpaDevice } from '../model/generated/host-report.ts';
import { version } from '../version.ts';
import { compareNames } from './natural-order.ts';
import { notesOf } from './notes.ts';
import { askQemus, type QemuEdges } from './ask-qemus.ts';
import { probeDevice } from './probe-device.ts';
import { selectDevices } from './select-devices.ts';

export interface ProbeOptions {
  /** names on the vdpa bus or paths of /dev/vhost-vdpa-N; absent or empty: all devices */
  readonly devices?: readonly string[] | undefined;
  /** false: no device is opened; default true */
  readonly open?: boolean | undefined;
  /** QEMU binaries to ask; absent or empty: those for this architecture in PATH */
  readonly qemu?: readonly string[] | undefined;
  /** milliseconds that one QEMU may take */
  readonly qemuTimeoutMs?: number | undefined;
  /** other places than /sys, /dev and /proc */
  readonly roots?: Partial<Roots> | undefined;
  /** hears how long each opened device was held; not in the report, which is the same for the same host */
  readonly onHeldOpen?: ((device: string, microseconds: number) => void) | undefined;
  /** other ways to the machine than the real ones */
  readonly edges?: Partial<ProbeEdges> | undefined;
}

/** The ways to the machine. */
export interface ProbeEdges extends QemuEdges {
  /** @throws VdpaQemuError `native-unavailable` */
  readonly syscalls: () => Syscalls;
  readonly files: DeviceFiles;
  readonly run: RunProgram;
  /** nanoseconds */
  readonly clock: () => bigint;
}

const hostEdges: ProbeEdges = {
  syscalls: () => nativeSyscalls(),
  files: deviceFiles,
  run: runProgram,
  clock,
  findQemuBinaries,
  queryQemuCapabilities,
};

/**
 * The facts of this host. Never judges; a fact that could not be read stands in the report with its reason, and what
 * an operator can do about it in `notes`. Needs root only for what the kernel keeps to root. The same host gives the
 * same report: sorted, without dates.
 * @throws VdpaQemuError `not-found` where a device that was asked for is not there
 */
export async function probeHost(options: ProbeOptions = {}): Promise<HostReport> {
  const roots: Roots = { ...hostRoots, ...options.roots };
  const edges: ProbeEdges = { ...hostEdges, ...options.edges };
  const bus = readVdpaBus(roots);
  const names = bus.names.filter(isPlainName).sort(compareNames);
  const all = names.map((name) => readVdpaDevice(name, roots));
  const chosen = selectDevices(all, options.devices, edges.files);
  const native = nativeOrReason(edges);
  const machine = readMachine(roots, native, edges.run);
  const [host, qemu, libvirt, managementDevices, toolDevices] = await Promise.all([
    machine,
    machine.then(({ architecture }) => askQemus(options.qemu, architecture, edges, options.qemuTimeoutMs)),
    libvirtVersion(edges.run),
    showManagementDevices(edges.run),
    showDevices(edges.run),
  ]);
  const devices: VdpaDevice[] = [];
  const sources = {
    edges: openingEdges(options, edges, native),
    run: edges.run,
    toolDevices,
    onHeldOpen: options.onHeldOpen,
  };
  for (const device of chosen) devices.push(await probeDevice(device, sources));
  const facts: Omit<HostReport, 'notes'> = {
    schemaVersion: 1,
    kind: 'HostReport',
    generator: { name: 'vdpa-qemu', version },
    host,
    vdpa: {
      bus: bus.bus,
      managementDevices: isUnknown(managementDevices)
        ? managementDevices
        : managementDevices.sort((a, b) => compareNames(a.name, b.name)),
    },
    qemu,
    libvirt,
    devices,
  };
  return { ...facts, notes: sortFindings([...notesOf(facts), ...strangers(bus.names)]) };
}

function nativeOrReason(edges: ProbeEdges): Syscalls | Unknown {
  try {
    return edges.syscalls();
  } catch (error) {
    if (error instanceof VdpaQemuError && error.code === 'native-unavailable')
      return unknown(error.code, error.message);
    throw error;
  }
}

function openingEdges(options: ProbeOptions, edges: ProbeEdges, syscalls: Syscalls | Unknown): HostEdges | Unknown {
  if (options.open === false) return unknown('not-asked', 'probed without opening devices');
  return isUnknown(syscalls) ? syscalls : { syscalls, files: edges.files, clock: edges.clock };
}

/** The kernel takes nearly any name for a device; a report does not. */
function strangers(names: readonly string[]): Finding[] {
  return names
    .filter((name) => !isPlainName(name))
    .map((name) => ({
      code: 'probe.device-name',
      severity: 'warning',
      path: '/devices',
      message: `a vDPA device was left out because of its name: ${printable(name)}`,
      fix: 'delete it and add it again under a name without control characters, of at most 128 characters',
    }));
}

import { findListener, readPidFile, readProcess, type ProcessView } from '../host/proc-maps.ts';
import type { QmpExecutor } from '../host/qmp-client.ts';
import { connectQmp } from '../host/qmp-connect.ts';
import { pidFileOf, virshMonitor } from '../host/virsh-monitor.ts';
import { VdpaQemuError } from '../model/error.ts';
import { isKnown } from '../model/fact.ts';
import type { Io } from './io.ts';
import { qmpAddressOf } from './qmp-address.ts';

/** Which running VM to ask: exactly one of `qmp` and `domain`. */
export interface MonitorOptions {
  /** a unix socket, or HOST:PORT */
  readonly qmp: string | undefined;
  /** libvirt domain */
  readonly domain: string | undefined;
  /** libvirt connection URI; only with `domain` */
  readonly connect: string | undefined;
  /** process of QEMU */
  readonly pid: number | undefined;
}

export interface Monitor {
  /** for messages: the socket or the domain */
  readonly label: string;
  readonly executor: QmpExecutor;
  /** What /proc shows of the VM, looked up anew each time; undefined: not known, or not of this host. */
  readonly process: () => Promise<ProcessView | undefined>;
  close(): void;
}

/**
 * A guest comes from one origin.
 * @param text what else than a monitor may be given, for the message
 * @throws VdpaQemuError usage
 */
export function checkOneOrigin(
  { file, qmp, domain }: MonitorOptions & { readonly file: string | undefined },
  text: string,
): void {
  if ([file, qmp, domain].filter((origin) => origin !== undefined).length === 1) return;
  throw new VdpaQemuError('usage', `give one of these: ${text}, --qmp SOCKET, --domain NAME`);
}

/**
 * Opens the monitor of a running VM.
 * @param timeoutMs for each answer; only of a QMP socket
 * @throws VdpaQemuError usage where `pid` is no process number
 */
export async function openMonitor(options: MonitorOptions, io: Io, timeoutMs = 5000): Promise<Monitor> {
  const { qmp, domain, connect, pid } = options;
  if (pid !== undefined && (!Number.isSafeInteger(pid) || pid < 1)) {
    throw new VdpaQemuError('usage', '--pid takes a process number');
  }
  if (connect !== undefined && domain === undefined) {
    throw new VdpaQemuError('usage', '--connect is the libvirt of --domain NAME');
  }
  const process = async (): Promise<ProcessView | undefined> => {
    const found = processOf(options);
    return found === undefined ? undefined : await readProcess(found);
  };
  if (domain !== undefined) {
    const executor = virshMonitor(domain, { connect });
    io.err(`warning: libvirt marks domain ${domain} as tainted (custom-monitor) when its monitor is used\n`);
    return { label: domain, executor, process, close: () => undefined };
  }
  const socket = qmp ?? '';
  const client = await connectQmp(qmpAddressOf(socket), { timeoutMs });
  return { label: socket, executor: client, process, close: () => client.close() };
}

function processOf({ pid, domain, qmp, connect }: MonitorOptions): number | undefined {
  if (pid !== undefined) return pid;
  if (domain !== undefined) {
    if (connect !== undefined && connect !== 'qemu:///system') return undefined;
    const found = readPidFile(pidFileOf(domain));
    return isKnown(found) ? found : undefined;
  }
  return qmp === undefined ? undefined : findListener(qmp);
}

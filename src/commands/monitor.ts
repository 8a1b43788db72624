import { checkQemu, findQemu, listenersAt, readPidFile } from '../host/find-process.ts';
import { readProcess, type ProcessView } from '../host/proc-maps.ts';
import type { QmpExecutor } from '../host/qmp-client.ts';
import { connectQmp, type QmpSocket } from '../host/qmp-connect.ts';
import { pidFileOf, virshMonitor } from '../host/virsh-monitor.ts';
import { VdpaQemuError } from '../model/error.ts';
import { isKnown, isUnknown, unknown, type Fact } from '../model/fact.ts';
import type { GlobalOptions, Io } from './io.ts';
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
  /** What /proc shows of the VM, looked up anew each time; unknown: it was not found, or is not of this host. */
  readonly process: () => Promise<Fact<ProcessView>>;
  close(): void;
}

/**
 * A guest comes from one origin, and what belongs to a running VM goes with one.
 * @param text what else than a monitor may be given, for the message
 * @throws VdpaQemuError usage
 */
export function checkOneOrigin(
  { file, qmp, domain, connect, pid }: MonitorOptions & { readonly file: string | undefined },
  text: string,
): void {
  if ([file, qmp, domain].filter((origin) => origin !== undefined).length !== 1) {
    throw new VdpaQemuError('usage', `give one of these: ${text}, --qmp SOCKET, --domain NAME`);
  }
  if (file === undefined || (connect === undefined && pid === undefined)) return;
  throw new VdpaQemuError(
    'usage',
    `${pid === undefined ? '--connect' : '--pid'} belongs to a running VM, not to a file`,
  );
}

/**
 * Opens the monitor of a running VM.
 * @param timeoutMs for each answer; only of a QMP socket
 * @throws VdpaQemuError usage where `pid` is no process number, no QEMU, or not the one at the socket
 */
export async function openMonitor(options: MonitorOptions & GlobalOptions, io: Io, timeoutMs = 5000): Promise<Monitor> {
  const { qmp, domain, connect, pid } = options;
  if (pid !== undefined && (!Number.isSafeInteger(pid) || pid < 1)) {
    throw new VdpaQemuError('usage', '--pid takes a process number');
  }
  if (connect !== undefined && domain === undefined) {
    throw new VdpaQemuError('usage', '--connect is the libvirt of --domain NAME');
  }
  const address = qmp === undefined ? undefined : qmpAddressOf(qmp);
  if (pid !== undefined) checkPid(pid, address);
  // to search all processes takes time, and one that was found stays the one
  let found: Fact<number> = pid ?? unknown('not-asked', 'nobody has looked for it');
  const process = async (): Promise<Fact<ProcessView>> => {
    if (isUnknown(found) || isUnknown(checkQemu(found))) found = address ? findQemu(address) : domainProcess(options);
    return isUnknown(found) ? found : await readProcess(found);
  };
  if (domain !== undefined) {
    const executor = virshMonitor(domain, { connect });
    if (!options.quiet)
      io.err(`warning: libvirt marks domain ${domain} as tainted (custom-monitor) when its monitor is used\n`);
    return { label: domain, executor, process, close: () => undefined };
  }
  if (qmp === undefined || address === undefined) throw new VdpaQemuError('usage', 'no monitor was given');
  const client = await connectQmp(address, { timeoutMs });
  return { label: qmp, executor: client, process, close: () => client.close() };
}

/** The command line of a process; undefined where it is not known. */
export function argumentsOf(process: Fact<ProcessView>): readonly string[] | undefined {
  return isKnown(process) && isKnown(process.arguments) ? process.arguments : undefined;
}

/** @throws VdpaQemuError usage */
function checkPid(pid: number, address: QmpSocket | undefined): void {
  const checked = checkQemu(pid);
  if (isUnknown(checked)) throw new VdpaQemuError('usage', `--pid ${pid}: ${checked.detail}`);
  const listening = address ? listenersAt(address) : [];
  if (isUnknown(listening) || listening.includes(pid)) return;
  const qemus = listening.filter((one) => isKnown(checkQemu(one)));
  if (qemus.length === 0) return;
  throw new VdpaQemuError(
    'usage',
    `--pid ${pid}: the QEMU that listens at the socket is process ${qemus.join(' or ')}`,
  );
}

function domainProcess({ domain = '', connect = 'qemu:///system' }: MonitorOptions): Fact<number> {
  if (connect !== 'qemu:///system') return unknown('not-local', `the process of ${domain} at ${connect}: give --pid`);
  const found = readPidFile(pidFileOf(domain));
  return isUnknown(found) ? found : checkQemu(found);
}

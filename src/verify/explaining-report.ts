import { isKnown } from '../model/fact.ts';
import type { HostReport } from '../model/generated/host-report.ts';
import type { Observation } from '../model/generated/observation.ts';
import { probeHost } from '../probe/probe-host.ts';

/**
 * A report of this host, made without opening a device, as the VM has them open: it tells the parent driver and the
 * doorbell layout, and so why the kernel refuses a mapping. Only where it could help: the process is of this host, and a
 * vDPA device is known to lack a host notifier.
 */
export async function explainingReport({ process, devices }: Observation): Promise<HostReport | undefined> {
  const unexplained = devices.some(
    ({ charDevice, virtqueues }) =>
      isKnown(charDevice) && isKnown(virtqueues) && virtqueues.some(({ hostNotifier }) => hostNotifier === null),
  );
  if (process === null || !unexplained) return undefined;
  return await probeHost({ open: false, edges: { findQemuBinaries: () => Promise.resolve([]) } });
}

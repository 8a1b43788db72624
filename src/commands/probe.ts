import { probeHost } from '../probe/probe-host.ts';
import { renderJson } from '../render/json.ts';
import type { ExitCode, GlobalOptions, Io } from './io.ts';
import { deliver, tell } from './result.ts';

export interface ProbeOptions extends GlobalOptions {
  readonly devices: readonly string[];
  readonly open: boolean;
  readonly qemu: readonly string[];
}

/** Reads the facts of this host. The result is always a HostReport in JSON; what could not be read is told beside it. */
export async function probe(options: ProbeOptions, io: Io): Promise<ExitCode> {
  const report = await probeHost({
    open: options.open,
    qemu: [...options.qemu],
    ...(options.devices.length > 0 ? { devices: [...options.devices] } : {}),
  });
  deliver(renderJson(report), options, io);
  tell(report.notes, options, io);
  return 0;
}

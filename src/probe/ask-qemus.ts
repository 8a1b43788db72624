import path from 'node:path';
import { searchPath } from '../host/program.ts';
import { messageOf, VdpaQemuError } from '../model/error.ts';
import { printable, unknown, type Fact } from '../model/fact.ts';
import type { QemuBinary, QemuCapabilities } from '../model/generated/host-report.ts';

export interface QemuEdges {
  readonly findQemuBinaries: (search: { architecture: string; pathVariable: string }) => Promise<string[]>;
  readonly queryQemuCapabilities: (path: string, options?: { timeoutMs?: number }) => Promise<QemuCapabilities>;
}

/**
 * Asks each QEMU what it can do; one that cannot be asked is in the list with the reason.
 * @param named binaries that a person named, relative to the working directory; absent or empty: those found
 */
export async function askQemus(
  named: readonly string[] = [],
  architecture: string,
  edges: QemuEdges,
  timeoutMs: number | undefined,
): Promise<QemuBinary[]> {
  const paths =
    named.length > 0
      ? named.map((name) => path.resolve(name))
      : await edges.findQemuBinaries({ architecture, pathVariable: searchPath() });
  return Promise.all(
    [...new Set(paths)].map(reportable).map(async (binary) => ({
      path: binary,
      capabilities: await capabilitiesOf(() =>
        edges.queryQemuCapabilities(binary, timeoutMs === undefined ? {} : { timeoutMs }),
      ),
    })),
  );
}

/** @throws VdpaQemuError `bad-input` */
function reportable(binary: string): string {
  if (binary === printable(binary) && binary.length <= 4096) return binary;
  throw new VdpaQemuError('bad-input', `not a path that a report can hold: ${printable(binary).slice(0, 200)}`);
}

async function capabilitiesOf(query: () => Promise<QemuCapabilities>): Promise<Fact<QemuCapabilities>> {
  try {
    return await query();
  } catch (error) {
    if (!(error instanceof VdpaQemuError)) throw error;
    return unknown(error.code === 'not-found' ? 'not-present' : 'program-failed', messageOf(error));
  }
}

/** What a lab run keeps of a migration: the cells of test/fixtures/migration/outcomes.json. */
import type { Cell, RealOutcome } from './migrate.ts';
import { commandLine, type Side } from './migration-side.ts';

export interface RecordedSide {
  /** Name of the vDPA device of L1. */
  readonly device: string;
  /** Command line of QEMU. */
  readonly line: string;
  readonly busy?: true;
  /** RLIMIT_MEMLOCK in bytes; left out: none. */
  readonly memlock?: number;
}

export interface RecordedCell {
  readonly name: string;
  readonly source: RecordedSide;
  readonly destination: RecordedSide;
  /** Of each run. */
  readonly outcomes: readonly string[];
  readonly lost: readonly string[];
  /** Features that the guest took; left out: it never ran. */
  readonly negotiated?: string;
  readonly blockedReasons: readonly string[];
  readonly rings?: RealOutcome['rings'];
  /** Release of L1's kernel, of the last run. */
  readonly kernel: string;
}

/** The record with one more run in it, on that kernel. */
export function withRun(
  record: readonly RecordedCell[],
  cell: Cell,
  real: RealOutcome,
  kernel: string,
): RecordedCell[] {
  const before = record.find(({ name }) => name === cell.name);
  const negotiated = real.guest.before?.negotiated ?? before?.negotiated;
  const now: RecordedCell = {
    name: cell.name,
    source: side(cell.source, commandLine(real.source)),
    destination: side(cell.destination, commandLine(real.destination)),
    outcomes: [...(before?.outcomes ?? []), real.outcome],
    lost: [...new Set([...(before?.lost ?? []), ...real.lost])],
    ...(negotiated === undefined ? {} : { negotiated }),
    blockedReasons: real.text.blockedReasons,
    ...(real.rings === undefined ? {} : { rings: real.rings }),
    kernel,
  };
  return before === undefined ? [...record, now] : record.map((one) => (one === before ? now : one));
}

/** JSON with a line for each cell. */
export function recordText(record: readonly RecordedCell[]): string {
  return `[\n${record.map((cell) => JSON.stringify(cell)).join(',\n')}\n]\n`;
}

function side({ device, busy, memlock }: Side, line: string): RecordedSide {
  return { device, line, ...(busy ? { busy } : {}), ...(memlock === undefined ? {} : { memlock }) };
}

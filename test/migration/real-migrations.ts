/**
 * What the rules say of the migrations that were really tried in the lab (test/fixtures/migration): from the same two
 * command lines, and the reports of the devices as they were.
 */
import { readFileSync } from 'node:fs';
import { readGuestConfiguration } from '../../src/import/read.ts';
import { checkMigration } from '../../src/migration/check-migration.ts';
import { isKnown } from '../../src/model/fact.ts';
import type { GuestConfiguration } from '../../src/model/generated/guest-configuration.ts';
import type { Destination } from '../../src/model/generated/migration-check.ts';
import { parseReports } from '../../src/report/parse-reports.ts';
import { running } from './migrating.ts';

interface Side {
  /** name of the vDPA device of L1 */
  readonly device: string;
  /** command line of QEMU */
  readonly line: string;
  readonly busy?: true;
  /** RLIMIT_MEMLOCK, bytes; left out: none */
  readonly memlock?: number;
}

export interface Cell {
  readonly name: string;
  readonly source: Side;
  readonly destination: Side;
  /** of each run */
  readonly outcomes: readonly string[];
  readonly lost: readonly string[];
  /** features that the guest took; left out: it never ran */
  readonly negotiated?: string;
  readonly blockedReasons: readonly string[];
}

const directory = 'test/fixtures/migration';
export const cells = JSON.parse(readFileSync(`${directory}/outcomes.json`, 'utf8')) as Cell[];
const [l1] = await parseReports(readFileSync(`${directory}/l1.json`, 'utf8'), 'l1.json');

/** L1 with that device alone, as it was when the cell ran. */
function hostOf({ device, line, busy, memlock }: Side): NonNullable<typeof l1> {
  const report = structuredClone(l1!);
  const found = report.devices.find(({ name }) => name === device);
  report.devices = found ? [found] : [];
  report.host.lockedMemoryLimit = memlock ?? 'unlimited';
  // the number of a character device is not that of the run that was reported
  const path = /\/dev\/vhost-vdpa-\d+/.exec(line)?.[0];
  if (found && isKnown(found.charDevice) && found.charDevice && path !== undefined) found.charDevice.path = path;
  if (found && busy) found.open = { unknown: 'EBUSY', detail: 'in use' };
  return report;
}

function guestOf(line: string, report: NonNullable<typeof l1>): GuestConfiguration {
  const { configuration } = readGuestConfiguration(line, { as: 'qemu-argv', reports: [report] });
  return configuration!;
}

/** @param known the features that the guest took are known, as of a running VM */
export function predict(cell: Cell, known: boolean): Destination {
  const [from, to] = [hostOf(cell.source), hostOf(cell.destination)];
  const line = guestOf(cell.source.line, from);
  const source =
    known && cell.negotiated !== undefined ? running(line, BigInt(cell.negotiated), [...cell.blockedReasons]) : line;
  return checkMigration(source, [to], { from, with: guestOf(cell.destination.line, to) }).destinations[0]!;
}

/** Verdicts that an outcome allows. `unknown` is never wrong; a loss may be foretold that did not show. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  completed: ['can', 'can-with-loss', 'unknown'],
  'completed-state-lost': ['can-with-loss', 'unknown'],
};
const failed = ['cannot', 'unknown'];

/** Whether a verdict may be given where the migration became this. */
export function agrees(verdict: string, outcome: string): boolean {
  return (allowed[outcome] ?? failed).includes(verdict);
}

/** The text of docs/truth/migration.md. */
export function truthTable(): string {
  const rows = cells.map((cell) => {
    const [fromConfiguration, fromRunning] = [predict(cell, false), predict(cell, true)];
    const causes = fromRunning.findings
      .filter(({ effect }) => effect !== 'none')
      .map(({ code }) => code.replace('migration.', ''));
    const real = [...new Set(cell.outcomes)];
    const agreed = real.every((one) => agrees(fromRunning.verdict, one) && agrees(fromConfiguration.verdict, one));
    return [
      cell.name,
      fromConfiguration.verdict,
      cell.negotiated === undefined ? '' : fromRunning.verdict,
      [...new Set(causes)].sort().join(', '),
      `${real.join(' or ')}${cell.lost.length > 0 ? `: ${cell.lost.join('; ')}` : ''}`,
      agreed ? 'yes' : 'NO',
    ];
  });
  const head = ['migration', 'by configuration', 'by running VM', 'because of', 'what happened', 'agrees'];
  const lines = [head, head.map(() => '---'), ...rows].map(
    (row) => `| ${row.map((text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`,
  );
  return `${heading}\n${lines.join('\n')}\n`;
}

const heading = `# Live migrations: what was predicted, and what happened

Real migrations of the lab, QEMU 10.0 on kernel 6.12, between two vDPA devices of one host. What happened is decided by the guest itself, a driver of our own whose counters travel in its memory (test/lab/guest), and kept in test/fixtures/migration by \`LAB_CAPTURE=... npm run test:lab:full\`. The predictions are those of \`check-migration --with\` on the same two command lines and the report of that host; this table is made from both by test/migration/outcomes.test.ts.

- **by configuration**: from the command lines alone. **by running VM**: with the features that the guest really took.
- Outcomes: \`refused\` (QEMU would not begin), \`failed-source-alive\`, \`failed-source-broken\` (the guest runs on at the source without its device), \`guest-lost\`, \`completed\`, \`completed-state-lost\`, \`destination-did-not-start\`.
- A row agrees where nothing that failed or lost something was called \`can\`, and nothing that completed \`cannot\`. \`unknown\` is never a promise, and a loss may be foretold that did not show.
`;

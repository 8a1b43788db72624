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
import type { RecordedCell, RecordedSide } from '../lab/migration-record.ts';
import { changed, running } from './migrating.ts';

const directory = 'test/fixtures/migration';
export const cells = JSON.parse(readFileSync(`${directory}/outcomes.json`, 'utf8')) as RecordedCell[];
const [l1] = await parseReports(readFileSync(`${directory}/l1.json`, 'utf8'), 'l1.json');

/** L1 with that device alone, as it was when the cell ran. */
function hostOf({ device, line, busy, memlock }: RecordedSide): NonNullable<typeof l1> {
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

/** The guest with what QMP would have told of it. */
function asItRan(guest: GuestConfiguration, negotiated: string, cell: RecordedCell): GuestConfiguration {
  const seen = running(guest, BigInt(negotiated), [...cell.blockedReasons]);
  if (cell.rings === undefined) return seen;
  const virtqueues = [{ index: 0, enabled: true, size: cell.rings.before.used }];
  return changed(seen, ({ running: vm }) => void (vm!.devices[0]!.virtqueues = virtqueues));
}

/** @param known the features that the guest took are known, as of a running VM */
export function predict(cell: RecordedCell, known: boolean): Destination {
  const [from, to] = [hostOf(cell.source), hostOf(cell.destination)];
  const line = guestOf(cell.source.line, from);
  const source = known && cell.negotiated !== undefined ? asItRan(line, cell.negotiated, cell) : line;
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
      `${real.join(' or ')}${cell.lost.length > 0 ? `: ${cell.lost.join('; ')}` : ''}${ringsOf(cell)}`,
      agreed ? 'yes' : 'NO',
    ];
  });
  const head = ['migration', 'by configuration', 'by running VM', 'because of', 'what happened', 'agrees'];
  const lines = [head, head.map(() => '---'), ...rows].map(
    (row) => `| ${row.map((text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`,
  );
  return `${heading}\n${lines.join('\n')}\n`;
}

function ringsOf({ rings }: RecordedCell): string {
  if (rings === undefined) return '';
  const [before, after] = [rings.before, rings.after ?? rings.before];
  const offered = before.offered === after.offered ? before.offered : `${before.offered}, then ${after.offered}`;
  return ` (rings of ${after.used} descriptors in use, ${offered} offered)`;
}

const [newest = '', older = ''] = l1!.qemu.flatMap(({ capabilities }) =>
  isKnown(capabilities) ? capabilities.version : [],
);
const kernels = [...new Set(cells.map(({ kernel }) => kernel))].map(
  (kernel) => `${kernel} (${cells.filter((cell) => cell.kernel === kernel).length} cells)`,
);
const heading = `# Live migrations: what was predicted, and what happened

Real migrations of the lab, QEMU ${newest} (${older} where a cell says so) on kernel ${kernels.join(' and ')}, between two vDPA devices of one host. What happened is decided by the guest itself, a driver of our own whose counters travel in its memory (test/lab/guest), and kept in test/fixtures/migration by \`LAB_CAPTURE=... npm run test:lab:full\`. The predictions are those of \`check-migration --with\` on the same two command lines and the report of that host; this table is made from both by test/migration/outcomes.test.ts.

- **by configuration**: from the command lines alone. **by running VM**: with the features that the guest really took.
- Outcomes: \`refused\` (QEMU would not begin), \`failed-source-alive\`, \`failed-source-broken\` (the guest runs on at the source without its device), \`guest-lost\`, \`completed\`, \`completed-state-lost\`, \`destination-did-not-start\`.
- A row agrees where nothing that failed or lost something was called \`can\`, and nothing that completed \`cannot\`. \`unknown\` is never a promise, and a loss may be foretold that did not show.
`;

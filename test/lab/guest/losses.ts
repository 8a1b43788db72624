/** What a guest has lost on its way, told from its own reports before and after. */
import type { GuestReport } from './report.ts';

/** How much its device has done for it. */
export function answered({ kind, block, pairs }: GuestReport): number {
  return kind === 'block' ? block.read : pairs.reduce((sum, pair) => sum + Math.min(...pair.sentBack), 0);
}

/** What the guest had before and has no longer: `one` and `two` are two looks after. */
export function losses(before: GuestReport | undefined, one: GuestReport, two: GuestReport): string[] {
  if (before === undefined) return ['nothing is known of the guest before'];
  const lost: string[] = [];
  if (two.status !== before.status) lost.push(`device status is 0x${two.status.toString(16)}`);
  for (const [field, [was, is]] of Object.entries(changed(before, two)))
    if (readable(before, field)) lost.push(`config ${field}: read ${was}, now ${is}`);
  if (two.cpuid !== before.cpuid) lost.push(`CPUID 1: read ${before.cpuid}, now ${two.cpuid}`);
  if (two.kind === 'block') return [...lost, ...blockLosses(one, two)];
  before.pairs.forEach((was, pair) => {
    const [from, to] = [one.pairs[pair], two.pairs[pair]];
    if (from === undefined || to === undefined) return;
    const stopped = (what: 'received' | 'receivedOwn'): boolean => was[what] > 0 && to[what] === from[what];
    const stuck = to.sentBack.filter((back, buffer) => back === from.sentBack[buffer]).length;
    const worked = was.sent === 0 || was.sentBack.some((back) => back > 0);
    if (stuck === 3 && worked) lost.push(`pair ${pair}: the device takes no packet`);
    else if (stuck > 0 && worked) lost.push(`pair ${pair}: ${stuck} of 3 transmit buffers never come back`);
    if (stopped('received') || (was.sent === 0 && to.received === 0)) lost.push(`pair ${pair}: nothing is received`);
    else if (stopped('receivedOwn')) lost.push(`pair ${pair}: nothing to the guest's MAC address is received`);
    if (to.stale > was.stale) lost.push(`pair ${pair}: ${to.stale} receive buffers never come back`);
    if (to.badIds > was.badIds) lost.push(`pair ${pair}: ${to.badIds - was.badIds} buffers came back twice`);
    if (to.duplicates > was.duplicates) lost.push(`pair ${pair}: ${to.duplicates - was.duplicates} frames came twice`);
  });
  if (
    before.control.answered > 0 &&
    two.control.answered === one.control.answered &&
    two.control.sent > two.control.answered
  )
    lost.push('control virtqueue: no answer');
  return lost;
}

function blockLosses(one: GuestReport, two: GuestReport): string[] {
  if (two.block.read === one.block.read) return ['the disk does not answer'];
  return [
    ...(two.block.wrong > one.block.wrong ? ['sectors hold other data'] : []),
    ...(two.block.errors > one.block.errors ? ['reads fail'] : []),
  ];
}

type Change = readonly [was: string | number, is: string | number];

function changed(before: GuestReport, after: GuestReport): Readonly<Record<string, Change>> {
  const pairs = Object.entries(before.config).map(([field, was]) => [field, [was, after.config[field] ?? '']] as const);
  return Object.fromEntries(pairs.filter(([, [was, is]]) => was !== is));
}

/** A guest reads a field of a network card's configuration only with the feature that says it is there. */
function readable({ kind, negotiated }: GuestReport, field: string): boolean {
  const bit = { mac: 5n, mtu: 3n, link: 16n, maxPairs: 22n }[field];
  return kind === 'block' || bit === undefined || ((BigInt(negotiated) >> bit) & 1n) === 1n;
}

/** What is other than before, and no loss to a guest that runs on. */
export function differences(before: GuestReport | undefined, after: GuestReport): string[] {
  if (before === undefined) return [];
  const unread = Object.entries(changed(before, after)).filter(([field]) => !readable(before, field));
  return [
    ...(answered(before) > 0 || before.pairs.every(({ sent }) => sent === 0)
      ? []
      : ['the device did not answer before either']),
    ...(before.offered === after.offered ? [] : [`offered features: read ${before.offered}, now ${after.offered}`]),
    ...(before.pairs.some(({ answers }, pair) => answers > 0 && after.pairs[pair]?.answers === answers)
      ? ['the network behind the device does not answer']
      : []),
    ...unread.map(([field, [was, is]]) => `config ${field}, which the guest may not read: was ${was}, is ${is}`),
  ];
}

import type { DoorbellView } from './doorbell-view.ts';
import { hostsText, type HostTable, type Tally } from './tally.ts';

/**
 * What `hostNotifier: auto` decides over all hosts (src/plan/page-per-vq.ts decides the same for one VM): on where at
 * least one device gains by it, and none has a doorbell that must not be mapped or of which that is not known.
 */
export function decidePagePerVq(
  doorbells: Tally<DoorbellView>,
  table: HostTable,
): { readonly pagePerVq: boolean; readonly reason: string } {
  const hostsOf = (kind: DoorbellView['kind']): string =>
    hostsText(table.sample(doorbells.hostsWhere((view) => view.kind === kind)));
  const first = (kind: DoorbellView['kind']): DoorbellView | undefined =>
    doorbells.values.find((view) => view.kind === kind);
  for (const kind of ['unsafe', 'unknown'] as const) {
    const view = first(kind);
    if (view) return { pagePerVq: false, reason: `off: a doorbell is ${kind} on ${hostsOf(kind)}: ${view.reason}` };
  }
  const usable = first('usable');
  if (!usable) return { pagePerVq: false, reason: 'off: no device has a doorbell that could be mapped' };
  const fallback = first('fallback');
  return {
    pagePerVq: true,
    reason: fallback
      ? `on: safe doorbells on ${hostsOf('usable')}; kicks to other devices go through eventfd on ${hostsOf('fallback')}: ${fallback.reason}`
      : 'on: every doorbell is safe on every host',
  };
}

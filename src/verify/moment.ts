import { asList, asObject, asText, member, optional } from '../host/qmp-value.ts';
import type { Fact } from '../model/fact.ts';
import type { Observation } from '../model/generated/observation.ts';
import { checked, isRefusal, type Questions } from './answers.ts';

/** What may change at any time, and decides what a host notifier means: read before the devices and after them. */
export interface Moment extends Pick<Observation, 'runState' | 'migration'> {
  /** query-pci */
  readonly pci: Fact<unknown>;
}

export function askMoment(ask: Questions): () => Moment {
  const [status, migration, pci] = [ask.add('query-status'), ask.add('query-migrate'), ask.add('query-pci')];
  return () => {
    const runState = checked(status(), asObject, 'query-status', (value) =>
      asText(member(value, 'status'), 'query-status: status'),
    );
    return {
      runState: typeof runState === 'string' ? runState : 'unknown',
      migration: migrationOf(migration()),
      pci: pci(),
    };
  };
}

/** Whether the VM was stopped, continued, or began or ended a migration between the two. */
export function hasMovedOn(before: Moment, after: Moment): boolean {
  return before.runState !== after.runState || statusIn(before) !== statusIn(after);
}

function statusIn({ migration: { status } }: Moment): string | null {
  return typeof status === 'string' ? status : null;
}

function migrationOf(answer: Fact<unknown>): Observation['migration'] {
  if (isRefusal(answer)) return { status: answer, blockedReasons: [] };
  const info = asObject(answer, 'query-migrate');
  const reasons = optional(member(info, 'blocked-reasons'), asList, 'query-migrate: blocked-reasons') ?? [];
  return {
    status: optional(member(info, 'status'), asText, 'query-migrate: status') ?? null,
    blockedReasons: reasons.map((reason) => asText(reason, 'query-migrate: blocked-reasons')),
  };
}

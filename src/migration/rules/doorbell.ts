import { isKnown } from '../../model/fact.ts';
import type { DeviceAssessment } from '../../model/generated/assessment.ts';
import { hostOf } from '../../plan/host.ts';
import { obstaclesOf } from '../../plan/page-per-vq.ts';
import type { VdpaDevice } from '../../model/generated/host-report.ts';
import type { Migration, Pair } from '../migration.ts';
import type { Hit, MigrationRule } from '../rule.ts';

/** What page-per-vq=on means at the destination: QEMU maps whatever the kernel lets it map. */
export const doorbellRules: readonly MigrationRule[] = [
  {
    code: 'migration.doorbell-unsafe',
    severity: 'error',
    effect: 'state-lost',
    asks: 'would QEMU give the guest a doorbell page at the destination that holds other registers?',
    source:
      'Linux drivers/vhost/vdpa.c: vhost_vdpa_mmap() checks alignment and size only; QEMU hw/virtio/vhost-vdpa.c: vhost_vdpa_host_notifiers_init()',
    check: (migration) =>
      withDoorbells(migration, ({ path, label }, device, { danger }) =>
        danger?.verdict === 'unsafe'
          ? [
              {
                path,
                message: `${label}: page-per-vq is on, and the doorbell of ${device.name} virtqueue ${danger.index} is unsafe: ${danger.reason}`,
                fix: 'keep this host out of the migration domain; page-per-vq cannot change while the guest runs',
              },
            ]
          : [],
      ),
  },
  {
    code: 'migration.doorbell-unknown',
    severity: 'warning',
    effect: 'unknown',
    asks: 'is it known whether it is safe?',
    source: 'docs/findings.md: a doorbell that was not judged is never treated as safe',
    check: (migration) =>
      withDoorbells(migration, ({ path, label }, device, { danger }) =>
        danger?.verdict === 'unknown'
          ? [
              {
                path,
                message: `${label}: page-per-vq is on, and the doorbell of ${device.name} virtqueue ${danger.index} is not known: ${danger.reason}`,
                fix: 'probe the host as root while the device is idle',
              },
            ]
          : [],
      ),
  },
  {
    code: 'migration.host-notifier-required',
    severity: 'error',
    effect: 'state-lost',
    asks: 'with hostNotifier: require, will host notifiers be active at the destination?',
    source: 'QEMU hw/virtio/vhost-vdpa.c: vhost_vdpa_host_notifiers_init() falls back to eventfd without a word',
    check: (migration) =>
      withDoorbells(migration, ({ path, label, required }, device, { obstacle }) =>
        required && obstacle
          ? [
              {
                path,
                message: `${label}: hostNotifier is require, but kicks will go through eventfd on ${device.name} virtqueue ${obstacle.index}: ${obstacle.reason}`,
              },
            ]
          : [],
      ),
  },
  {
    code: 'migration.host-notifier-lost',
    severity: 'warning',
    effect: 'none',
    asks: 'with hostNotifier: auto, are active host notifiers lost on arrival?',
    source: 'QEMU hw/virtio/vhost-vdpa.c: vhost_vdpa_host_notifiers_init() falls back to eventfd without a word',
    check: (migration) =>
      withDoorbells(migration, ({ path, label, required, fromDoorbells, toDoorbells }, device, { obstacle }) => {
        const [before, after] = [activeIn(fromDoorbells), activeIn(toDoorbells)];
        if (required || before === undefined || after === undefined || before.length <= after.length || !obstacle)
          return [];
        return [
          {
            path,
            evidence: { before: before.length, after: after.length },
            message: `${label}: ${before.length} virtqueues kick the device directly now; on ${device.name} ${after.length} will, the others go through eventfd: ${obstacle.reason}`,
          },
        ];
      }),
  },
  {
    code: 'migration.host-notifier-gained',
    severity: 'info',
    effect: 'none',
    asks: 'or are there more of them?',
    source: 'QEMU hw/virtio/vhost-vdpa.c: vhost_vdpa_host_notifiers_init()',
    check: (migration) =>
      withDoorbells(migration, ({ path, label, fromDoorbells, toDoorbells }, device) => {
        const [before, after] = [activeIn(fromDoorbells), activeIn(toDoorbells)];
        if (before === undefined || after === undefined || after.length <= before.length) return [];
        return [
          {
            path,
            message: `${label}: on ${device.name} ${after.length} virtqueues kick the device directly, ${before.length} now`,
          },
        ];
      }),
  },
];

interface Reasoned {
  readonly index: number;
  readonly verdict: string;
  readonly reason: string;
}

interface Obstacles {
  readonly obstacle: Reasoned | undefined;
  readonly danger: Reasoned | undefined;
}

function withDoorbells(
  { pairs, to }: Migration,
  check: (pair: Pair, device: VdpaDevice, obstacles: Obstacles) => readonly Hit[],
): Hit[] {
  return pairs.flatMap((pair) => {
    const { to: device, toDoorbells: assessment } = pair;
    if (!device || !assessment || pair.kind === 'block' || pair.then.pagePerVq !== true) return [];
    const granularity = pair.kind === 'net' ? 'netdev' : 'device';
    const { obstacle, danger } = obstaclesOf({ host: hostOf(to.report), device, assessment }, granularity);
    return check(pair, device, { obstacle: reasoned(obstacle), danger: reasoned(danger) });
  });
}

function reasoned(found: DeviceAssessment['virtqueues'][number] | undefined): Reasoned | undefined {
  return (
    found && { index: found.index, verdict: found.verdict, reason: found.reasons[0]?.message ?? 'no reason is known' }
  );
}

function activeIn(assessment: DeviceAssessment | undefined): readonly number[] | undefined {
  return assessment && isKnown(assessment.expectedHostNotifiers) ? assessment.expectedHostNotifiers.netdev : undefined;
}

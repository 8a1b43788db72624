import { reasonOf } from '../../doorbell/summary.ts';
import { hostOf } from '../../plan/host.ts';
import { obstaclesOf, type DoorbellObstacles } from '../../plan/page-per-vq.ts';
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
                message: `${label}: page-per-vq is on, and the doorbell of ${device.name} virtqueue ${danger.index} is unsafe: ${reasonOf(danger)}`,
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
                message: `${label}: page-per-vq is on, and the doorbell of ${device.name} virtqueue ${danger.index} is not known: ${reasonOf(danger)}`,
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
                message: `${label}: hostNotifier is require, but kicks will go through eventfd on ${device.name} virtqueue ${obstacle.index}: ${reasonOf(obstacle)}`,
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
      withDoorbells(migration, (pair, device, { obstacle }) => {
        const { path, label, required } = pair;
        const active = hostNotifiers(pair);
        if (required || !active || active.before <= active.after || !obstacle) return [];
        return [
          {
            path,
            evidence: active,
            message: `${label}: ${active.before} virtqueues kick the device directly now; on ${device.name} ${active.after} will, the others go through eventfd: ${reasonOf(obstacle)}`,
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
      withDoorbells(migration, (pair, device) => {
        const { path, label } = pair;
        const active = hostNotifiers(pair);
        if (!active || active.after <= active.before) return [];
        return [
          {
            path,
            message: `${label}: on ${device.name} ${active.after} virtqueues kick the device directly, ${active.before} now`,
          },
        ];
      }),
  },
];

type Obstacles = Pick<DoorbellObstacles, 'obstacle' | 'danger'>;

function withDoorbells(
  { pairs, to }: Migration,
  check: (pair: Pair, device: VdpaDevice, obstacles: Obstacles) => readonly Hit[],
): Hit[] {
  return pairs.flatMap((pair) => {
    const { to: device, toDoorbells: assessment } = pair;
    if (!device || !assessment || pair.kind === 'block' || pair.then.pagePerVq !== true) return [];
    return check(pair, device, obstaclesOf({ host: hostOf(to.report), device, assessment }, granularityOf(pair)));
  });
}

/** What falls back together: see obstaclesOf(). */
function granularityOf({ kind }: Pair): 'netdev' | 'device' {
  return kind === 'net' ? 'netdev' : 'device';
}

/** Virtqueues that kick the device directly, before and after; undefined: a device is not known. */
function hostNotifiers(pair: Pair): { readonly before: number; readonly after: number } | undefined {
  const { fromDoorbells, toDoorbells } = pair;
  if (!fromDoorbells || !toDoorbells) return undefined;
  const granularity = granularityOf(pair);
  return {
    before: fromDoorbells.expectedHostNotifiers[granularity].length,
    after: toDoorbells.expectedHostNotifiers[granularity].length,
  };
}

import { isKnown } from '../../model/fact.ts';
import type { GuestInterface } from '../../model/generated/guest-configuration.ts';
import type { VdpaDevice } from '../../model/generated/host-report.ts';
import { offerOf, type Offer } from '../features.ts';
import { netNames } from '../net-features.ts';
import type { Pair } from '../migration.ts';
import { whyUnknown, type Hit, type MigrationRule } from '../rule.ts';

/** The guest's features at both ends: what it has, and what it would be offered. */
export const featureRules: readonly MigrationRule[] = [
  {
    code: 'migration.feature-missing',
    severity: 'error',
    effect: 'lost',
    asks: 'does the destination offer every feature that the guest took (where that is not known: that it was offered)?',
    source: 'QEMU hw/virtio/virtio.c: virtio_load(), virtio_set_features_nocheck()',
    check: ({ pairs }) => pairs.flatMap((pair) => (pair.kind === 'net' && pair.to ? missing(pair, pair.to) : [])),
  },
  {
    code: 'migration.features-grow',
    severity: 'info',
    effect: 'none',
    asks: 'does the destination offer more? The guest sees it at its next reset, and may then not migrate back',
    source: 'virtio 1.3, 2.2: Feature Bits',
    check: ({ pairs }) =>
      pairs.flatMap((pair) => {
        if (pair.kind !== 'net') return [];
        const [before, after] = [offer(pair.guest, pair.from), offer(pair.then, pair.to)];
        if (!before || !after) return [];
        const more = after.bits & ~before.bits & ~before.unsure;
        if (more === 0n) return [];
        return [{ path: pair.path, message: `${pair.label}: the destination offers ${netNames(more)} besides` }];
      }),
  },
];

function missing(pair: Extract<Pair, { kind: 'net' }>, to: VdpaDevice): Hit[] {
  const { path, label, guest, then, from, running } = pair;
  const after = offer(then, to);
  if (!after) {
    const why = whyUnknown(to.identity.features);
    return [{ path, unknown: true, message: `${label}: what ${to.name} offers is not known: ${why}` }];
  }
  const taken = running && isKnown(running.negotiatedFeatures) ? BigInt(running.negotiatedFeatures) : undefined;
  if (taken !== undefined) return compare(taken, after, 'took', false);
  const before = offer(guest, from);
  if (before) return compare(before.bits | before.unsure, after, 'was offered', true);
  const why = from
    ? whyUnknown(from.identity.features)
    : 'the source is not running, and no report of its host tells its device';
  return [{ path, unknown: true, message: `${label}: the features that the guest has are not known: ${why}` }];

  function compare(has: bigint, offered: Offer, how: string, perhaps: boolean): Hit[] {
    const lost = has & ~offered.bits & ~offered.unsure;
    const unsure = has & offered.unsure;
    const evidence = { guest: hex(has), destination: hex(offered.bits) };
    const name = to.name;
    const sure: Hit[] =
      lost === 0n
        ? []
        : [
            {
              path,
              unknown: perhaps,
              evidence,
              message: `${label}: the guest ${how} ${netNames(lost)}, and ${name} does not offer that at the destination${perhaps ? '; if the guest took it, it cannot migrate' : ''}`,
              fix: 'provision both devices with the same device_features (vdpa-qemu baseline gives the command)',
            },
          ];
    const doubtful: Hit[] =
      unsure === 0n
        ? []
        : [
            {
              path,
              unknown: true,
              evidence,
              message: `${label}: whether ${netNames(unsure)}, which the guest ${how}, is offered at the destination is not known`,
            },
          ];
    return [...sure, ...doubtful];
  }
}

function offer(net: GuestInterface, device: VdpaDevice | undefined): Offer | undefined {
  if (!device || !isKnown(device.identity.features)) return undefined;
  return offerOf(net, BigInt(device.identity.features.bits));
}

const hex = (word: bigint): string => `0x${word.toString(16)}`;

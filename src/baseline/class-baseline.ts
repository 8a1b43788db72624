import type { ClassBaseline, Limit } from '../model/generated/baseline.ts';
import { featureSet } from '../model/virtio-features.ts';
import type { BaselineFindings } from './findings.ts';
import type { ClassTally } from './class-tally.ts';
import { decidePagePerVq } from './decide-page-per-vq.ts';
import { commonFeatures, smallest } from './limits.ts';
import { migrationOf, type QemuOutlook } from './migration-outlook.ts';
import { netTarget, provisioningOf, type NetTarget } from './net-mask.ts';
import { hostsText, type HostTable } from './tally.ts';

/** The common denominator of one class. @param path JSON pointer of it in the baseline */
export function classBaseline(
  name: 'net' | 'block',
  path: string,
  tally: ClassTally,
  table: HostTable,
  qemu: QemuOutlook,
  findings: BaselineFindings,
): ClassBaseline {
  const features = commonFeatures(tally.features, name, table);
  const pairs = smallest('queuePairs', '', tally.queuePairs, table);
  const queues = smallest('queues', '', tally.queues, table);
  const ring = smallest('ringSize', ' descriptors', tally.ringSize, table);
  const net = name === 'net';
  findings.unknown(path, 'the offered features', features.unknown, 'error');
  findings.unknown(
    path,
    net ? 'the queue pairs' : 'the queues',
    (net ? pairs : queues).unknown,
    net ? 'error' : 'warning',
  );
  findings.unknown(path, 'the ring size', ring.unknown, 'warning');
  const { common } = features;
  const sound = net && features.unknown.count === 0 && pairs.unknown.count === 0;
  const target = sound && common !== undefined ? netTarget(common, tally.records, qemu.oldest) : undefined;
  const { pagePerVq, reason } = decidePagePerVq(tally.doorbells, table);
  const outlook = migrationOf(name, tally, target, qemu, table);
  const capacities = tally.capacity.values.filter((value) => value !== undefined).map(BigInt);
  return {
    class: name,
    hosts: table.sample(tally.hosts.hostsWhere(() => true)),
    devices: tally.records.length,
    features: common === undefined ? null : featureSet(common, name),
    provision: target ? featureSet(target.mask, name) : null,
    queuePairs: net ? (target?.queuePairs ?? pairs.value ?? null) : null,
    queues: net ? null : (queues.value ?? null),
    ringSize: ring.value ?? null,
    mtu: target?.mtu ?? null,
    capacity: capacities.length === 0 ? null : `0x${capacities.reduce((a, b) => (a < b ? a : b)).toString(16)}`,
    pagePerVq: net && pagePerVq,
    pagePerVqReason: net
      ? reason
      : 'off: the guest of a block device is served by vhost-vdpa-device-pci or by QEMU itself',
    migration: outlook.verdict,
    migrationReasons: outlook.reasons,
    limits: [
      ...features.limits,
      ...(net ? pairs.limits : queues.limits),
      ...ring.limits,
      ...(net ? mtuLimits(tally, target, table) : []),
    ],
    provisioning: target ? provisioning(path, tally, target, table, findings) : [],
  };
}

function mtuLimits(tally: ClassTally, target: NetTarget | undefined, table: HostTable): Limit[] {
  const known = tally.mtu.values.filter((value) => typeof value === 'number');
  const best = known.length === 0 ? null : Math.max(...known);
  const value = target?.mtu ?? null;
  if (best === null || value === best) return [];
  const hosts = table.sample(tally.mtu.hostsWhere((mtu) => mtu === null || (value !== null && mtu === value)));
  if (hosts.count === 0) return [];
  const what = value === null ? 'no mtu can be offered' : `mtu is ${value}`;
  return [
    {
      property: 'mtu',
      value,
      best,
      hosts,
      message: `${what} because of ${hostsText(hosts)}; others have up to ${best}`,
    },
  ];
}

function provisioning(
  path: string,
  tally: ClassTally,
  target: NetTarget,
  table: HostTable,
  findings: BaselineFindings,
): ClassBaseline['provisioning'] {
  const unable = new Map<string, number[]>();
  const rows = tally.records.flatMap((record) => {
    const { command, unable: missing } = provisioningOf(record, target);
    for (const attribute of missing) addTo(unable, attribute, record.host);
    return command === undefined ? [] : [{ host: table.nameOf(record.host), device: record.name, command }];
  });
  for (const [attribute, hosts] of unable) {
    findings.add(
      'baseline.cannot-provision',
      // what the guest loses without, the verdict says; a host often has other means to set a MAC
      attribute === 'mtu' || attribute === 'mac' ? 'warning' : 'error',
      path,
      `${attribute} of a device cannot be set on ${hostsText(table.sample(hosts))}: its parent driver takes no such attribute, or is not known`,
      'provision it by the means of its vendor, or leave the host out',
    );
  }
  return rows;
}

function addTo(lists: Map<string, number[]>, key: string, value: number): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

import { isKnown } from '../model/fact.ts';
import type { GuestAbi } from '../model/generated/guest-abi.ts';
import { hasFeature } from '../model/virtio-features.ts';
import { classOf, queuePairsOf } from '../doorbell/virtqueue-role.ts';
import type { CompleteInterface } from '../spec/defaults.ts';
import type { PlanFindings } from './findings.ts';
import type { HostDevice } from './host.ts';
import { decidePagePerVq } from './page-per-vq.ts';
import { provisionCommand } from './provision.ts';
import { largestRingOffered, offersLargestRings, refusesLargerRings } from './rings.ts';

type GuestInterface = GuestAbi['interfaces'][number];

/** The net device of each host, at least one. */
type NetDevices = readonly [HostDevice, ...HostDevice[]];

/** Plans one virtio-net-pci device over all hosts: what the guest sees must be what every device really has. */
export function planInterface(
  spec: CompleteInterface,
  path: string,
  rootPort: number,
  devices: readonly HostDevice[],
  findings: PlanFindings,
): GuestInterface | undefined {
  const [first, ...rest] = devices.filter((device) => isNet(device, path, findings));
  if (!first || 1 + rest.length < devices.length) return undefined;
  const nets: NetDevices = [first, ...rest];
  const queuePairs = agreeOnQueuePairs(spec, path, nets, findings);
  const mac = agreeOnMac(spec, path, nets, findings);
  checkVirtqueueCount(path, nets, findings);
  checkMtu(spec, path, nets, findings);
  checkRingSizes(spec, path, nets, findings);
  checkOfferedRings(path, nets, findings);
  checkPacked(spec, path, nets, findings);
  const pagePerVq = decidePagePerVq(spec.hostNotifier, path, nets, 'netdev', findings);
  if (queuePairs === undefined || mac === undefined) return undefined;
  return {
    id: spec.id,
    rootPort,
    mac,
    queuePairs,
    mq: queuePairs > 1,
    // one per virtqueue of each pair, one for the control virtqueue, one for config changes; libvirt computes the same
    vectors: 2 * queuePairs + 2,
    pagePerVq,
    iommuPlatform: true,
    packed: spec.packed,
    rxQueueSize: spec.rxQueueSize,
    txQueueSize: spec.txQueueSize,
    mtu: spec.mtu,
    optionRom: spec.optionRom,
    bootIndex: spec.bootIndex,
  };
}

function isNet({ host, device }: HostDevice, path: string, findings: PlanFindings): boolean {
  const found = classOf(device);
  if (found === 'net') return true;
  const place = `${path}/vdpa`;
  if (found === 'unknown') {
    const why = isKnown(device.identity.virtioId) ? '' : `: ${device.identity.virtioId.detail}`;
    findings.error(
      'plan.device-class-unknown',
      place,
      `what vDPA device ${device.name} on host ${host.name} is could not be read${why}`,
    );
  } else {
    findings.error(
      'plan.device-class',
      place,
      `an interface needs a net device, but ${device.name} on host ${host.name} is a ${found} device`,
      found === 'block' ? 'list it under disks' : 'list it under vdpaDevices',
    );
  }
  return false;
}

/** QEMU takes the number of queue pairs from the device, whatever `queues=` says (net/vhost-vdpa.c: net_init_vhost_vdpa()). */
function agreeOnQueuePairs(
  spec: CompleteInterface,
  path: string,
  nets: NetDevices,
  findings: PlanFindings,
): number | undefined {
  const place = `${path}/queuePairs`;
  const wanted = spec.queuePairs ?? queuePairsOf(nets[0].device);
  if (wanted === undefined) {
    findings.error('plan.queue-pairs-unknown', place, `the queue pairs of ${labelOf(nets[0])} could not be read`);
    return undefined;
  }
  for (const net of nets) {
    const pairs = queuePairsOf(net.device);
    if (pairs === wanted) continue;
    const found = pairs === undefined ? 'an unknown number of' : String(pairs);
    const said = spec.queuePairs === null ? `${labelOf(nets[0])} has ${wanted}` : `the spec says ${wanted}`;
    findings.error(
      'plan.queue-pairs-differ',
      place,
      `${said}, but ${labelOf(net)} has ${found} queue pairs, and QEMU takes what the device has`,
      provisionCommand(net.device, { maxVqp: wanted }),
    );
  }
  return wanted;
}

/** The guest reads the device's own MAC (hw/net/virtio-net.c: virtio_net_get_config()), unless it is all zeros. */
function agreeOnMac(
  spec: CompleteInterface,
  path: string,
  nets: NetDevices,
  findings: PlanFindings,
): string | undefined {
  const place = `${path}/mac`;
  const macs = nets.map((net) => ({ net, mac: macOf(net) }));
  const wanted = spec.mac ?? macs.find(({ mac }) => mac !== undefined)?.mac;
  if (wanted === undefined) {
    findings.error('plan.mac-unknown', place, `no MAC address is given, and ${labelOf(nets[0])} has none of its own`);
    return undefined;
  }
  for (const { net, mac } of macs) {
    if (mac === undefined || mac === wanted) continue;
    findings.error(
      'plan.mac-differs',
      place,
      `${spec.mac === null ? 'another host' : 'the spec'} has MAC ${wanted}, but ${labelOf(net)} has ${mac}, and the guest would see that`,
      provisionCommand(net.device, { mac: wanted }),
    );
  }
  return wanted;
}

function macOf({ device }: HostDevice): string | undefined {
  const { config } = device.identity;
  if (!isKnown(config) || config.class !== 'net' || config.mac === '00:00:00:00:00:00') return undefined;
  return config.mac;
}

/** QEMU believes max_virtqueue_pairs and asks for virtqueues that are not there: 10.0.13 then dies of a segmentation fault. */
function checkVirtqueueCount(path: string, nets: NetDevices, findings: PlanFindings): void {
  for (const net of nets) {
    const { vqCount } = net.device.identity;
    const pairs = queuePairsOf(net.device);
    if (pairs === undefined || !isKnown(vqCount) || 2 * pairs <= vqCount) continue;
    findings.error(
      'plan.virtqueues-missing',
      `${path}/vdpa`,
      `${labelOf(net)} says it has ${pairs} queue pairs, but it has only ${vqCount} virtqueues: QEMU would crash on it`,
      provisionCommand(net.device, { maxVqp: Math.floor(vqCount / 2) }),
    );
  }
}

/** With VIRTIO_NET_F_MTU offered, the guest reads the device's own MTU. */
function checkMtu(spec: CompleteInterface, path: string, nets: NetDevices, findings: PlanFindings): void {
  if (spec.mtu === null) return;
  for (const net of nets) {
    const { config } = net.device.identity;
    const mtu = isKnown(config) && config.class === 'net' ? config.mtu : undefined;
    if (mtu === spec.mtu) continue;
    findings.error(
      'plan.mtu-differs',
      `${path}/mtu`,
      `the spec says MTU ${spec.mtu}, but ${labelOf(net)} ${mtu === undefined ? 'offers none' : `has ${mtu}`}`,
      provisionCommand(net.device, { mtu: spec.mtu }),
    );
  }
}

function checkRingSizes(spec: CompleteInterface, path: string, nets: NetDevices, findings: PlanFindings): void {
  for (const key of ['rxQueueSize', 'txQueueSize'] as const) {
    for (const net of nets) {
      const { vqSizeMax } = net.device.identity;
      if (!isKnown(vqSizeMax) || spec[key] <= vqSizeMax) continue;
      findings.error(
        'plan.ring-too-large',
        `${path}/${key}`,
        `${key} is ${spec[key]}, but the rings of ${labelOf(net)} have at most ${vqSizeMax} descriptors`,
      );
    }
  }
}

/** What is offered beyond what the device takes: the guest's driver decides, and Linux takes all that it is offered. */
function checkOfferedRings(path: string, nets: NetDevices, findings: PlanFindings): void {
  for (const net of nets) {
    const { host, device } = net;
    const { vqSizeMax } = device.identity;
    const qemu = host.qemu.find(({ capabilities }) => offersLargestRings(capabilities.version));
    if (!qemu || !isKnown(vqSizeMax) || vqSizeMax >= largestRingOffered) continue;
    if (refusesLargerRings(host.report.host) !== true) continue;
    findings.warning(
      'plan.rings-offered-too-large',
      `${path}/vdpa`,
      `QEMU ${qemu.capabilities.version} offers rings of ${largestRingOffered} descriptors whatever their size is set to, and kernel ${host.report.host.kernelRelease} refuses more than the ${vqSizeMax} of ${labelOf(net)}: a guest driver that takes them all has no network`,
      'another QEMU or kernel version; vdpa-qemu verify shows it as verify.vhost-not-started',
    );
  }
}

function checkPacked(spec: CompleteInterface, path: string, nets: NetDevices, findings: PlanFindings): void {
  if (!spec.packed) return;
  for (const net of nets) {
    const { features } = net.device.identity;
    if (!isKnown(features) || hasFeature(features, 'VIRTIO_F_RING_PACKED')) continue;
    findings.error(
      'plan.packed-not-offered',
      `${path}/packed`,
      `packed is true, but ${labelOf(net)} does not offer VIRTIO_F_RING_PACKED`,
    );
  }
}

function labelOf({ host, device }: HostDevice): string {
  return `${device.name} on ${host.name}`;
}

import { asCount, asList, asObject, asText, member, optional } from '../host/qmp-value.ts';
import { unknown, type Fact } from '../model/fact.ts';
import { isRefusal } from './answers.ts';

/** What x-query-virtio-status tells (qapi/virtio.json: VirtioStatus), as far as it counts here. */
export interface VirtioStatus {
  readonly status: Fact<string[]>;
  readonly guestFeatures: Fact<string[]>;
  readonly hostFeatures: Fact<string[]>;
  readonly virtqueues: Fact<number>;
  readonly vhostStarted: Fact<boolean>;
  /** of the first vhost_dev: what it offers */
  readonly vhostFeatures: Fact<string[]>;
}

export function statusUnknown(reason: string, detail: string): VirtioStatus {
  const fact = unknown(reason, detail);
  return {
    status: fact,
    guestFeatures: fact,
    hostFeatures: fact,
    virtqueues: fact,
    vhostStarted: fact,
    vhostFeatures: fact,
  };
}

export function parseStatus(answer: Fact<unknown>): VirtioStatus {
  const what = 'x-query-virtio-status';
  if (isRefusal(answer)) return statusUnknown(answer.unknown, answer.detail);
  const value = asObject(answer, what);
  const words = asObject(member(value, 'status'), `${what}: status`);
  // Only there while QEMU runs the vhost_dev (hw/virtio/virtio-qmp.c: qmp_x_query_virtio_status()).
  const vhost = optional(member(value, 'vhost-dev'), asObject, `${what}: vhost-dev`);
  return {
    status: asList(member(words, 'statuses'), `${what}: statuses`).map((word) =>
      nameIn(word, `${what}: statuses`).replace(/^VIRTIO_CONFIG_S_/, ''),
    ),
    guestFeatures: featuresIn(member(value, 'guest-features'), `${what}: guest-features`),
    hostFeatures: featuresIn(member(value, 'host-features'), `${what}: host-features`),
    virtqueues: asCount(member(value, 'num-vqs'), `${what}: num-vqs`),
    vhostStarted: vhost !== undefined,
    vhostFeatures:
      vhost === undefined
        ? unknown('not-present', 'vhost is not started')
        : featuresIn(member(vhost, 'features'), `${what}: vhost-dev.features`),
  };
}

/** The device_status register (virtio 1.3, 2.1). */
export function statusBits(byte: number): string[] {
  return bits.filter(([bit]) => (byte & bit) !== 0).map(([, name]) => name);
}

const bits = [
  [1, 'ACKNOWLEDGE'],
  [2, 'DRIVER'],
  [4, 'DRIVER_OK'],
  [8, 'FEATURES_OK'],
  [64, 'NEEDS_RESET'],
  [128, 'FAILED'],
] as const;

/** `VIRTIO_NET_F_MAC: Device has given MAC address`; bits without a name stand elsewhere, as a number. */
function featuresIn(value: unknown, what: string): string[] {
  const features = asObject(value, what);
  return ['dev-features', 'transports']
    .flatMap((part) => optional(member(features, part), asList, `${what}.${part}`) ?? [])
    .map((line) => nameIn(line, what))
    .sort();
}

function nameIn(line: unknown, what: string): string {
  return asText(line, what).split(':', 1)[0] ?? '';
}

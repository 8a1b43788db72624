import { isUnknown, unknown, type Fact } from '../model/fact.ts';
import type { FeatureSet, ManagementDevice } from '../model/generated/host-report.ts';
import { bitOf, featureSet, type FeatureVocabulary } from '../model/virtio-features.ts';
import { reportText } from './report-text.ts';
import { VIRTIO_ID_BLOCK, VIRTIO_ID_NET } from './virtio-config.ts';

/**
 * Rows of `vdpa -j` (iproute2/vdpa/vdpa.c: pr_out_mgmtdev_show(), pr_out_dev(), pr_out_dev_net_config(),
 * print_features()). What is absent or of a wrong type is left out. Traps: some keys end with a blank ("link "),
 * feature bits without a name are numbers inside the array of strings, types are `network` and `block` for devices
 * but `net` and `block` for management devices.
 */

/** A row of `vdpa dev show`. */
export interface ToolDevice {
  readonly virtioId?: number;
  readonly managementDevice?: string;
  readonly maxVqs?: number;
  readonly maxVqSize?: number;
}

/** A row of `vdpa dev config show`. */
export interface ToolConfig {
  readonly mac?: string;
  readonly mtu?: number;
  readonly maxVirtqueuePairs?: number;
  /** negotiated by the user of the device; absent while nobody has */
  readonly negotiatedFeatures?: Fact<FeatureSet>;
}

export function managementDeviceOf(name: string, row: object): ManagementDevice {
  const get = reader(row);
  const classes = texts(get('supported_classes'));
  const maxVqs = count(get('max_supported_vqs'));
  const vocabulary: FeatureVocabulary =
    classes?.includes('net') === true ? 'net' : classes?.join() === 'block' ? 'block' : 'other';
  const listed = get('dev_features');
  const features = listed === undefined ? undefined : featuresOf(listed, vocabulary);
  return {
    name: reportText(name),
    ...(classes === undefined ? {} : { supportedClasses: classes }),
    ...(maxVqs === undefined ? {} : { maxSupportedVqs: maxVqs }),
    ...(features === undefined || isUnknown(features) ? {} : { features }),
  };
}

export function deviceRowOf(row: object): ToolDevice {
  const get = reader(row);
  const type = get('type');
  const virtioId = type === 'network' ? VIRTIO_ID_NET : type === 'block' ? VIRTIO_ID_BLOCK : undefined;
  const managementDevice = get('mgmtdev');
  const maxVqs = count(get('max_vqs'));
  const maxVqSize = count(get('max_vq_size'));
  return {
    ...(virtioId === undefined ? {} : { virtioId }),
    ...(typeof managementDevice === 'string' ? { managementDevice: reportText(managementDevice) } : {}),
    ...(maxVqs === undefined ? {} : { maxVqs }),
    ...(maxVqSize === undefined ? {} : { maxVqSize }),
  };
}

export function deviceConfigOf(row: object): ToolConfig {
  const get = reader(row);
  const mac = get('mac');
  const mtu = count(get('mtu'));
  const maxVirtqueuePairs = count(get('max_vq_pairs'));
  const negotiated = get('negotiated_features');
  return {
    ...(typeof mac === 'string' && /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(mac) ? { mac: mac.toLowerCase() } : {}),
    ...(mtu === undefined ? {} : { mtu }),
    ...(maxVirtqueuePairs === undefined ? {} : { maxVirtqueuePairs }),
    // The tool names the bits of network devices only; for others it prints numbers, for which `net` does as well.
    ...(negotiated === undefined ? {} : { negotiatedFeatures: featuresOf(negotiated, 'net') }),
  };
}

/** `["CSUM", "RING_EVENT_IDX", "VERSION_1", 40]` as a feature word. */
export function featuresOf(listed: unknown, vocabulary: FeatureVocabulary): Fact<FeatureSet> {
  if (!Array.isArray(listed)) return unknown('malformed', 'the features are not a list');
  let word = 0n;
  for (const entry of listed as unknown[]) {
    const bit = typeof entry === 'string' ? bitNamed(entry, vocabulary) : entry;
    if (typeof bit !== 'number' || !Number.isInteger(bit) || bit < 0 || bit > 63) {
      return unknown('malformed', `not a feature that is known: ${JSON.stringify(entry).slice(0, 80)}`);
    }
    word |= 1n << BigInt(bit);
  }
  return featureSet(word, vocabulary);
}

/** The tool leaves out the prefixes of the kernel's macros, and prints `bit_40` in its plain output. */
function bitNamed(name: string, vocabulary: FeatureVocabulary): number | undefined {
  const numbered = /^bit_(\d{1,2})$/.exec(name);
  if (numbered) return Number(numbered[1]);
  const ring = name.replace(/^RING_/, 'VIRTIO_RING_F_');
  for (const known of [`VIRTIO_NET_F_${name}`, `VIRTIO_F_${name}`, ring]) {
    const bit = bitOf(vocabulary, known) ?? bitOf('net', known);
    if (bit !== undefined) return bit;
  }
  return undefined;
}

/** Own members only, and with the blanks around the key cut off. */
function reader(row: object): (key: string) => unknown {
  const members = new Map(Object.entries(row).map(([key, value]) => [key.trim(), value as unknown]));
  return (key) => members.get(key);
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function texts(value: unknown): string[] | undefined {
  if (!Array.isArray(value) || value.length > 64) return undefined;
  return value.every((entry) => typeof entry === 'string') ? value.map(reportText) : undefined;
}

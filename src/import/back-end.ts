import { unknown, isUnknown, type Fact } from '../model/fact.ts';
import type { Bound } from './assemble.ts';
import type { Setting } from './device-parts.ts';
import { booleanOf, type Scalar } from './option-values.ts';
import { knownText, OptionReader, optionsBy, textOf, type Option } from './option.ts';

/** What a NIC is bound to: its -netdev. */
export function netBound(device: Option, { netdevs, fdSets, complain }: Setting): Bound {
  const id = knownText(device, 'netdev');
  if (!device.values.has('netdev')) return nothing('none');
  const netdev = id === undefined ? undefined : netdevs.get(id);
  if (!netdev) {
    const why = id === undefined ? 'which netdev it has is not known' : `there is no -netdev with id ${id}`;
    return nothing(unknown('not-present', why));
  }
  const backend = textOf(netdev, 'type') ?? unknown('not-present', 'the netdev has no type');
  if (backend !== 'vhost-vdpa') return { ...nothing(backend), ...tapOf(netdev) };
  const reader = new OptionReader(netdev, complain);
  return {
    backend,
    ...charDeviceOf(netdev, fdSets),
    vdpa: null,
    shadowVirtqueues: reader.boolean('x-svq', false),
  };
}

/** Of a tap: who moves its packets, and whether they have a virtio header (net/tap.c: net_init_tap_one()). */
function tapOf(netdev: Option): Pick<Bound, 'vhost' | 'vnetHeader'> {
  if (knownText(netdev, 'type') !== 'tap') return {};
  const isOn = (name: string): boolean => isTrue(netdev.values.get(name));
  const given = ['vhostfd', 'vhostfds'].some((name) => netdev.values.has(name));
  const told = netdev.values.get('vhost');
  const vhost = told !== undefined && isUnknown(told) ? {} : { vhost: given || isOn('vhost') || isOn('vhostforce') };
  return { ...vhost, ...(netdev.values.has('vnet_hdr') && !isOn('vnet_hdr') ? { vnetHeader: false } : {}) };
}

function isTrue(value: Fact<Scalar> | undefined): boolean {
  return (typeof value === 'string' || typeof value === 'boolean') && booleanOf(value) === true;
}

/** What a vhost-vdpa-device-pci is bound to. */
export function genericBound(device: Option, { fdSets }: Setting): Bound {
  return { backend: 'vhost-vdpa', ...charDeviceOf(device, fdSets), vdpa: null, shadowVirtqueues: false };
}

const vdpaDriver = 'virtio-blk-vhost-vdpa';

/** What a virtio-blk device is bound to: the -blockdev or -drive that it names. */
export function diskBound(device: Option, { blocks, fdSets }: Setting): Bound {
  const node = knownText(device, 'drive');
  const block = node === undefined ? undefined : blocks.get(node);
  if (!block) return nothing(unknown('not-present', 'the block device that it names is not in the configuration'));
  const lowest = lowestOf(block, blocks);
  const name = ['file', 'filename', 'file.filename']
    .map((key) => knownText(lowest, key))
    .find((text) => text?.startsWith('json:'));
  if (name !== undefined) return nothing(unknown('not-supported', 'what a file name in JSON says is not read here'));
  const driver = driverOf(lowest);
  if (driver && isUnknown(driver.value)) return nothing(driver.value);
  if (driver?.value !== vdpaDriver) return nothing(driver?.value ?? 'file');
  return {
    backend: vdpaDriver,
    ...charDeviceOf(lowest, fdSets, `${driver.prefix}path`),
    vdpa: null,
    shadowVirtqueues: false,
  };
}

/** The driver of the innermost node that an option makes: of `driver`, `file.driver`, `file.file.driver` the last. */
function driverOf(block: Option): { readonly value: Fact<string>; readonly prefix: string } | undefined {
  const keys = [...block.values.keys()].filter((key) => /^(?:file\.)*driver$/.test(key));
  const [innermost] = keys.sort((a, b) => b.length - a.length);
  const value = innermost === undefined ? undefined : textOf(block, innermost);
  if (innermost !== undefined && value !== undefined) return { value, prefix: innermost.slice(0, -'driver'.length) };
  // -drive calls it format, too
  return knownText(block, 'format') === vdpaDriver ? { value: vdpaDriver, prefix: '' } : undefined;
}

/** -blockdev by node-name, -drive by id. */
export function blocksOf(options: readonly Option[]): Map<string, Option> {
  return new Map([...optionsBy(options, 'drive', 'id'), ...optionsBy(options, 'blockdev', 'node-name')]);
}

/** The file that a block node is read from. */
export function fileOf(block: Option | undefined, blocks: Setting['blocks']): string | undefined {
  if (!block) return undefined;
  const lowest = lowestOf(block, blocks);
  return ['filename', 'file.filename', 'file'].map((key) => knownText(lowest, key)).find((name) => name !== undefined);
}

/** The block nodes that lie below a device, one upon the other. */
export function nodesOf(device: Option, blocks: Setting['blocks']): Option[] {
  const nodes: Option[] = [];
  let node = blocks.get(knownText(device, 'drive') ?? '');
  for (; node && nodes.length < 64; node = blocks.get(knownText(node, 'file') ?? '')) nodes.push(node);
  return nodes;
}

/** The block node that the others lie upon: `file` names the next one. */
function lowestOf(block: Option, blocks: Setting['blocks'], depth = 0): Option {
  const below = blocks.get(knownText(block, 'file') ?? '');
  return below && depth < 64 ? lowestOf(below, blocks, depth + 1) : block;
}

/** `vhostdev=/dev/vhost-vdpa-0`, `vhostdev=/dev/fdset/0`, `vhostfd=5`: a number says nothing of the device. */
function charDeviceOf(
  option: Option,
  fdSets: Setting['fdSets'],
  name = 'vhostdev',
): Pick<Bound, 'charDevice' | 'descriptor'> {
  const path = textOf(option, name);
  const fd = knownText(option, 'vhostfd');
  if (fd !== undefined) return { charDevice: passed(`file descriptor ${fd}`), descriptor: `fd ${fd}` };
  if (path === undefined) {
    return { charDevice: unknown('not-present', `neither ${name} nor vhostfd is given`), descriptor: null };
  }
  if (isUnknown(path)) return { charDevice: path, descriptor: null };
  const set = /^\/dev\/fdset\/([0-9]+)$/.exec(path)?.[1];
  if (set === undefined) return { charDevice: path, descriptor: null };
  const known = fdSets.get(set);
  return { charDevice: known ?? passed(`fd set ${set}`), descriptor: `fdset ${set}` };
}

function passed(how: string): Fact<string> {
  return unknown('not-present', `QEMU gets it as ${how}, which names no device`);
}

function nothing(backend: Fact<string>): Bound {
  return { backend, charDevice: null, descriptor: null, vdpa: null, shadowVirtqueues: false };
}

import { unknown } from '../model/fact.ts';
import { markOfElements } from './content-mark.ts';
import { commonProperties, optionOf, virtioDriver, virtioOptions } from './libvirt-node.ts';
import { notRead } from './libvirt-not-read.ts';
import { knownText, type Option } from './option.ts';
import { childOf, childrenOf, type XmlNode } from './xml-document.ts';

/** <disk>: -blockdev and -device. */
export function diskOptions(node: XmlNode): Option[] {
  const device = node.attributes.get('device') ?? 'disk';
  const driver = childOf(node, 'driver');
  const image = imageOption(node, driver?.attributes.get('type'));
  if (childOf(node, 'target')?.attributes.get('bus') !== 'virtio' || device !== 'disk')
    return [notRead(node), ...image];
  const get = (name: string): string | undefined => driver?.attributes.get(name);
  const name = `libvirt-disk-${node.place.line ?? 0}-${node.place.column ?? 0}`;
  const model = node.attributes.get('model') ?? 'virtio';
  const cache = get('cache');
  const blockio = childOf(node, 'blockio')?.attributes;
  const unread = ['geometry', 'encryption', 'transient'].flatMap((one) => childOf(node, one) ?? []);
  const vdpa = node.attributes.get('type') === 'vhostvdpa';
  return [
    optionOf(
      'blockdev',
      {
        'node-name': name,
        driver: vdpa ? 'virtio-blk-vhost-vdpa' : (node.attributes.get('type') ?? 'file'),
        path: vdpa ? childOf(node, 'source')?.attributes.get('dev') : undefined,
        'read-only': childOf(node, 'readonly') ? true : undefined,
      },
      node,
    ),
    optionOf(
      'device',
      {
        driver: virtioDriver('virtio-blk', model) ?? unknown('not-supported', `disk model ${model} is not known here`),
        drive: name,
        ...commonProperties(node),
        ...virtioOptions(driver),
        'num-queues': get('queues'),
        'queue-size': get('queue_size'),
        event_idx: get('event_idx'),
        'write-cache':
          cache === undefined || cache === 'default' ? undefined : cache !== 'writethrough' && cache !== 'directsync',
        // libvirt writes a backslash before each blank (qemu_command.c: qemuBuildDiskDeviceProps())
        serial: childOf(node, 'serial')?.content.replaceAll(' ', '\\ '),
        logical_block_size: blockio?.get('logical_block_size'),
        physical_block_size: blockio?.get('physical_block_size'),
        settings:
          unread.length === 0
            ? undefined
            : unknown(
                'not-supported',
                `<${unread.map(({ name: one }) => one).join('>, <')}> is not read here (${markOfElements(unread)})`,
              ),
      },
      node,
    ),
    ...image,
  ];
}

/** What the image is: a block node that no device names here. */
function imageOption(node: XmlNode, format: string | undefined): Option[] {
  if (format === undefined || childOf(node, 'source') === undefined) return [];
  const source = childOf(node, 'source')?.attributes;
  const properties = {
    driver: format,
    'file.filename': source?.get('file') ?? source?.get('dev') ?? '',
    snapshot: childOf(node, 'transient') ? true : undefined,
  };
  return [optionOf('blockdev', properties, node)];
}

/**
 * The boot order of <os><boot dev='hd'/>: the first device of each kind gets the number of its place
 * (qemu_command.c: qemuBuildDisksCommandLine(), qemuBuildNetCommandLine()). Without any boot element libvirt boots from
 * the first disk (qemu_postparse.c).
 */
export function bootFromOs(
  os: XmlNode | undefined,
  devices: XmlNode | undefined,
  options: readonly Option[],
): Option[] {
  const own = devices?.children.some((device) => childOf(device, 'boot')) ?? false;
  if (own) return [...options];
  const given = childrenOf(os, 'boot').map((boot) => boot.attributes.get('dev'));
  const order = given.length === 0 ? ['hd'] : given;
  const wanted = new Map<Option, number>();
  for (const [index, kind] of order.entries()) {
    const driver = kind === 'hd' ? /^virtio-blk/ : kind === 'network' ? /^virtio-net/ : undefined;
    const first = options.find((option) => option.name === 'device' && driver?.test(knownText(option, 'driver') ?? ''));
    if (first && !wanted.has(first)) wanted.set(first, index + 1);
  }
  return options.map((option) => {
    const bootindex = wanted.get(option);
    return bootindex === undefined
      ? option
      : { ...option, values: new Map([...option.values, ['bootindex', bootindex]]) };
  });
}

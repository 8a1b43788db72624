import { isKnown, isUnknown } from '../model/fact.ts';
import type { GuestConfiguration } from '../model/generated/guest-configuration.ts';
import { diskBound, netBound, nodesOf } from './back-end.ts';
import type { Setting } from './device-parts.ts';
import { knownText, type Option } from './option.ts';

type OtherBackEnd = NonNullable<GuestConfiguration['binding']['otherBackEnds']>[number];

/**
 * Back ends over vDPA, or that may be, whose devices are not read as such: a virtio-net-device, a SCSI disk, or none that
 * is here. Any other NIC than virtio-net is refused over vhost-vdpa (net/vhost-vdpa.c: vhost_vdpa_check_peer_type()).
 * @param devices that are read as interfaces, disks and vdpaDevices
 * @param others all other devices
 * @param isWhole false: a running VM's, whose back ends are those of its devices alone
 */
export function otherBackEndsOf(
  devices: readonly Option[],
  others: readonly Option[],
  options: readonly Option[],
  setting: Setting,
  isWhole: boolean,
): OtherBackEnd[] {
  const ofDevices = others.flatMap((device): OtherBackEnd[] => {
    const driver = knownText(device, 'driver');
    const net = device.values.has('netdev') && (driver === undefined || driver.startsWith('virtio-net'));
    const bound = net ? netBound(device, setting) : device.values.has('drive') ? diskBound(device, setting) : undefined;
    if (!bound || !(isUnknown(bound.backend) || bound.backend.includes('vhost-vdpa'))) return [];
    return [{ id: knownText(device, 'id') ?? null, device: driver ?? null, backend: bound.backend }];
  });
  if (!isWhole) return ofDevices;
  const all = [...devices, ...others];
  const used = new Set(all.map((device) => knownText(device, 'netdev')));
  const reached = new Set(all.flatMap((device) => nodesOf(device, setting.blocks)));
  const free = options.filter((option) => {
    if (option.name === 'netdev')
      return knownText(option, 'type') === 'vhost-vdpa' && !used.has(knownText(option, 'id'));
    if (option.name !== 'blockdev' && option.name !== 'drive') return false;
    return !reached.has(option) && [...option.values.values()].some((value) => isVdpaNode(value));
  });
  const unused = free.map((option) => ({
    id: knownText(option, option.name === 'blockdev' ? 'node-name' : 'id') ?? null,
    device: null,
    backend: option.name === 'netdev' ? 'vhost-vdpa' : 'virtio-blk-vhost-vdpa',
  }));
  return [...ofDevices, ...unused];
}

/** By its driver, or in a name such as `json:{"driver":"virtio-blk-vhost-vdpa",..}`. */
function isVdpaNode(value: unknown): boolean {
  return isKnown(value as string) && String(value).includes('virtio-blk-vhost-vdpa');
}

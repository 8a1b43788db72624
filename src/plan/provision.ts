import { isKnown } from '../model/fact.ts';
import type { VdpaDevice } from '../model/generated/host-report.ts';

/** The commands that make a vDPA device what a plan needs. */
export function provisionCommand(device: VdpaDevice, wanted: { maxVqp?: number; mac?: string; mtu?: number }): string {
  const management = isKnown(device.managementDevice) ? device.managementDevice : 'MGMTDEV';
  const { config } = device.identity;
  const has = isKnown(config) && config.class === 'net' ? config : undefined;
  const mac = wanted.mac ?? has?.mac;
  const mtu = wanted.mtu ?? has?.mtu;
  const maxVqp = wanted.maxVqp ?? (has?.maxVirtqueuePairs === 1 ? undefined : has?.maxVirtqueuePairs);
  const options = [
    ...(mac === undefined ? [] : ['mac', mac]),
    ...(mtu === undefined ? [] : ['mtu', String(mtu)]),
    ...(maxVqp === undefined ? [] : ['max_vqp', String(maxVqp)]),
  ];
  return `vdpa dev del ${device.name}; vdpa dev add name ${device.name} mgmtdev ${management} ${options.join(' ')}`;
}

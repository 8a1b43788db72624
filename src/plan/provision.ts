import { isKnown } from '../model/fact.ts';
import type { VdpaDevice } from '../model/generated/host-report.ts';
import { parentDriverOf } from '../doorbell/parent-driver.ts';
import { knowledgeOf } from '../doorbell/parents.ts';

/**
 * How to make a vDPA device what a plan needs: the commands, or, where the parent refuses the attribute at `vdpa dev
 * add` (drivers/vdpa/vdpa.c: vdpa_nl_cmd_dev_add_set_doit() checks config_attr_mask), a sentence that says so. Of a
 * parent that is not in our table each attribute is taken to be accepted.
 */
export function provisionCommand(device: VdpaDevice, wanted: { maxVqp?: number; mac?: string; mtu?: number }): string {
  const parent = knowledgeOf(parentDriverOf(device));
  const takes = (attribute: 'mac' | 'mtu' | 'max_vqp'): boolean => parent?.accepts?.includes(attribute) ?? true;
  const refused = [
    ...(wanted.mac === undefined || takes('mac') ? [] : ['mac']),
    ...(wanted.mtu === undefined || takes('mtu') ? [] : ['mtu']),
    ...(wanted.maxVqp === undefined || takes('max_vqp') ? [] : ['max_vqp']),
  ];
  if (parent && refused.length > 0) {
    return `\`vdpa dev add\` takes no ${refused.join(' and no ')} for parent driver ${parent.driver}: set it where the parent device itself is made, or take what ${device.name} has into the spec`;
  }
  const management = isKnown(device.managementDevice) ? device.managementDevice : 'MGMTDEV';
  const { config } = device.identity;
  const has = isKnown(config) && config.class === 'net' ? config : undefined;
  const mac = wanted.mac ?? has?.mac;
  const mtu = wanted.mtu ?? has?.mtu;
  const maxVqp = wanted.maxVqp ?? (has?.maxVirtqueuePairs === 1 ? undefined : has?.maxVirtqueuePairs);
  const options = [
    ...(mac === undefined || !takes('mac') ? [] : ['mac', mac]),
    ...(mtu === undefined || !takes('mtu') ? [] : ['mtu', String(mtu)]),
    ...(maxVqp === undefined || !takes('max_vqp') ? [] : ['max_vqp', String(maxVqp)]),
  ];
  return `vdpa dev del ${device.name}; vdpa dev add name ${device.name} mgmtdev ${management} ${options.join(' ')}`;
}

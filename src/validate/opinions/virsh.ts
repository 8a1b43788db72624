import { defineWithVirsh } from '../../host/virsh-define.ts';
import { isUnknown } from '../../model/fact.ts';
import type { Opinion } from '../opinion.ts';
import { asDomain } from './as-domain.ts';
import { notAsked, said } from './finding.ts';

const name = 'virsh';

/**
 * `virsh define --validate` against libvirt's test driver: schema and parser, but not the checks of libvirt's QEMU
 * driver (an MTU on vDPA passes). Nothing is defined anywhere.
 */
export const virshOpinion: Opinion = {
  name,
  check: async (document, signal) => {
    const xml = asDomain(document);
    if (xml === undefined) return [];
    const lines = await defineWithVirsh(xml, signal);
    if (isUnknown(lines)) return [notAsked(name, lines)];
    return lines.length === 0 ? [] : [said('opinion.virsh', `virsh define --validate refuses it: ${lines.join('; ')}`)];
  },
};

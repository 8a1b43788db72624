import { validateWithRelaxNg } from '../../host/relax-ng.ts';
import { isUnknown } from '../../model/fact.ts';
import { VdpaQemuError } from '../../model/error.ts';
import type { Opinion } from '../opinion.ts';
import { asDomain } from './as-domain.ts';
import { atLine, notAsked, said } from './finding.ts';

/** Where every distribution has libvirt's schemas (libvirt meson.build: pkgdatadir/schemas). */
export const libvirtSchemas = '/usr/share/libvirt/schemas';

const name = 'libvirt RELAX NG';

/**
 * The schema that is installed with libvirt, checked in this process. It says less than libvirt's parser (it takes any
 * path and any model), and names only the element around the one that is wrong.
 */
export function libvirtSchemaOpinion(folder: string = libvirtSchemas): Opinion {
  return {
    name,
    check: async (document) => {
      const xml = asDomain(document);
      if (xml === undefined) return [];
      const breaches = await validateWithRelaxNg(xml, `${folder}/domain.rng`).catch((thrown: unknown) => {
        if (thrown instanceof VdpaQemuError) return { unknown: thrown.code, detail: thrown.message };
        throw thrown;
      });
      if (isUnknown(breaches)) return [notAsked(name, breaches)];
      const [last] = breaches.filter(({ line }) => line !== undefined).slice(-1);
      if (breaches.length === 0) return [];
      const lines = breaches.map(({ message }) => message).join('; ');
      return [
        said('opinion.libvirt-schema', `the schema of the libvirt that is installed does not take it: ${lines}`, {
          path: last?.xpath ?? '',
          ...atLine(document, last?.line),
        }),
      ];
    },
  };
}

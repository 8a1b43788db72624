import { findQemuBinaries } from '../../host/qemu-binary.ts';
import { askQemuVocabulary, type QemuVocabulary } from '../../host/qemu-vocabulary.ts';
import { knownText, type Option } from '../../import/option.ts';
import { VdpaQemuError } from '../../model/error.ts';
import { unknown } from '../../model/fact.ts';
import type { Finding } from '../../model/finding.ts';
import type { Opinion } from '../opinion.ts';
import { notAsked, said } from './finding.ts';
import { valueProblem } from './qemu-value.ts';

const name = 'QEMU';
/** More kinds of devices than one machine has. */
const maxTypes = 64;

/** Read by -device and -netdev themselves (system/qdev-monitor.c: qdev_device_add_from_qdict(); qapi/net.json: Netdev). */
const ofDevice = new Set(['driver', 'id', 'bus']);
const ofNetdev = new Set(['type', 'id']);

/**
 * The QEMU that is installed, asked which devices, properties and network back ends it has. The program that a document
 * names is never started: only QEMUs in PATH, or those given, are.
 * @param candidates paths of QEMU binaries to look at instead of those in PATH; the first of the document's architecture
 */
export function qemuOpinion(candidates?: readonly string[]): Opinion {
  return {
    name,
    check: async ({ commandLine, configuration }, signal) => {
      const options = (commandLine?.options ?? []).filter(({ name }) => name === 'device' || name === 'netdev');
      if (options.length === 0) return [];
      const architecture = configuration?.guest.architecture;
      if (typeof architecture !== 'string') {
        return [notAsked(name, unknown('not-present', 'the document does not tell the architecture'))];
      }
      const [binary] = await findQemuBinaries({ architecture, candidates });
      if (binary === undefined) return [notAsked(name, unknown('no-tool', `no QEMU for ${architecture} is installed`))];
      try {
        const known = await askQemuVocabulary(binary, typesOf(options, 'device'), typesOf(options, 'netdev'), {
          signal,
        });
        return options.flatMap((option) => problemsOf(option, known));
      } catch (thrown) {
        if (!(thrown instanceof VdpaQemuError)) throw thrown;
        return [notAsked(name, unknown(thrown.code, thrown.message))];
      }
    },
  };
}

/** The word behind -device or -netdev that tells the kind. */
function typeOf(option: Option): string | undefined {
  return knownText(option, option.name === 'device' ? 'driver' : 'type');
}

function typesOf(options: readonly Option[], name: string): string[] {
  const types = options.filter((option) => option.name === name).flatMap((option) => typeOf(option) ?? []);
  return [...new Set(types)].filter((type) => /^[A-Za-z0-9_.,+-]{1,100}$/.test(type)).slice(0, maxTypes);
}

function problemsOf(option: Option, { version, devices, netdevs }: QemuVocabulary): Finding[] {
  const type = typeOf(option);
  if (type === undefined) return [];
  const isDevice = option.name === 'device';
  const properties = (isDevice ? devices : netdevs).get(type);
  if (properties === undefined) return [];
  const at = placeOf(option);
  const who = `QEMU ${version}`;
  if (properties === null) return [said('opinion.qemu-type', `${who} has no -${option.name} ${type}`, at)];
  const own = isDevice ? ofDevice : ofNetdev;
  return [...option.values].flatMap(([property, value]) => {
    // arrays (`foo.0`, `foo[0]`) and nested objects are not in these lists
    if (own.has(property) || /[.[]/.test(property)) return [];
    const wanted = properties.get(property);
    if (wanted === undefined) {
      return [said('opinion.qemu-property', `-${option.name} ${type} of ${who} has no property ${property}`, at)];
    }
    const problem = valueProblem(property, value, wanted, option.text.startsWith('{'));
    return problem === undefined ? [] : [said('opinion.qemu-value', `${who} takes for ${type}.${problem}`, at)];
  });
}

/** A path of a command line is the index of its word. */
function placeOf({ place }: Option): { path: string } {
  return { path: place.word === undefined ? '' : `/${place.word - 1}` };
}

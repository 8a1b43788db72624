import { deviceTypeOf } from '../model/device-type.ts';
import { askQemuBinary, type QemuWait } from './qemu-binary.ts';
import { valueOf, type QmpCommand, type QmpOutcome } from './qmp-batch.ts';
import { QmpSchema } from './qmp-schema.ts';
import { asCount, asList, asObject, asText, member } from './qmp-value.ts';

/** What a QEMU binary knows of some devices and back ends. */
export interface QemuVocabulary {
  /** 10.0.2 */
  readonly version: string;
  /** device type -> property -> type (`bool`, `uint16`, `str` ..); null: this QEMU has no such device */
  readonly devices: ReadonlyMap<string, ReadonlyMap<string, string> | null>;
  /** -netdev type -> option -> JSON type (`string`, `int`, `boolean` ..); null: this QEMU has no such back end */
  readonly netdevs: ReadonlyMap<string, ReadonlyMap<string, string> | null>;
}

/**
 * Asks a QEMU binary for the properties of devices (device-list-properties) and the options of network back ends
 * (query-qmp-schema: the argument of netdev_add), by starting it without a machine.
 * @param deviceTypes as they stand behind -device
 * @throws VdpaQemuError as askQemuBinary()
 */
export async function askQemuVocabulary(
  binary: string,
  deviceTypes: readonly string[],
  netdevTypes: readonly string[],
  wait: QemuWait = {},
): Promise<QemuVocabulary> {
  const names = deviceTypes.map((name) => deviceTypeOf(name));
  const questions: readonly QmpCommand[] = [
    { execute: 'query-version' },
    { execute: 'query-qmp-schema' },
    ...names.map((typename) => ({ execute: 'device-list-properties', arguments: { typename } })),
  ];
  const read = ([version, schema, ...devices]: readonly QmpOutcome[]): QemuVocabulary => {
    const qapi = new QmpSchema(valueOf(schema));
    return {
      version: versionOf(valueOf(version)),
      devices: new Map(deviceTypes.map((name, index) => [name, propertiesOf(devices[index])])),
      netdevs: new Map(netdevTypes.map((type) => [type, qapi.branchMemberTypes('netdev_add', type) ?? null])),
    };
  };
  return await askQemuBinary(binary, async (ask) => read(await ask(questions)), wait);
}

function versionOf(value: unknown): string {
  const qemu = asObject(member(asObject(value, 'query-version'), 'qemu'), 'query-version: qemu');
  return ['major', 'minor', 'micro'].map((part) => asCount(member(qemu, part), `query-version: ${part}`)).join('.');
}

/** Refused: not found, abstract, or no device at all. */
function propertiesOf(outcome: QmpOutcome | undefined): ReadonlyMap<string, string> | null {
  if (outcome?.ok !== true) return null;
  return new Map(
    asList(outcome.value, 'device-list-properties').map((entry) => {
      const property = asObject(entry, 'device-list-properties: a property');
      return [asText(member(property, 'name'), 'name'), asText(member(property, 'type'), 'type')] as const;
    }),
  );
}

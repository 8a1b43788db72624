import { deviceTypeOf } from '../model/device-type.ts';
import { knownText, type Complaint, type Option } from './option.ts';
import { MalformedOption, parseOptionValues, type OptionValues, type Scalar } from './option-values.ts';

/**
 * Applies `-set group.id.property=value` to the option that it names (system/vl.c: qemu_parse_config_group(),
 * qemu_set_option()). JSON options are in no list that -set looks through: QEMU then says that there is no such device.
 */
export function withSettings(options: readonly Option[], complain: (complaint: Complaint) => void): Option[] {
  const changed = options.filter(({ name }) => name !== 'set');
  const settings = options.filter(({ name }) => name === 'set');
  if (settings.length === 0) return changed;
  const places = new Map<string, number>();
  for (const [at, option] of changed.entries()) {
    const id = option.text.startsWith('{') ? undefined : knownText(option, 'id');
    const key = `${option.name}.${id ?? ''}`;
    if (id !== undefined && !places.has(key)) places.set(key, at);
  }
  for (const { text, place } of settings) {
    const [, group, id, property = '', value = ''] = /^([a-z-]+)\.([^.=]+)\.([A-Za-z0-9_.-]+)=(.*)$/s.exec(text) ?? [];
    const at = places.get(`${group ?? ''}.${id ?? ''}`);
    const found = at === undefined ? undefined : changed[at];
    if (at === undefined || !found) {
      const message = `-set ${text.slice(0, 100)}: there is nothing of that id that -set can change (JSON options are none)`;
      complain({ code: 'import.set-nothing', severity: 'error', message, place });
      continue;
    }
    changed[at] = { ...found, values: new Map([...found.values, [property, value]]) };
  }
  return changed;
}

/**
 * Gives devices the properties that `-global driver.property=value` sets for their driver or for what it is made of,
 * where the device does not have them written out (qom/object.c: object_apply_global_props()).
 */
export function withGlobals(options: readonly Option[]): Option[] {
  const globals = options.filter(({ name }) => name === 'global').flatMap(({ text }) => globalOf(text) ?? []);
  if (globals.length === 0) return [...options];
  return options.map((option) => {
    if (option.name !== 'device') return option;
    const types = typesOf(knownText(option, 'driver') ?? '');
    const given = globals
      .filter(({ driver }) => types.has(driver))
      .map(({ property, value }) => [property, value] as const);
    return given.length === 0 ? option : { ...option, values: new Map([...given, ...option.values]) };
  });
}

function globalOf(text: string): { driver: string; property: string; value: Scalar } | undefined {
  const [, driver, property, value] = /^([^.=,]+)\.([^=]+)=(.*)$/s.exec(shortGlobal(text)) ?? [];
  return driver === undefined || property === undefined || value === undefined
    ? undefined
    : { driver, property, value };
}

/** `driver.property=value` for driver=..,property=..,value=.. in any order (system/vl.c: qemu_global_option()). */
export function shortGlobal(text: string): string {
  if (!/^(?:driver|property|value)=/.test(text)) return text;
  const values = longGlobal(text);
  const [driver, property, value] = ['driver', 'property', 'value'].map((key) => {
    const given = values.get(key);
    return typeof given === 'string' ? given : undefined;
  });
  if (driver === undefined || property === undefined || value === undefined || values.size > 3) return text;
  return /^[^.=,]+$/.test(driver) && /^[^=]+$/.test(property) ? `${driver}.${property}=${value}` : text;
}

function longGlobal(text: string): OptionValues {
  try {
    return parseOptionValues(text, undefined);
  } catch (thrown) {
    if (thrown instanceof MalformedOption) return new Map();
    throw thrown;
  }
}

/** The types of a device that is read here: its own, those it is derived from, and the virtio device inside of it. */
function typesOf(given: string): ReadonlySet<string> {
  const driver = deviceTypeOf(given);
  const virtio = /^(virtio-[a-z]+|vhost-vdpa-device)-pci/.exec(driver)?.[1];
  if (virtio === undefined) return new Set([driver, `${driver}-base`]);
  const inner = virtio === 'vhost-vdpa-device' ? virtio : `${virtio}-device`;
  return new Set([
    driver,
    `${virtio}-pci`,
    `${virtio}-pci-base`,
    inner,
    'virtio-pci',
    'virtio-device',
    'pci-device',
    'device',
  ]);
}

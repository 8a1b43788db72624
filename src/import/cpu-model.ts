import { booleanOf, integerOf } from './option-values.ts';

/**
 * Other names of CPU features, with `_` and `.` as `-` (target/i386/cpu.c: x86_cpu_initfn()); of the others, spelling
 * alone differs. The same from QEMU 7.2 to 10.1.
 */
const otherNames: ReadonlyMap<string, string> = new Map([
  ['ffxsr', 'fxsr-opt'],
  ['hv-apicv', 'hv-avic'],
  ['i64', 'lm'],
  ['pclmuldq', 'pclmulqdq'],
  ['sse3', 'pni'],
  ['xd', 'nx'],
]);

/** Switches whose value is a text: `on` is not `yes` there. */
const texts: ReadonlySet<string> = new Set(['hv-vendor-id', 'model-id', 'vendor']);

/**
 * A -cpu argument in one form: model, then its switches sorted by name. The last `x=` counts, above those are all `+x`,
 * and above those all `-x`, in whatever order they stand (target/i386/cpu.c: x86_cpu_parse_featurestr() makes global
 * properties of the first, x86_cpu_expand_features() sets the others; on Arm there are no others). migratable=on is the
 * default. `qemu64-v1` is kept apart from qemu64: it is another type, which compat properties of old machine types do
 * not name.
 */
export function cpuModelOf(text: string): string {
  const [model = '', ...switches] = text.split(',');
  const [given, plus, minus] = [new Map<string, string>(), new Map<string, string>(), new Map<string, string>()];
  // strtok() passes over empty ones
  for (const one of switches.filter((word) => word !== '')) {
    if (one.startsWith('+')) plus.set(nameOf(one.slice(1)), 'on');
    else if (one.startsWith('-')) minus.set(nameOf(one.slice(1)), 'off');
    else {
      const [name, value] = splitOnce(one);
      given.set(nameOf(name), valueOf(nameOf(name), value));
    }
  }
  const features = new Map([...given, ...plus, ...minus]);
  if (features.get('migratable') === 'on') features.delete('migratable');
  const sorted = [...features].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => `${name}=${value}`);
  return [model, ...sorted].join(',');
}

/** `_` and `.` are `-` (feat2prop(), x86_cpu_register_feature_bit_props()). */
function nameOf(given: string): string {
  const name = given.replaceAll(/[_.]/g, '-');
  return otherNames.get(name) ?? name;
}

function splitOnce(text: string): [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text, 'on'] : [text.slice(0, at), text.slice(at + 1)];
}

/** `yes` is on, `0x10` is 16. */
function valueOf(name: string, value: string): string {
  if (texts.has(name)) return value;
  const word = booleanOf(value);
  if (word !== undefined) return word ? 'on' : 'off';
  return String(integerOf(value) ?? value);
}

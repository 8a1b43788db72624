/** A QEMU option value made of key=value parts; `undefined` parts are left out. */
export type OptionParts = Readonly<Record<string, string | number | boolean | null | undefined>>;

/**
 * Writes `first,key=value,key=value` in the given order. The one place where QEMU options are escaped: a comma in a
 * value is doubled (util/keyval.c, util/qemu-option.c: get_opt_value()); true and false become on and off; null gives
 * `key=`, an empty value.
 */
export function renderOption(first: string, parts: OptionParts): string {
  let text = escapeValue(first);
  for (const key in parts) {
    const value = parts[key];
    if (value === undefined) continue;
    text += `${text === '' ? '' : ','}${key}=${value === null ? '' : escapeValue(textOf(value))}`;
  }
  return text;
}

function textOf(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return String(value);
}

function escapeValue(value: string): string {
  return value.replaceAll(',', ',,');
}

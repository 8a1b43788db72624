/** A CPU model of the guest in its parts. */
export interface CpuChoice {
  readonly name: string;
  /** name, with `-` between its words -> value */
  readonly switches: ReadonlyMap<string, string>;
}

/** The parts of `host,invtsc=on`, as a GuestConfiguration has it. */
export function cpuModelAndSwitches(model: string): CpuChoice {
  const [name = '', ...rest] = model.split(',');
  const switches = rest.map((one): [string, string] => {
    const at = one.indexOf('=');
    return at < 0 ? [one, 'on'] : [one.slice(0, at), one.slice(at + 1)];
  });
  return { name, switches: new Map(switches) };
}

/** The words that QEMU takes for on (qapi/string-input-visitor.c: parse_type_bool()). */
export function isOn(value: string | undefined): boolean {
  return value !== undefined && /^(on|yes|true|y)$/.test(value);
}

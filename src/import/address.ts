/**
 * One step of a PCI path: `slot.function`, two hex digits and one.
 * @param slot 0 to 31
 * @param fn 0 to 7
 */
export function pciStep(slot: number, fn: number): string {
  return `${slot.toString(16).padStart(2, '0')}.${fn.toString(16)}`;
}

/** The path of a device behind another: `02.0` and `00.0` give `02.0/00.0`. */
export function behind(bridge: string, step: string): string {
  return `${bridge}/${step}`;
}

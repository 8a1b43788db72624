import { boundTo } from '../model/bound-to.ts';
import { printable } from '../model/fact.ts';
import type { GuestConfiguration } from '../model/generated/guest-configuration.ts';
import validateGuestConfiguration from '../model/generated/guest-configuration.validate.js';
import type { VmPlan } from '../model/generated/vm-plan.ts';
import validatePlan from '../model/generated/vm-plan.validate.js';
import { parseJson } from '../model/parse-json.ts';
import { fieldOf } from '../model/pointer.ts';
import { digestOf, undeterminedIn } from './digest.ts';
import { maxDevices, refuseMore } from './limits.ts';

/** The first breach of a schema. */
export interface Breach {
  /** JSON pointer of the value that is wrong */
  readonly path: string;
  readonly message: string;
}

/** A document of our own, or why it is none. */
export type Read<T> = { readonly value: T; readonly breach?: never } | { readonly breach: Breach };

/**
 * Reads what `gen --format plan` writes.
 * @throws VdpaQemuError bad-input where the text is no JSON, or the plan binds nothing to one of its devices
 */
export function readPlanJson(text: string, label: string): Read<VmPlan> {
  const read = checked<VmPlan>(text, label, validatePlan, 'VmPlan');
  if (!read.breach) refuseUnbound(read.value, label);
  return read;
}

function refuseUnbound({ guestAbi, binding }: VmPlan, label: string): void {
  for (const key of ['interfaces', 'disks', 'vdpaDevices'] as const) {
    for (const { id } of guestAbi[key]) boundTo<{ readonly id: string }>(binding[key], id, `${label}: `);
  }
}

/** A GuestConfiguration, and the digest that its file gave. */
export interface ConfigurationJson {
  readonly configuration: GuestConfiguration;
  readonly digest: string | null;
}

/**
 * Reads what `guest-abi --json` writes. The digest is made anew: what a file says of itself is not believed.
 * @throws VdpaQemuError bad-input where the text is no JSON, or has more devices than a guest
 */
export function readConfigurationJson(text: string, label: string): Read<ConfigurationJson> {
  const read = checked<GuestConfiguration>(text, label, validateGuestConfiguration, 'GuestConfiguration');
  if (read.breach) return read;
  const { guest, digest } = read.value;
  refuseMore(guest.interfaces.length + guest.disks.length + guest.vdpaDevices.length, maxDevices, 'devices', label);
  const configuration = { ...read.value, digest: digestOf(guest), undetermined: undeterminedIn(guest) };
  return { value: { configuration, digest } };
}

interface Validator<T> {
  (data: unknown): data is T;
  errors?: { instancePath: string; message?: string | undefined }[] | null;
}

function checked<T>(text: string, label: string, validate: Validator<T>, what: string): Read<T> {
  const value = parseJson(text, label);
  if (validate(value)) return { value };
  const { instancePath = '', message = '' } = validate.errors?.[0] ?? {};
  const field = instancePath === '' ? 'the document' : printable(fieldOf(instancePath)).slice(0, 200);
  return { breach: { path: instancePath.slice(0, 1000), message: `is no ${what}: ${field} ${message}` } };
}

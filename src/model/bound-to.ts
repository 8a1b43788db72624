import { VdpaQemuError } from './error.ts';
import { printable } from './fact.ts';

/**
 * What a plan binds to one of its guest devices.
 * @param label what the message begins with: whose plan it is
 * @throws VdpaQemuError bad-input where it binds nothing, which no plan of planVm() does
 */
export function boundTo<T extends { readonly id: string }>(bindings: readonly T[], id: string, label = ''): T {
  const bound = bindings.find((one) => one.id === id);
  if (bound) return bound;
  throw new VdpaQemuError('bad-input', `${label}the plan binds nothing to device ${printable(id)} (binding)`);
}

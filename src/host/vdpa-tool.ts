import { isUnknown, unknown, type Fact } from '../model/fact.ts';
import type { ManagementDevice } from '../model/generated/host-report.ts';
import { runProgram, type Output, type RunProgram } from './program.ts';
import { deviceConfigOf, deviceRowOf, managementDeviceOf, type ToolConfig, type ToolDevice } from './vdpa-json.ts';

/**
 * iproute2's `vdpa` tool, which speaks generic netlink with the kernel (family `vdpa`, drivers/vdpa/vdpa.c). Showing
 * needs no privilege and works on devices in use. Each function gives unknown where the tool is missing (`no-tool`), the kernel
 * has no such netlink family (`not-present`), or it failed or talked nonsense.
 */

/** `vdpa mgmtdev show`: what can make vDPA devices. */
export async function showManagementDevices(run: RunProgram = runProgram): Promise<Fact<ManagementDevice[]>> {
  const rows = await ask(run, ['mgmtdev', 'show'], 'mgmtdev');
  return rows instanceof Map ? [...rows].map(([name, row]) => managementDeviceOf(name, row)) : rows;
}

/** `vdpa dev show`: the devices by name. Devices without a management device (eni_vdpa, snet_vdpa) are not among them. */
export async function showDevices(run: RunProgram = runProgram): Promise<Fact<Map<string, ToolDevice>>> {
  const rows = await ask(run, ['dev', 'show'], 'dev');
  return rows instanceof Map ? new Map([...rows].map(([name, row]) => [name, deviceRowOf(row)])) : rows;
}

/**
 * `vdpa dev config show NAME`: config space of a network device, and the features that its user negotiated.
 * One device at a time: older kernels end a dump at the first device that is no network card.
 */
export async function showDeviceConfig(name: string, run: RunProgram = runProgram): Promise<Fact<ToolConfig>> {
  const rows = await ask(run, ['dev', 'config', 'show', name], 'config');
  if (!(rows instanceof Map)) return rows;
  const row = rows.get(name);
  return row === undefined ? unknown('malformed', `vdpa dev config show: nothing on ${name}`) : deviceConfigOf(row);
}

/** Rows of `{"<key>": {"<name>": {..}}}`. */
async function ask(run: RunProgram, words: readonly string[], key: string): Promise<Fact<Map<string, object>>> {
  const output = await run('vdpa', ['-j', ...words]);
  if (isUnknown(output)) return withoutNetlink(output);
  const command = `vdpa -j ${words.join(' ')}`;
  const rows = parseRows(output, key);
  return rows ?? unknown('malformed', `${command}: not the JSON that was expected`);
}

function parseRows(output: Exclude<Output, { unknown: string }>, key: string): Map<string, object> | undefined {
  // With no device at all some versions print nothing.
  if (output.stdout.trim() === '') return new Map();
  let document: unknown;
  try {
    document = JSON.parse(output.stdout);
  } catch {
    return undefined;
  }
  const table = isObject(document)
    ? (Object.entries(document).find(([name]) => name === key)?.[1] as unknown)
    : undefined;
  if (!isObject(table)) return undefined;
  const rows = new Map<string, object>();
  for (const [name, row] of Object.entries(table)) {
    if (!isObject(row) || rows.size === 4096) return undefined;
    rows.set(name, row);
  }
  return rows;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** iproute2/vdpa/vdpa.c: main() prints this when the kernel has no family `vdpa`, that is, no module vdpa. */
function withoutNetlink(reason: Extract<Output, { unknown: string }>): Extract<Output, { unknown: string }> {
  return /Failed to connect to vdpa Netlink/i.test(reason.detail) ? unknown('not-present', reason.detail) : reason;
}

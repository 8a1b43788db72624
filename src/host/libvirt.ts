import { isUnknown, unknown } from '../model/fact.ts';
import type { HostReport } from '../model/generated/host-report.ts';
import { runProgram, type RunProgram } from './program.ts';

/**
 * The version of the libvirt client, which `virsh --version` prints without connecting to a daemon.
 * @returns unknown `no-tool` where virsh is not installed
 */
export async function libvirtVersion(run: RunProgram = runProgram): Promise<HostReport['libvirt']> {
  const output = await run('virsh', ['--version']);
  if (isUnknown(output)) return output;
  const version = /^\d{1,4}\.\d{1,4}\.\d{1,4}$/m.exec(output.stdout)?.[0];
  return version === undefined ? unknown('malformed', 'virsh --version: no version in the output') : { version };
}

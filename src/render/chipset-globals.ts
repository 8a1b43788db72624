import type { GuestAbi } from '../model/generated/guest-abi.ts';

/**
 * What -global has to say of the q35 chipset: machine types up to 7.2 keep its watchdog from resetting the machine
 * (QEMU hw/i386/pc.c: pc_compat_7_2: ICH9-LPC noreboot=true; the guest reads it in the chipset's configuration).
 * libvirt turns that off from 9.1 on (qemu_domain.c: qemuDomainDefAddDefaultDevices(): addITCOWatchdog), and so do we, or the guest would
 * be another under libvirt. Of a distribution's machine types the default is not known, so it is written out.
 */
export function chipsetGlobals({ architecture, machine }: Pick<GuestAbi, 'architecture' | 'machine'>): string[] {
  if (architecture !== 'x86_64') return [];
  const version = /^pc-q35-([0-9]+)\.[0-9]+$/.exec(machine)?.[1];
  return version === undefined || Number(version) < 8 ? ['ICH9-LPC.noreboot=off'] : [];
}

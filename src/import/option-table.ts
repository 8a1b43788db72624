/**
 * What the import makes of each of QEMU's options (qemu-options.hx of 10.0).
 * - `read`: one of the importers reads its properties;
 * - `keep`: the guest sees it; it is kept word for word in otherOptions;
 * - `host`: only the host sees it.
 */
export interface OptionRule {
  readonly use: 'read' | 'keep' | 'host';
  /** false: no word follows it */
  readonly argument: boolean;
  /** property that a first word without = belongs to; null: the argument is one text */
  readonly implied?: string | null | undefined;
}

const read = (implied?: string | null): OptionRule => ({ use: 'read', argument: true, implied });
const readFlag: OptionRule = { use: 'read', argument: false };
const keep: OptionRule = { use: 'keep', argument: true };
const keepFlag: OptionRule = { use: 'keep', argument: false };
const host: OptionRule = { use: 'host', argument: true };
const hostFlag: OptionRule = { use: 'host', argument: false };

/** Other names of the same option. */
export const aliases: Readonly<Record<string, string>> = { M: 'machine' };

export const optionTable: ReadonlyMap<string, OptionRule> = new Map<string, OptionRule>([
  ['machine', read('type')],
  ['accel', read('accel')],
  ['enable-kvm', readFlag],
  ['cpu', read(null)],
  ['smp', read('cpus')],
  ['m', read('size')],
  ['object', read('qom-type')],
  ['uuid', read(null)],
  ['name', read('guest')],
  ['device', read('driver')],
  ['netdev', read('type')],
  ['blockdev', read('driver')],
  ['drive', read()],
  ['add-fd', read()],
  ['set', read(null)],
  ['nodefaults', readFlag],
  ['no-acpi', readFlag],
  ['no-hpet', readFlag],
  ['usb', readFlag],
  ['rtc', read()],
  ['boot', read('order')],
  ['global', read(null)],
  ['readconfig', read(null)],
  ['serial', read(null)],
  ['numa', read('type')],
  ...'acpitable append audio bios bt cdrom dtb fda fdb fw_cfg g hda hdb hdc hdd icount initrd kernel mtdblock net nic option-rom parallel pflash prom-env sd semihosting-config shim smbios soundhw usbdevice vga virtfs watchdog virtioconsole debugcon'
    .split(' ')
    .map((name) => [name, keep] as const),
  ...['no-fd-bootchk', 'win2k-hack', 'rtc-td-hack', 'semihosting', 'old-param', 'nographic'].map(
    (name) => [name, keepFlag] as const,
  ),
  ...'D L action add-fd async audiodev blockdev-snapshot chardev chroot compat d dfilter display echr fsdev gdb incoming iscsi k loadvm mem-path mon monitor msg object-add overcommit pidfile plugin qmp qmp-pretty realtime run-with runas sandbox seed spice tb-size tpmdev trace vnc watchdog-action writeconfig xen-domid'
    .split(' ')
    .filter((name) => name !== 'add-fd')
    .map((name) => [name, host] as const),
  ...'S daemonize enable-fips enable-sync-profile full-screen mem-prealloc no-reboot no-shutdown no-user-config only-migratable perfmap jitdump preconfig s singlestep snapshot trace-unassigned async-teardown portrait no-quit show-cursor alt-grab ctrl-grab curses sdl version help'
    .split(' ')
    .map((name) => [name, hostFlag] as const),
]);

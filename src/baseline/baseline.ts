import type { AssessOptions } from '../doorbell/assess.ts';
import { classOf } from '../doorbell/virtqueue-role.ts';
import { isKnown } from '../model/fact.ts';
import type { Baseline, Limit } from '../model/generated/baseline.ts';
import type { HostReport } from '../model/generated/host-report.ts';
import { olderVersion, versionNumber } from '../model/qemu-version.ts';
import { classBaseline } from './class-baseline.ts';
import { ClassTally } from './class-tally.ts';
import { cpuOf, isMixed } from './cpu.ts';
import { DoorbellViews } from './doorbell-view.ts';
import { BaselineFindings } from './findings.ts';
import { byMachineVersion, summaryOf } from './qemu-summary.ts';
import { specFragment } from './spec-fragment.ts';
import { hostsText, HostTable, Lists, Tally } from './tally.ts';

/** A class of devices that a baseline speaks of. */
export type DeviceClass = 'net' | 'block';

/**
 * The largest guest ABI that all hosts can serve: any of their devices of a class may get the guest.
 * @param classes those to look at; left out: those that are there
 * @param options rows of the operator's own on parent drivers, as for assessHost()
 * @see BaselineBuilder, where the reports are too many to hold
 */
export function baseline(
  reports: Iterable<HostReport>,
  classes?: readonly DeviceClass[],
  options: AssessOptions = {},
): Baseline {
  const builder = new BaselineBuilder(options);
  for (const report of reports) builder.add(report);
  return builder.finish(classes);
}

/** Makes a baseline from reports that come one at a time. Of each only a few words are kept. Pure. */
export class BaselineBuilder {
  readonly #table = new HostTable();
  readonly #findings = new BaselineFindings();
  readonly #views: DoorbellViews;
  readonly #classes: Record<DeviceClass, ClassTally> = { net: new ClassTally(), block: new ClassTally() };
  readonly #architectures = new Tally<string>();
  readonly #pageSizes = new Tally<number | undefined>();
  readonly #cpus = new Tally<string>();
  readonly #kvm = new Tally<boolean | undefined>();
  readonly #versions = new Tally<string | undefined>();
  readonly #machines = new Tally<readonly string[]>();
  readonly #machineLists = new Lists();
  #blockDriver = true;

  /** @param options rows of the operator's own on parent drivers, as for assessHost() */
  constructor(options: AssessOptions = {}) {
    this.#views = new DoorbellViews(options);
  }

  add(report: HostReport): void {
    const { host } = report;
    const number = this.#table.add(host.name);
    if (number === undefined) {
      this.#findings.add(
        'baseline.host-twice',
        'warning',
        '/hosts',
        `a second report of host ${host.name} is left out`,
      );
      return;
    }
    this.#architectures.add(host.architecture, number);
    this.#pageSizes.add(isKnown(host.pageSize) ? host.pageSize : undefined, number);
    const cpu = isKnown(host.cpu) ? host.cpu : undefined;
    this.#cpus.add(JSON.stringify([cpu?.vendor ?? 'unknown', cpu?.model ?? 'unknown']), number);
    this.#kvm.add(isKnown(host.kvm) ? host.kvm : undefined, number);
    const qemu = summaryOf(report.qemu);
    this.#versions.add(qemu.version, number);
    this.#machines.add(this.#machineLists.the(qemu.machines), number);
    this.#blockDriver &&= qemu.blockDriver;
    for (const device of report.devices) {
      const found = classOf(device);
      if (found === 'net' || found === 'block') this.#classes[found].add(report, device, number, this.#views);
    }
  }

  /** @param wanted classes to look at; left out: those that are there */
  finish(wanted?: readonly DeviceClass[]): Baseline {
    const table = this.#table;
    const findings = this.#findings;
    const machine = this.#machine();
    const qemu = this.#qemu();
    const outlook = { oldest: qemu.oldest ?? undefined, blockDriver: this.#blockDriver };
    const all = ['net', 'block'] as const;
    const chosen = all.filter((name) => wanted?.includes(name) ?? this.#classes[name].records.length > 0);
    const classes = chosen.map((name, index) => {
      const tally = this.#classes[name];
      this.#requireDevices(name, tally, wanted !== undefined);
      return classBaseline(name, `/classes/${index}`, tally, table, outlook, findings);
    });
    if (chosen.length === 0)
      findings.add('baseline.no-device', 'error', '/classes', 'no host has a vDPA net or block device');
    const net = chosen.includes('net') ? this.#classes.net : undefined;
    const architectures = this.#same('architecture', this.#architectures, 'error');
    return {
      schemaVersion: 1,
      kind: 'Baseline',
      hosts: table.all,
      architecture: architectures ?? null,
      pageSize: this.#same('page size', this.#pageSizes, 'warning') ?? null,
      machine,
      qemu,
      cpu: cpuOf(this.#cpus, this.#kvm, table, findings),
      classes,
      spec: specFragment(
        machine.newest,
        classes.find((one) => one.class === 'net'),
        net,
        table,
        isMixed(this.#kvm),
      ),
      findings: findings.sorted,
    };
  }

  /** A host without a device of the class cannot take the guest; where nobody asked for the class, it may not be meant to. */
  #requireDevices(name: DeviceClass, tally: ClassTally, asked: boolean): void {
    const have = new Set(tally.hosts.hostsWhere(() => true));
    const without = Array.from({ length: this.#table.count }, (_, host) => host).filter((host) => !have.has(host));
    if (without.length === 0) return;
    this.#findings.add(
      'baseline.no-device',
      asked || (name === 'net' && have.size > 0) ? 'error' : 'warning',
      '/classes',
      `no vDPA ${name} device that is known as such on ${hostsText(this.#table.sample(without))}`,
      'leave the host out, or probe it as root',
    );
  }

  /** The one value that all hosts share; undefined where they differ, which is told. */
  #same<T>(what: string, values: Tally<T>, severity: 'error' | 'warning'): T | undefined {
    const [first, ...others] = values.values;
    if (others.length === 0) return first;
    const list = values.values.map(
      (value) =>
        `${String(value ?? 'unknown')} on ${hostsText(this.#table.sample(values.hostsWhere((one) => one === value)), 2)}`,
    );
    this.#findings.add(
      'baseline.hosts-differ',
      severity,
      '/hosts',
      `the hosts differ in ${what}: ${list.slice(0, 8).join('; ')}`,
    );
    return undefined;
  }

  #machine(): Baseline['machine'] {
    const lists = this.#machines.values;
    const [first = [], ...rest] = lists.map((names) => new Set(names));
    const common = [...first].filter((name) => rest.every((names) => names.has(name))).sort(byMachineVersion);
    const newest = common.find((name) => planned.test(name)) ?? common[0] ?? null;
    const limits: Limit[] = [];
    const better = [...new Set(lists.flat())].sort(byMachineVersion);
    for (const family of new Set(better.filter((name) => planned.test(name)).map(familyOf))) {
      const best = better.find((name) => familyOf(name) === family);
      const value = common.find((name) => familyOf(name) === family) ?? null;
      if (best === undefined || best === value) continue;
      const hosts = this.#table.sample(this.#machines.hostsWhere((names) => !names.includes(best)));
      const message = `the newest common ${family} machine type is ${value ?? 'none'}: ${best} is not on ${hostsText(hosts)}`;
      limits.push({ property: 'machine', value, best, hosts, message });
    }
    if (newest === null && this.#table.count > 0) {
      this.#findings.add(
        'baseline.no-machine',
        'error',
        '/machine',
        `no machine type is common to all hosts${limits[0] ? `: ${limits[0].message}` : ''}`,
      );
    }
    return { newest, common, limits };
  }

  #qemu(): Baseline['qemu'] {
    const known = this.#versions.values.filter((version) => version !== undefined);
    this.#findings.unknown(
      '/qemu',
      'QEMU',
      this.#table.sample(this.#versions.hostsWhere((version) => version === undefined)),
      'error',
    );
    if (known.length === 0) return { oldest: null, newest: null, limits: [] };
    const oldest = known.reduce(olderVersion);
    const newest = known.reduce((a, b) => (versionNumber(a) >= versionNumber(b) ? a : b));
    if (oldest === newest) return { oldest, newest, limits: [] };
    const hosts = this.#table.sample(this.#versions.hostsWhere((version) => version === oldest));
    const message = `the oldest QEMU is ${oldest}, on ${hostsText(hosts)}; others have up to ${newest}`;
    return { oldest, newest, limits: [{ property: 'qemu', value: oldest, best: newest, hosts, message }] };
  }
}

/** The families that specs take. */
const planned = /^(pc-q35|virt)-/;

/** `pc-q35-10.0` -> `pc-q35` */
function familyOf(machine: string): string {
  return machine.slice(0, machine.lastIndexOf('-'));
}

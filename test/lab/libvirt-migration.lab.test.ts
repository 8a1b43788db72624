/**
 * Live migrations that libvirt manages, between two libvirtds of one L1 (libvirt-hosts.ts), with XML that `gen` wrote for
 * both hosts: what check-migration says before, what libvirt says, and what became of the guest by its own counters.
 * One host has the hook of examples/libvirt-hook, the other has none.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Destination, MigrationCheck } from '../../src/model/generated/migration-check.ts';
import { agrees } from '../migration/real-migrations.ts';
import type { LabDevice } from './devices.ts';
import { full } from './extent.ts';
import { answered, losses } from './guest/losses.ts';
import { guestReport, type GuestReport } from './guest/report.ts';
import { twoLooks } from './guest/watch.ts';
import { images, missing } from './images.ts';
import { bootL1, type L1, type RunResult } from './l1.ts';
import { migrateLive, reportOf, startHost, virsh, virshOk, type LibvirtHost } from './libvirt-hosts.ts';
import type { Outcome } from './migrate.ts';
import { product, productOk } from './product.ts';
import { Table } from './table.ts';
import { until } from './witness.ts';

const why = full ? missing() : ['npm run test:lab:full takes it'];
const mac = '52:54:00:0d:0a:02';

const devices: readonly LabDevice[] = [
  { kind: 'sim-net', name: 's0', add: ['mac', mac, 'mtu', '1500'] },
  { kind: 'sim-net', name: 's1', add: ['mac', mac, 'mtu', '1500'] },
  { kind: 'sim-blk', name: 'b0' },
  ...([2, 3] as const).map((pairs): LabDevice => ({
    ...{ kind: 'vp', name: `m${pairs}`, mac, pagePerVq: true, queuePairs: pairs },
    add: ['device_features', '0x300c78020'],
  })),
];

/** The devices that the report of each host tells. */
const devicesOf = { hooked: ['s1', 'b0', 'm2'], plain: ['s0', 'b0', 'm3'] } as const;
type HostName = keyof typeof devicesOf;

interface Cell {
  readonly name: string;
  readonly to: HostName;
  /** What is changed in both XMLs that `gen` wrote. */
  readonly both?: (xml: string) => string;
  /** A device of the source: the XML is written for this host alone, and is the destination's too. */
  readonly alone?: string;
  /** What is changed in the destination's, which `virsh migrate --xml` is given. */
  readonly edit?: (xml: string, node: (device: string) => string) => string;
  /** Command line of the guest (guest/driver.c). */
  readonly guest?: string;
  /** The verdict on the two XMLs. */
  readonly byXml?: Destination['verdict'];
  readonly outcomes: readonly Outcome[];
  /** Part of what virsh prints. */
  readonly says?: string;
}

const withPages = (xml: string): string => xml.replace("page_per_vq='off'", "page_per_vq='on'");
const withoutOverride = (xml: string): string => xml.replace(/\s*<qemu:override>[^]*<\/qemu:override>/, '');
const withQueues = (count: number) => (xml: string) => xml.replace('<driver ', `<driver queues='${count}' `);

const cells: readonly Cell[] = [
  { name: 'gen for both hosts', to: 'hooked', byXml: 'can', outcomes: ['completed'] },
  {
    name: 'the hook refuses a device of another class',
    to: 'hooked',
    edit: (xml, node) => xml.replace(node('s1'), node('b0')),
    outcomes: ['refused'],
    says: 'vdpa-qemu: migration of lab refused: ',
  },
  {
    name: 'a device of another class, no hook',
    to: 'plain',
    edit: (xml, node) => xml.replace(node('s0'), node('b0')),
    outcomes: ['refused'],
  },
  {
    name: 'page_per_vq on -> off',
    to: 'plain',
    both: withPages,
    edit: (xml) => xml.replace("page_per_vq='on'", "page_per_vq='off'"),
    outcomes: ['refused'],
    says: "Target device page_per_vq option 'off' does not match source 'on'",
  },
  {
    name: 'page-per-vq off -> on by <qemu:override>',
    to: 'plain',
    edit: (xml) =>
      xml.replace('<qemu:frontend>', "<qemu:frontend><qemu:property name='page-per-vq' type='bool' value='true'/>"),
    outcomes: ['failed-source-broken', 'guest-lost'],
  },
  { name: 'queues 1 -> 4', to: 'plain', edit: withQueues(4), outcomes: ['completed'] },
  {
    name: 'queues 1 -> 4, vectors by libvirt',
    to: 'plain',
    both: withoutOverride,
    edit: withQueues(4),
    outcomes: ['failed-source-broken', 'guest-lost'],
  },
  {
    name: 'rx_queue_size 256 -> 1024',
    to: 'plain',
    edit: (xml) => xml.replace("rx_queue_size='256'", "rx_queue_size='1024'"),
    outcomes: ['completed'],
  },
  {
    name: 'device with 2 queue pairs -> 3',
    to: 'plain',
    // gen itself refuses to write XML for both
    alone: 'm2',
    edit: (xml, node) => xml.replace(node('m2'), node('m3')),
    guest: 'pairs=2',
    outcomes: ['failed-source-alive'],
  },
];

// each cell takes a minute on two CPU cores
describe.skipIf(why.length > 0)(`live migration by libvirt in L1 ${why.join(', ')}`, () => {
  const table = new Table();
  const reports = { hooked: '/tmp/hooked.json', plain: '/tmp/plain.json' } as const;
  const hosts = new Map<HostName, LibvirtHost>();
  let l1: L1;

  beforeAll(async () => {
    l1 = await bootL1({ ...(await images()), devices });
    for (const name of ['plain', 'hooked'] as const)
      await l1.writeFile(reports[name], await reportOf(l1, name, devicesOf[name]));
    hosts.set('plain', await startHost(l1, 'plain'));
    const hooked = await startHost(l1, 'hooked', { hook: '/project/examples/libvirt-hook/qemu' });
    hosts.set('hooked', hooked);
    await l1.ok(['cp', reports.hooked, `${hooked.directory}/report/host.json`]);
  });
  afterEach(async () => {
    for (const host of hosts.values()) {
      await virsh(l1, host, 'destroy', 'lab');
      await virsh(l1, host, 'undefine', 'lab');
    }
  });
  afterAll(async () => {
    console.log(`live migration by libvirt\n${table.toString()}`);
    await l1.close();
  });

  const node = (device: string): string => l1.devices.get(device) ?? '';
  /** A second monitor beside libvirt's, in a directory that each host has for itself. */
  const socketOf = (host: LibvirtHost): string => `${host.directory}/run/lab.qmp`;

  /** The XML of a cell for a host, as `gen` writes it, with a kernel and a monitor. */
  async function xmlFor(cell: Cell, host: HostName): Promise<string> {
    const spec = [
      'schemaVersion: 1\nname: lab\nmachine: pc-q35-10.0\nmemory: 64MiB\ncpu: { model: qemu64, count: 1 }',
      `interfaces: [{ id: net0, vdpa: ${cell.alone ?? '{ hooked: s1, plain: s0 }'}, mac: '${mac}', hostNotifier: off }]`,
    ].join('\n');
    const both = ['--host', reports.hooked, '--host', reports.plain, '--on', host];
    const from = cell.alone === undefined ? both : ['--host', reports[host]];
    const xml = await productOk(l1, ['gen', '-', ...from, '--format', 'libvirt'], `${spec}\n`);
    const monitor = `<qemu:arg value='-qmp'/><qemu:arg value='unix:/run/libvirt/lab.qmp,server=on,wait=off'/>`;
    const kernel = `<kernel>/share/guest</kernel><cmdline>${cell.guest ?? ''} </cmdline>`;
    const bootable = xml
      .replace('</os>', `${kernel}</os>`)
      .replace('</domain>', `<qemu:commandline>${monitor}</qemu:commandline></domain>`);
    return cell.both === undefined ? bootable : cell.both(bootable);
  }

  async function atWork(socket: string): Promise<GuestReport> {
    return await until('guest at work', async () => {
      const report = await guestReport(l1, socket).catch(() => undefined);
      return report?.running === true && (answered(report) > 10 || report.heartbeat > 500) ? report : undefined;
    });
  }

  /** What check-migration says of the XML of both hosts, or of the running guest and the destination's XML. */
  async function predict([from, to]: readonly [HostName, HostName], running: boolean): Promise<Destination> {
    const { directory } = hosts.get(from)!;
    const pid = running ? (await l1.readFile(`${directory}/run/qemu/lab.pid`)).trim() : '';
    const source = running ? ['--qmp', `${directory}/run/lab.qmp`, '--pid', pid] : ['/tmp/here.xml'];
    const ends = ['--with', '/tmp/there.xml', '--from', reports[from], '--to', reports[to]];
    const { code, stdout, stderr } = await product(l1, ['check-migration', ...source, ...ends, '--json']);
    if (code === 2) throw new Error(stderr);
    return (JSON.parse(stdout) as MigrationCheck).destinations[0]!;
  }

  /** Where the guest runs and what it has lost since. */
  async function whatBecame(
    before: GuestReport,
    [from, to]: readonly [LibvirtHost, LibvirtHost],
    { code, stderr }: RunResult,
  ): Promise<{ outcome: Outcome; lost: string[] }> {
    const arrived = code === 0;
    const look = await twoLooks(l1, socketOf(arrived ? to : from));
    if (look === undefined) return { outcome: 'guest-lost', lost: ['the guest does not run'] };
    const lost = losses(before, look.before, look.after);
    if (arrived) return { outcome: lost.length === 0 ? 'completed' : 'completed-state-lost', lost };
    if (lost.length > 0) return { outcome: 'failed-source-broken', lost };
    // what QEMU said while it loaded the stream
    return { outcome: stderr.includes('load of migration failed') ? 'failed-source-alive' : 'refused', lost };
  }

  test.each(cells)('$name', async (cell) => {
    const names: [HostName, HostName] = cell.to === 'hooked' ? ['plain', 'hooked'] : ['hooked', 'plain'];
    const pair = [hosts.get(names[0])!, hosts.get(names[1])!] as const;
    const here = await xmlFor(cell, names[0]);
    const there = cell.alone === undefined ? await xmlFor(cell, names[1]) : here;
    await l1.writeFile('/tmp/here.xml', here);
    await l1.writeFile('/tmp/there.xml', cell.edit === undefined ? there : cell.edit(there, node));
    await virshOk(l1, pair[0], 'create', '/tmp/here.xml');
    const before = await atWork(socketOf(pair[0]));
    const predicted = [await predict(names, false), await predict(names, true)] as const;
    const result = await migrateLive(l1, 'lab', pair, '--xml', '/tmp/there.xml');
    const { outcome, lost } = await whatBecame(before, pair, result);

    const said = predicted.map(({ verdict, findings }) => {
      const causes = findings.filter(({ effect }) => effect !== 'none').map(({ effect, code }) => `${effect} ${code}`);
      return `${verdict}: ${causes.join(', ')}`;
    });
    const heading = `${cell.name}\n  by XML ${said[0]}\n  by the running VM ${said[1]}`;
    console.log([heading, ...lost, result.stderr.trim()].join('\n  '));
    const verdicts = predicted.map(({ verdict }) => verdict);
    const expected = cell.outcomes.includes(outcome) ? outcome : cell.outcomes.join(' or ');
    table.add(`${cell.name}: ${verdicts.join(', ')}`, expected, outcome);
    expect(cell.outcomes, [result.stderr, ...lost].join('\n')).toContain(outcome);
    for (const verdict of verdicts) expect(agrees(verdict, outcome), `${verdict}, but ${outcome}`).toBe(true);
    if (cell.byXml !== undefined) expect(verdicts[0]).toBe(cell.byXml);
    expect(result.stderr).toContain(cell.says ?? '');
  });
});

/** One document per rule that breaks it, and the sound one beside it that does not. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { HostReport } from '../../src/model/generated/host-report.ts';
import { validationRules } from '../../src/validate/rules/index.ts';
import type { ValidateOptions } from '../../src/validate/validate-document.ts';
import { updateGolden } from '../golden.ts';
import { deviceOf as device, reportWith } from '../report-builder.ts';
import { args, codesIn, domain, driver, findingsIn, l1, nic, rootPort, source } from './samples.ts';

const onL1: ValidateOptions = { reports: [l1] };
const changed = (change: (report: HostReport) => void): ValidateOptions => ({ reports: [reportWith(change)] });
const withQemu = (change: (qemu: Extract<HostReport['qemu'][number]['capabilities'], { version: string }>) => void) =>
  changed((report) => change(report.qemu[0]!.capabilities as never));
const report = (change: (report: HostReport) => void): string => JSON.stringify(reportWith(change));
const pairs = (count: number): ValidateOptions =>
  changed((copy) => {
    const { identity } = device(copy, 'vp0');
    (identity.features as { names: string[] }).names.push('VIRTIO_NET_F_MQ');
    (identity.config as { maxVirtqueuePairs: number }).maxVirtqueuePairs = count;
  });
const memory = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>\n";
const vdpaDisk = (drv: string, src = "<source dev='/dev/vhost-vdpa-3'/>"): string =>
  `<disk type='vhostvdpa' device='disk'>${drv}${src}<target dev='vda' bus='virtio'/></disk>`;
const qemuArgs = (...words: string[]): string =>
  `<qemu:commandline>${words.map((word) => `<qemu:arg value='${word}'/>`).join('')}</qemu:commandline>\n`;
const overridden = (name: string): string =>
  `<qemu:override><qemu:device alias='ua-net0'><qemu:frontend><qemu:property name='${name}' type='bool' value='true'/></qemu:frontend></qemu:device></qemu:override>\n`;
const generic = (more: string): string => `-device vhost-vdpa-device-pci,id=g,bus=rp1,addr=0x0,${more}`;
const bare = (rest: string): string =>
  `qemu-system-x86_64 -M pc-q35-10.0 -nodefaults -m 128M -cpu qemu64\n${rootPort}\n${rest}`;
const onRoot = (more: string): string => args().replace('bus=rp1,addr=0x0', `bus=pcie.0,addr=0x5,${more}`);
/** vp0 with its MSI-X table in the doorbell page of virtqueue 0. */
const unsafe = changed((copy) => {
  const { pci } = device(copy, 'vp0');
  const { msix } = (pci as { capabilities: { msix: { tableBar: number; tableOffset: number } } }).capabilities;
  Object.assign(msix, { tableBar: 4, tableOffset: 0x3000 });
});

function strictKernel({ host }: HostReport): void {
  Object.assign(host, { kernelRelease: '6.12.117', kernelVersion: '#1 SMP' });
}

/** [code, severity, document, options]; more than one line where a rule has several ways to be broken */
const cases: readonly (readonly [string, string, string, ValidateOptions?])[] = [
  ['validate.libvirt-drops', 'error', domain(nic({ mod: '', drv: "<driver queues='4' page_per_vq='off'/>" }))],
  ['validate.libvirt-drops', 'error', nic({ mod: '', drv: "<driver page_per_vq='off'><host csum='off'/></driver>" })],
  ['validate.libvirt-model', 'error', domain(nic({ mod: "<model type='e1000e'/>" }))],
  ['validate.libvirt-model', 'warning', domain(nic({ mod: "<model type='virtio-non-transitional'/>" }))],
  ['validate.libvirt-mtu', 'error', domain(nic({ more: "<mtu size='9000'/>" }))],
  ['validate.libvirt-coalesce', 'error', nic({ more: "<coalesce><rx><frames max='3'/></rx></coalesce>" })],
  ['validate.libvirt-vlan', 'error', domain(nic({ more: "<vlan><tag id='42'/></vlan>" }))],
  ['validate.libvirt-teaming', 'error', domain(nic({ more: "<teaming type='transient' persistent='ua-x'/>" }))],
  [
    'validate.libvirt-no-effect',
    'warning',
    domain(nic({ more: '<bandwidth/><backend/>' + "<target dev='t'/>", drv: "<driver name='vhost'/>" })),
  ],
  ['validate.libvirt-switch', 'error', domain(nic({ drv: "<driver page_per_vq='yes'/>" }))],
  [
    'validate.libvirt-switch',
    'error',
    domain(nic({ drv: "<driver><guest csum='false'/><host gso='maybe'/></driver>" })),
  ],
  ['validate.libvirt-attribute', 'error', domain(nic({ drv: "<driver page-per-vq='on'/>" }))],
  ['validate.libvirt-attribute', 'error', domain(nic({ drv: "<driver iommu_platform='on' nonsense='1'/>" }))],
  ['validate.libvirt-queues', 'info', domain(nic({ drv: "<driver queues='1'/>" }))],
  ['validate.libvirt-queues', 'error', domain(nic({ drv: "<driver queues='many'/>" }))],
  ['validate.libvirt-source', 'error', domain(nic({ src: '' }))],
  ['validate.libvirt-source', 'error', domain(nic({ src: '<source/>' }))],
  ['validate.libvirt-source', 'error', domain(nic({ src: source + source }))],
  ['validate.libvirt-source', 'error', domain(nic({ src: "<source type='unix' path='/tmp/s' mode='server'/>" }))],
  ['validate.libvirt-disk-memory', 'error', domain(vdpaDisk("<driver name='qemu' type='raw' cache='none'/>"))],
  ['validate.libvirt-disk-cache', 'error', domain(vdpaDisk("<driver cache='writeback'/>"), { head: memory })],
  ['validate.libvirt-disk-cache', 'error', domain(vdpaDisk(''), { head: memory })],
  ['validate.libvirt-disk-source', 'error', domain(vdpaDisk("<driver cache='none'/>", ''), { head: memory })],
  [
    'validate.libvirt-hostdev',
    'error',
    domain("<hostdev mode='subsystem' type='vdpa'><source dev='/dev/vhost-vdpa-0'/></hostdev>"),
  ],
  [
    'validate.libvirt-memlock',
    'error',
    domain('', { tail: qemuArgs('-device', '{"driver":"vhost-vdpa-device-pci","vhostdev":"/dev/vhost-vdpa-0"}') }),
  ],
  ['validate.vhost-user-option', 'error', args('', '', { netdev: 'chardev=c0' })],
  ['validate.vhost-user-option', 'error', args('', '-netdev vhost-user,id=u,vhostdev=/dev/vhost-vdpa-1')],
  ['validate.vhost-user-path', 'error', args('', '-chardev socket,id=c,path=/dev/vhost-vdpa-1')],
  ['validate.vhost-user-path', 'error', args('', '-netdev vhost-user,id=u,path=/dev/vhost-vdpa-1')],
  ['validate.vhost-user-path', 'error', args('', '-netdev tap,id=u,vhostdev=/dev/vhost-vdpa-1')],
  ['validate.vhost-user-path', 'error', args().replace('-netdev vhost-vdpa', '-netdev vhost_vdpa')],
  [
    'validate.vhost-user-path',
    'error',
    domain(
      "<interface type='vhostuser'><source type='unix' path='/dev/vhost-vdpa-0' mode='client'/><model type='virtio'/></interface>",
    ),
  ],
  ['validate.netdev-device', 'error', args().replace(',vhostdev=/dev/vhost-vdpa-0', '')],
  ['validate.netdev-device', 'error', args('', '', { netdev: 'vhostfd=5' })],
  ['validate.fdset-missing', 'error', args().replace('/dev/vhost-vdpa-0', '/dev/fdset/3')],
  ['validate.netdev-link', 'error', args('', '-netdev vhost-vdpa,vhostdev=/dev/vhost-vdpa-1')],
  ['validate.netdev-link', 'error', args('', '-device virtio-net-pci,netdev=nowhere,bus=rp1')],
  ['validate.netdev-link', 'error', args('', '-device virtio-net-pci,netdev=n0,bus=rp1')],
  ['validate.netdev-link', 'error', args('', '-netdev vhost-vdpa,id=n0,vhostdev=/dev/vhost-vdpa-1')],
  ['validate.netdev-link', 'warning', args('', '-netdev vhost-vdpa,id=idle,vhostdev=/dev/vhost-vdpa-1')],
  ['validate.not-read', 'warning', args('', '-readconfig /run/vm.conf')],
  [
    'validate.front-end',
    'error',
    domain('', {
      tail: qemuArgs('-netdev', 'vhost-vdpa,id=x,vhostdev=/dev/vhost-vdpa-1', '-device', 'e1000e,netdev=x,bus=pcie.0'),
    }),
  ],
  [
    'validate.netdev-link',
    'warning',
    domain('', { tail: qemuArgs('-netdev', 'vhost-vdpa,id=x,vhostdev=/dev/vhost-vdpa-1') }),
  ],
  ['validate.front-end', 'error', args().replace('virtio-net-pci', 'e1000e')],
  ['validate.on-off-auto', 'error', args('disable-legacy=yes')],
  ['validate.on-off-auto', 'error', args('disable-legacy=never')],
  ['validate.device-order', 'error', args().replace(rootPort, `-device '{"driver":"pcie-root-port","id":"rp1"}'`)],
  [
    'validate.device-order',
    'error',
    domain('', { tail: qemuArgs('-device', 'vhost-vdpa-device-pci,vhostdev=/dev/vhost-vdpa-0,bus=pci.3') }),
  ],
  ['validate.queues-ignored', 'info', args('', '', { netdev: 'queues=4' })],
  ['validate.queues-ignored', 'warning', args('', '', { netdev: 'queues=4' }), onL1],
  [
    'validate.disk-cache-direct',
    'error',
    bare(
      '-blockdev driver=virtio-blk-vhost-vdpa,node-name=b,path=/dev/vhost-vdpa-3\n-device virtio-blk-pci,drive=b,bus=rp1',
    ),
  ],
  [
    'validate.disk-cache-direct',
    'error',
    bare(
      '-blockdev driver=virtio-blk-vhost-vdpa,node-name=b,path=/dev/vhost-vdpa-3,cache.direct=off\n-device virtio-blk-pci,drive=b,bus=rp1',
    ),
  ],
  ['validate.generic-device', 'error', bare(generic('netdev=n0'))],
  ['validate.property-unknown', 'error', args('page_per_vq=on')],
  ['validate.property-unknown', 'error', args('', '', { netdev: 'x-sqv=on' })],
  ['validate.property-unknown', 'warning', args('', '', { netdev: 'nonsense=on' })],
  ['validate.property-unknown', 'warning', args('nonsense=on')],
  ['validate.property-unknown', 'error', args('page_per_vq=on').replace('virtio-net-pci', 'virtio-net')],
  ['validate.property-unknown', 'error', args('nonsense=on').replace('virtio-net-pci', 'virtio-net'), onL1],
  ['validate.property-unknown', 'error', args('nonsense=on'), onL1],
  ['validate.property-unknown', 'error', args('', '', { netdev: 'nonsense=1' }), onL1],
  ['validate.property-unknown', 'error', domain(nic(), { tail: overridden('iommu') })],
  ['validate.machine-unversioned', 'warning', args('', '', { machine: '-M q35' })],
  ['validate.machine-unversioned', 'warning', args('', '', { machine: '' })],
  ['validate.machine-unversioned', 'warning', domain(nic(), { machine: '' })],
  ['validate.machine-old', 'warning', args('', '', { machine: '-M pc-q35-2.7' }).replace(',page-per-vq=off', '')],
  ['validate.machine-missing', 'error', args('', '', { machine: '-M pc-q35-99.0' }), onL1],
  [
    'validate.machine-deprecated',
    'warning',
    args(),
    withQemu(({ machines }) => machines.forEach((one) => (one.deprecated = true))),
  ],
  ['validate.page-per-vq-absent', 'info', domain(nic({ drv: '' }))],
  [
    'validate.page-per-vq-absent',
    'warning',
    args().replace(',page-per-vq=off', ''),
    { reports: [l1, reportWith((copy) => (copy.host.name = 'l2'))] },
  ],
  ['validate.doorbell-unsafe', 'error', args('page-per-vq=on'), unsafe],
  [
    'validate.doorbell-unknown',
    'warning',
    args('page-per-vq=on'),
    changed((copy) => (device(copy, 'vp0').virtqueues = { unknown: 'EBUSY', detail: 'in use' })),
  ],
  ['validate.doorbell-unavailable', 'warning', args('page-per-vq=on').replace('vdpa-0', 'vdpa-1'), onL1],
  ['validate.doorbell-unused', 'info', args(), onL1],
  ['validate.shadow-virtqueues', 'warning', args('page-per-vq=on', '', { netdev: 'x-svq=on' })],
  ['validate.shadow-virtqueues', 'warning', args('', '', { netdev: 'x-svq=on' })],
  ['validate.shadow-virtqueues-iommu', 'error', args('', '-device intel-iommu', { netdev: 'x-svq=on' })],
  ['validate.queue-pairs', 'error', domain(nic({ drv: "<driver queues='4' page_per_vq='off'/>" })), onL1],
  ['validate.queue-pairs', 'warning', domain(nic({ drv: "<driver queues='2' page_per_vq='off'/>" })), pairs(4)],
  ['validate.mq-pairs', 'info', args('mq=on,vectors=10')],
  ['validate.mq-pairs', 'warning', args('mq=on'), onL1],
  ['validate.mq-pairs', 'warning', args(), pairs(2)],
  ['validate.vectors', 'warning', args('vectors=2')],
  ['validate.vectors', 'info', args('vectors=3')],
  ['validate.vectors', 'warning', args('mq=on')],
  ['validate.vectors', 'warning', args('mq=on,vectors=6', '', { netdev: 'queues=4' })],
  ['validate.vectors', 'warning', args('mq=on'), pairs(4)],
  ['validate.ring-size', 'error', args('rx_queue_size=300')],
  ['validate.ring-size', 'error', args('tx_queue_size=128')],
  [
    'validate.ring-size',
    'error',
    bare(
      '-blockdev driver=virtio-blk-vhost-vdpa,node-name=b,path=/dev/vhost-vdpa-3,cache.direct=on\n-device virtio-blk-pci,drive=b,bus=rp1,queue-size=300',
    ),
  ],
  ['validate.ring-too-large', 'warning', args('rx_queue_size=1024'), onL1],
  ['validate.ring-too-large', 'error', args('rx_queue_size=1024'), changed(strictKernel)],
  ['validate.mq-without-ctrl-vq', 'error', args('mq=on,ctrl_vq=off,rss=on')],
  ['validate.mq-without-ctrl-vq', 'warning', args('ctrl_vq=off,ctrl_rx=off')],
  ['validate.mq-without-ctrl-vq', 'error', args('ctrl_vq=off'), onL1],
  [
    'validate.disk-queues',
    'error',
    bare('-blockdev driver=file,node-name=b,filename=/x\n-device virtio-blk-pci,drive=b,bus=rp1,num-queues=1025'),
  ],
  ['validate.device-path', 'error', args().replace('/dev/vhost-vdpa-0', 'vhost-vdpa-0')],
  ['validate.device-path', 'error', args().replace('/dev/vhost-vdpa-0', '/dev/vhost-vdpa-N')],
  ['validate.device-path', 'error', args().replace('/dev/vhost-vdpa-0', '/run/vhost.sock')],
  ['validate.device-path', 'warning', args().replace('/dev/vhost-vdpa-0', '/dev/vdpa/web1')],
  ['validate.device-shared', 'error', domain(nic() + nic({ mac: '52:54:00:00:00:02' }))],
  [
    'validate.device-shared',
    'error',
    args(
      '',
      '-netdev vhost-vdpa,id=n1,vhostfd=7\n-device virtio-net-pci,netdev=n1\n-netdev vhost-vdpa,id=n2,vhostfd=7\n-device virtio-net-pci,netdev=n2',
    ),
  ],
  ['validate.device-shared', 'error', args('', '-netdev vhost-vdpa,id=n1,vhostdev=/dev//vhost-vdpa-0')],
  [
    'validate.device-shared',
    'error',
    args('', '-blockdev driver=virtio-blk-vhost-vdpa,node-name=b,path=/dev/vhost-vdpa-0,cache.direct=on'),
  ],
  ['validate.device-missing', 'error', args().replace('vdpa-0', 'vdpa-9'), onL1],
  [
    'validate.device-missing',
    'warning',
    args('', '-add-fd set=3,fd=9').replace('/dev/vhost-vdpa-0', '/dev/fdset/3'),
    onL1,
  ],
  [
    'validate.device-elsewhere',
    'warning',
    args(),
    {
      reports: [l1, reportWith((copy) => Object.assign(copy, { devices: [], host: { ...copy.host, name: 'l2' } }))],
      on: 'l1',
    },
  ],
  ['validate.device-class', 'error', args().replace('vdpa-0', 'vdpa-3'), onL1],
  ['validate.mac-differs', 'error', args('mac=52:54:00:0d:0a:77'), onL1],
  ['validate.mac-differs', 'warning', args().replace('vdpa-0', 'vdpa-2'), onL1],
  ['validate.mac-invalid', 'error', args('mac=53:54:00:0d:0a:77')],
  ['validate.mac-invalid', 'error', args('mac=52:54:00:0d:0a')],
  ['validate.mac-invalid', 'error', domain(nic({ mac: '52:54:00:0d:0a:zz' }))],
  ['validate.mac-invalid', 'warning', domain(nic() + nic({ src: source.replace('-0', '-1') }))],
  ['validate.mtu-differs', 'warning', args('host_mtu=1500'), onL1],
  ['validate.mtu-differs', 'warning', args('host_mtu=9000').replace('vdpa-0', 'vdpa-2'), onL1],
  ['validate.packed-not-offered', 'warning', args('packed=on'), onL1],
  ['validate.transitional', 'warning', onRoot('')],
  ['validate.transitional', 'warning', args('', '', { machine: '-M q35' }).replace(',bus=rp1,addr=0x0', '')],
  ['validate.transitional', 'error', onRoot('iommu_platform=on')],
  ['validate.modern-disabled', 'error', args('disable-modern=on')],
  [
    'validate.not-migratable',
    'warning',
    bare(generic('vhostdev=/dev/vhost-vdpa-0')),
    { reports: [l1, reportWith((copy) => (copy.host.name = 'l2'))] },
  ],
  [
    'validate.locked-memory',
    'error',
    domain(nic(), { head: "<memtune><hard_limit unit='MiB'>64</hard_limit></memtune>\n" }),
  ],
  [
    'validate.locked-memory',
    'warning',
    domain(nic(), { head: "<memtune><hard_limit unit='MiB'>256</hard_limit></memtune>\n" }),
  ],
  ['validate.locked-memory', 'warning', args(), onL1],
  ['validate.memory-not-shared', 'error', args().replace('vdpa-0', 'vdpa-2'), onL1],
  ['validate.qemu-lacks', 'error', args(), withQemu((qemu) => (qemu.netdevVhostVdpa = null))],
  ['validate.report-host-twice', 'error', `${JSON.stringify(l1)}\n${JSON.stringify(l1)}\n`],
  ['validate.report-device-twice', 'error', report((copy) => copy.devices.push(copy.devices[0]!))],
  [
    'validate.report-features',
    'error',
    report((copy) => (device(copy, 'vp0').identity.features = { bits: '0x1', names: ['VIRTIO_NET_F_MQ'] })),
  ],
  [
    'validate.report-features',
    'error',
    report((copy) => (device(copy, 'vp0').identity.features = { bits: '0x1', names: [] })),
  ],
  ['validate.report-virtqueues', 'error', report((copy) => (device(copy, 'vp0').identity.vqCount = 9))],
  [
    'validate.report-queue-pairs',
    'warning',
    report((copy) => {
      pairsOf(copy, 4);
    }),
  ],
  [
    'validate.report-incomplete',
    'warning',
    report((copy) => (device(copy, 'vp0').open = { unknown: 'EBUSY', detail: 'in use' })),
  ],
  [
    'validate.report-incomplete',
    'warning',
    report((copy) => (device(copy, 'vp0').virtqueues = { unknown: 'not-asked', detail: 'no' })),
  ],
];

function pairsOf(copy: HostReport, count: number): void {
  const { identity } = device(copy, 'vp0');
  const bits = BigInt((identity.features as { bits: string }).bits) | (1n << 22n);
  const names = (identity.features as { names: string[] }).names;
  names.splice(names.indexOf('VIRTIO_NET_F_GUEST_ANNOUNCE') + 1, 0, 'VIRTIO_NET_F_MQ');
  identity.features = { bits: `0x${bits.toString(16)}`, names };
  (identity.config as { maxVirtqueuePairs: number }).maxVirtqueuePairs = count;
}

describe('every rule finds what it is for', () => {
  const named = cases.map(([code, severity, text, options]) => ({ code, severity, text, options }));
  test.each(named)('$code $severity: %#', async ({ code, severity, text, options }) => {
    expect(await codesIn(text, options)).toContain(`${code} ${severity}`);
  });

  test('in one sentence, at its place, with a fix where one is known', async () => {
    const shown = [];
    for (const { code, severity, text, options } of named) {
      const found = (await findingsIn(text, options)).filter((one) => one.code === code && one.severity === severity);
      for (const { place, path, message, fix } of found) {
        const { line, column, option } = place ?? {};
        const there = line === undefined ? '' : (text.split('\n')[line - 1] ?? '').slice((column ?? 1) - 1).trim();
        shown.push(
          `${code} ${severity}, ${path} ${line ?? '-'}:${column ?? '-'}${option === undefined ? '' : ` option ${option}`}`,
          `  at  ${there.length > 90 ? `${there.slice(0, 88)}..` : there}`,
          `  says ${message}`,
          ...(fix === undefined ? [] : [`  fix  ${fix}`]),
        );
      }
    }
    const file = 'test/validate/rules.expected.txt';
    const text = `${shown.join('\n')}\n`;
    if (updateGolden) writeFileSync(file, text);
    else expect(text).toBe(readFileSync(file, 'utf8'));
  });

  test('all of them', () => {
    expect([...new Set(cases.map(([code]) => code))].sort()).toEqual(validationRules.map(({ code }) => code).sort());
  });

  test('codes are unique, and say where they come from', () => {
    expect(new Set(validationRules.map(({ code }) => code)).size).toBe(validationRules.length);
    for (const { source: from, asks, appliesTo } of validationRules) {
      expect(from.length).toBeGreaterThan(10);
      expect(asks).toMatch(/\?/);
      expect(appliesTo.length).toBeGreaterThan(0);
    }
  });

  test('a rule that needs a host says nothing without one', async () => {
    const needy = new Set(validationRules.filter(({ needsHost }) => needsHost === true).map(({ code }) => code));
    for (const [, , text] of cases) {
      const found = (await findingsIn(text)).map(({ code }) => code).filter((code) => needy.has(code));
      expect(found).toEqual([]);
    }
  });
});

describe('corners', () => {
  const codes = async (text: string, options?: ValidateOptions): Promise<string[]> =>
    (await findingsIn(text, options)).map(({ code, severity }) => `${code} ${severity}`);

  test('a plan is checked against another host than it was made for', async () => {
    const plan = readFileSync('test/golden/quickstart/expected.plan.json', 'utf8');
    const other = reportWith((copy) => {
      (copy.qemu[0]!.capabilities as { machines: object[] }).machines = [];
      copy.devices = copy.devices.filter(({ name }) => name !== 'vp0');
    });
    const found = await findingsIn(plan, { reports: [other] });
    expect(found.map(({ code }) => code).sort()).toEqual(['validate.device-missing', 'validate.machine-missing']);
    const lines = plan.split('\n');
    for (const { code, place } of found) {
      const line = lines[(place?.line ?? 0) - 1] ?? '';
      if (code === 'validate.machine-missing') expect(line).toContain('"machine": "pc-q35-10.0"');
    }
    const short = plan.replace(/"lockedMemoryBytes": \d+/, '"lockedMemoryBytes": 1024');
    expect((await findingsIn(short)).map(({ code, place }) => [code, lines[(place?.line ?? 0) - 1]?.trim()])).toEqual([
      ['validate.locked-memory', expect.stringContaining('"memoryBytes"')],
    ]);
  });

  test('as many queues as the device has', async () => {
    const text = domain(nic({ drv: "<driver queues='4' page_per_vq='off'/>" }));
    expect((await codes(text, pairs(4))).filter((one) => !one.startsWith('validate.doorbell'))).toEqual([]);
    expect(await codes(args('mq=on,vectors=10', '', { netdev: 'queues=4' }), pairs(4))).not.toContain(
      'validate.queues-ignored warning',
    );
  });

  test('the control virtqueue needs no vector where there is none', async () => {
    const without = changed((copy) => {
      const features = device(copy, 'vp0').identity.features as { names: string[] };
      features.names = features.names.filter((name) => name !== 'VIRTIO_NET_F_CTRL_VQ');
    });
    expect(await codes(args('vectors=3'), without)).not.toContain('validate.vectors info');
  });

  test('without a control virtqueue: only what the device offers, and nobody turned off, is in the way', async () => {
    const code = 'validate.mq-without-ctrl-vq';
    const said = async (more: string, options?: ValidateOptions): Promise<unknown[]> =>
      (await findingsIn(args(more), options))
        .filter((one) => one.code === code)
        .map(({ severity, fix }) => [severity, fix]);
    const off = 'ctrl_vq=off,ctrl_rx=off,ctrl_vlan=off,ctrl_mac_addr=off,guest_announce=off';
    expect(await said(off)).toEqual([]);
    expect(await said(`${off},mq=on`)).toEqual([['error', 'ctrl_vq=on, or mq=off']]);
    const offering = (...names: string[]): ValidateOptions =>
      changed((copy) => void (device(copy, 'vp0').identity.features = { bits: '0x0', names }));
    expect(await said('ctrl_vq=off,mq=on', offering())).toEqual([]);
    expect(await said('ctrl_vq=off', offering('VIRTIO_NET_F_CTRL_MAC_ADDR'))).toEqual([
      ['error', 'ctrl_vq=on, or ctrl_mac_addr=off'],
    ]);
    const unknown = changed((copy) => void (device(copy, 'vp0').identity.features = { unknown: 'EIO', detail: '' }));
    expect(await said('ctrl_vq=off,ctrl_rx=off,ctrl_vlan=off', unknown)).toEqual([
      ['warning', 'ctrl_vq=on, or ctrl_mac_addr=off,guest_announce=off'],
    ]);
  });

  test('what is not known is not judged', async () => {
    const blank = { unknown: 'not-asked', detail: 'no' };
    const unknown = changed((copy) => {
      copy.qemu[0]!.capabilities = blank;
      for (const one of copy.devices) {
        one.charDevice = one.name === 'vp0' ? one.charDevice : blank;
        one.identity.features = blank;
        one.identity.config = blank;
      }
    });
    const text = args('mq=on,vectors=10,packed=on,host_mtu=9000', '', { netdev: 'queues=4' });
    expect(
      (await codes(text, unknown)).filter((one) => /mq-pairs|packed|mtu|mac-differs|queue-pairs/.test(one)),
    ).toEqual([]);
    expect(await codes(report((copy) => (device(copy, 'vp1').charDevice = blank)))).toEqual([]);
    expect(await codes(report((copy) => (device(copy, 'vp1').identity.vqCount = blank)))).toEqual([]);
    expect(await codes(report((copy) => (device(copy, 'vp1').identity.features = blank)))).toEqual([]);
  });

  test('memory that is unknown, and an interface alone, have no limit to check', async () => {
    const text = domain(nic(), { head: "<memtune><hard_limit unit='KiB'>1</hard_limit></memtune>\n" });
    expect(await codes(text.replace("<memory unit='MiB'>128", "<memory unit='parsec'>128"))).toEqual([]);
    expect(await codes(nic(), onL1)).toEqual(['validate.doorbell-unused info']);
  });

  test('-drive with a vDPA device, whose cache is one word', async () => {
    const of = (cache: string): Promise<string[]> =>
      codes(args('', `-drive driver=virtio-blk-vhost-vdpa,path=/dev/vhost-vdpa-3,if=none,id=d${cache}`));
    for (const bad of ['', ',cache=writeback', ',cache.direct=off'])
      expect(await of(bad)).toContain('validate.disk-cache-direct error');
    for (const good of [',cache=none', ',cache=directsync', ',cache.direct=on'])
      expect(await of(good)).not.toContain('validate.disk-cache-direct error');
  });

  test('paths that are none, each in its own words', async () => {
    const of = async (path: string): Promise<string | undefined> =>
      (await findingsIn(args().replace('/dev/vhost-vdpa-0', path))).find(({ code }) => code === 'validate.device-path')
        ?.message;
    expect(await of('@VDPA@')).toContain('"@VDPA@" is a placeholder');
    expect(await of("'{{dev}}'")).toContain('is a placeholder');
    expect(await of('')).toContain('is empty');
    expect(await of('vhost-vdpa-0')).toContain('is relative');
  });

  test('a value in XML is not one of an option', async () => {
    const [found] = await findingsIn(domain(nic({ drv: "<driver rx_queue_size='abc'/>" })));
    expect(found?.message).toBe('rx_queue_size must be a whole number from 0 on; got "abc"');
  });

  test('a locked memory limit for a device that pins nothing', async () => {
    const tight = domain(nic({ src: source.replace('-0', '-2'), mac: '52:54:00:0d:0a:02' }), {
      head: `<memtune><hard_limit unit='KiB'>1</hard_limit></memtune>\n${memory}`,
    });
    expect((await codes(tight, onL1)).filter((one) => one.includes('locked-memory'))).toEqual([]);
  });

  test('names from outside are cut and made harmless', async () => {
    const long = `/dev/vhost-vdpa-${'9'.repeat(3000)}\u001b[2J`;
    for (const one of await findingsIn(args().replace('/dev/vhost-vdpa-0', `'${long}'`), onL1)) {
      expect(one.message.length).toBeLessThan(1000);
      expect(one.message).not.toContain('\u001b');
    }
  });

  test('<qemu:commandline> without vDPA devices, and with too little memory told', async () => {
    expect(await codes(domain('', { tail: qemuArgs('-device', 'virtio-rng-pci') }))).toEqual([]);
    const arg = qemuArgs('-netdev', 'vhost-vdpa,id=x,vhostdev=/dev/vhost-vdpa-1');
    const of = (head: string): string => domain('', { head, tail: arg });
    expect(await codes(of(''))).toContain('validate.libvirt-memlock error');
    expect(await codes(of('<memoryBacking><locked/></memoryBacking>\n'))).not.toContain(
      'validate.libvirt-memlock error',
    );
    expect(await codes(of("<memtune><hard_limit unit='GiB'>4</hard_limit></memtune>\n"))).not.toContain(
      'validate.libvirt-memlock error',
    );
  });

  test('with -readconfig nothing is missing', async () => {
    const text =
      'qemu-system-x86_64 -nodefaults -readconfig /run/vm.conf -device virtio-net-pci,netdev=n0,page-per-vq=off';
    expect((await codes(text)).filter((one) => one.startsWith('validate.'))).toEqual(['validate.not-read warning']);
  });

  test('-nic vhost-vdpa is a netdev and a device', async () => {
    const nicOf = (more: string): string =>
      bare(`-nic vhost-vdpa,vhostdev=/dev/vhost-vdpa-9,mac=53:54:00:00:00:01${more}`);
    const found = await codes(nicOf(',model=virtio-net-pci'), onL1);
    expect(found).toContain('validate.mac-invalid error');
    expect(found).toContain('validate.device-missing error');
    expect(await codes(nicOf(''))).toContain('validate.front-end error');
    expect(await codes(bare('-nic user,model=virtio'))).toEqual([]);
  });

  test('machine types of distributions have a version', async () => {
    for (const machine of ['pc-q35-noble', 'pc-i440fx-jammy', 'pc-q35-jammy-hpb', 'pc-q35-rhel9.4.0'])
      expect(await codes(args('', '', { machine: `-M ${machine}` }))).not.toContain(
        'validate.machine-unversioned warning',
      );
  });

  test('page-per-vq of <qemu:override>', async () => {
    const absent = 'validate.page-per-vq-absent info';
    const of = (drv: string, change: string): Promise<string[]> =>
      codes(domain(nic({ drv }), { tail: overridden('page-per-vq').replace("type='bool' value='true'", change) }));
    expect(await of('', "type='bool' value='false'")).not.toContain(absent);
    expect(await of(driver, "type='remove'")).toContain(absent);
  });

  test('-global gives a device its properties', async () => {
    const text = args('', '-global virtio-net-pci.disable-legacy=yes');
    expect(await codes(text)).toContain('validate.on-off-auto error');
    const absent = args('', '-global virtio-net-pci.page-per-vq=off').replace(',page-per-vq=off,vec', ',vec');
    expect(await codes(absent)).not.toContain('validate.page-per-vq-absent info');
  });

  test('the other names of iommus, and drivers that are not known', async () => {
    const arm = args('', '', { netdev: 'x-svq=on', machine: '-M virt-10.0,iommu=smmuv3' });
    expect(await codes(arm.replace('x86_64', 'aarch64'))).toContain('validate.shadow-virtqueues-iommu error');
    expect(await codes(args('', '-device nonsense,foo=1\n-device foo'))).toEqual([]);
    expect(await codes(args('x-new=1'))).toEqual([]);
    expect(await codes(args('', '-netdev user,id=u\n-device e1000,netdev=u'))).toEqual([]);
  });
});

describe('and nothing in what is sound', () => {
  const all = validationRules.map(({ code }) => code);
  const of = async (text: string, options?: ValidateOptions): Promise<string[]> =>
    (await codesIn(text, options)).filter((code) => all.includes(code.split(' ')[0]!));

  test('alone', async () => {
    for (const text of [args(), domain(nic()), nic(), JSON.stringify(l1)]) expect(await of(text)).toEqual([]);
    expect(await of(domain(nic({ drv: "<driver queues='4' page_per_vq='on'><host csum='on'/></driver>" })))).toEqual(
      [],
    );
    expect(await of(domain(vdpaDisk("<driver name='qemu' type='raw' cache='none'/>"), { head: memory }))).toEqual([]);
    expect(await of(domain(nic(), { head: '<memoryBacking><locked/></memoryBacking>\n' }))).toEqual([]);
    expect(await of(bare(generic('vhostdev=/dev/vhost-vdpa-0,page-per-vq=off')))).toEqual([]);
  });

  test('on its host', async () => {
    expect(await of(args('page-per-vq=on'), onL1)).toEqual(['validate.locked-memory warning']);
    expect(await of(domain(nic({ drv: "<driver page_per_vq='on'/>" })), onL1)).toEqual([]);
    expect(await of(domain(nic({ drv: driver })), onL1)).toEqual(['validate.doorbell-unused info']);
  });

  test('on a host of which nothing is known but its name', async () => {
    const unknown = { unknown: 'not-asked', detail: 'no' };
    const blank = changed((copy) => {
      copy.qemu = [];
      copy.host.lockedMemoryLimit = unknown;
      for (const one of copy.devices) {
        one.virtqueues = unknown;
        for (const key of Object.keys(one.identity))
          (one.identity as unknown as Record<string, unknown>)[key] = unknown;
      }
    });
    expect(await of(args('packed=on,host_mtu=9000,rx_queue_size=1024'), blank)).toEqual([]);
  });
});

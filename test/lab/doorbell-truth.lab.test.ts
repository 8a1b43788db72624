/**
 * The truth table of doorbells: for every layout, kernel and page size, the verdict of `assess` beside what an independent
 * C program is answered by mmap, and beside the host notifiers that a running QEMU really has.
 *
 * VDPA_QEMU_LAB=full takes every cell and writes docs/truth/doorbell.md. Otherwise one platform is taken, QEMU is started
 * on one device of each kind, and what is found has to stand in that file.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Assessment } from '../../src/model/generated/assessment.ts';
import type { HostReport } from '../../src/model/generated/host-report.ts';
import { newLines, sectionsOf } from './truth-file.ts';
import { zooLayouts, type LabDevice, type ZooLayout } from './devices.ts';
import { full } from './extent.ts';
import { images, missing, type Arch, type ImageOptions } from './images.ts';
import { bootL1, type L1 } from './l1.ts';
import { bootL2, endL2, type L2Options } from './l2.ts';
import { probe, product } from './product.ts';
import { doorbells, hostNotifiers, mappedDoorbells, qmpReturn, until } from './witness.ts';

const file = 'docs/truth/doorbell.md';
const mac = '52:54:00:0d:0b:00';

interface Platform {
  readonly label: string;
  readonly arch: Arch;
  readonly images: ImageOptions;
}

/** One device of each kind of answer. */
const oneOfAKind = new Set(['vp0', 'vp1', 'blk-page', 'zoo-page', 'zoo-registers', 'zoo-mixed']);

const platforms: readonly Platform[] = [
  { label: 'x86-64, 4K pages, kernel 6.12', arch: 'x86_64', images: {} },
  { label: 'x86-64, 4K pages, kernel 6.1', arch: 'x86_64', images: { kernel: '6.1' } },
  { label: 'arm64, 64K pages, kernel 6.12', arch: 'arm64-64k', images: { arch: 'arm64-64k' } },
  { label: 'arm64, 64K pages, kernel 6.1', arch: 'arm64-64k', images: { arch: 'arm64-64k', kernel: '6.1' } },
];

const devices: readonly LabDevice[] = [
  { kind: 'vp', name: 'vp0', mac: '52:54:00:0d:0a:00', pagePerVq: true },
  { kind: 'vp', name: 'vp1', mac: '52:54:00:0d:0a:01', pagePerVq: false },
  { kind: 'sim-net', name: 'sim0', add: ['mac', mac] },
  { kind: 'sim-blk', name: 'blk0' },
  { kind: 'sim-blk', name: 'blk-page', zoo: 'page' },
  ...zooLayouts.map((zoo): LabDevice => ({ kind: 'sim-net', name: `zoo-${zoo}`, zoo, add: ['mac', mac] })),
];

/** What a layout really is, from its definition in zoo/doorbell-zoo.c: does the page hold nothing but own doorbells? */
const exclusive: Readonly<Record<ZooLayout, boolean>> = {
  none: true,
  page: true,
  'page-data': true,
  '2byte': false,
  '4byte': false,
  '4k': true,
  shared: true,
  registers: false,
  'bar-end': true,
  big: false,
  mixed: true,
};

/** A simulator's page is its programmer's word, and the programmer of the zoo gives it as an operator would. */
const ownWord = JSON.stringify({
  schemaVersion: 1,
  kind: 'ParentKnowledge',
  parents: devices.flatMap((device) =>
    device.kind === 'vp' || device.zoo === undefined
      ? []
      : [
          {
            driver: device.kind === 'sim-net' ? 'vdpasim_net' : 'vdpasim_blk',
            device: device.name,
            area: 'unknown',
            exclusive: exclusive[device.zoo] ? 'yes' : 'no',
            ...(exclusive[device.zoo] ? {} : { hazard: 'the page also holds something else' }),
            source: 'test/lab/zoo/doorbell-zoo.c',
          },
        ],
  ),
});

const errnoNames: Readonly<Record<number, string>> = { 0: 'mapped', 22: 'EINVAL', 524: 'ENOTSUPP' };
/** by the label of the platform */
const written = new Map<string, string>();

describe.each(full ? platforms : platforms.slice(0, 1))('doorbell truth, $label', (platform) => {
  const why = missing(platform.arch);
  if (why.length > 0) {
    test.skip(`left out: ${why.join(', ')}`, () => undefined);
    return;
  }
  let l1: L1;
  let report: HostReport;
  let bare: Assessment;
  let withWord: Assessment;
  let qemu = '';
  const rows: string[][] = [];

  beforeAll(async () => {
    l1 = await bootL1({ ...(await images(platform.images)), devices, bootTimeoutMs: 600_000 });
    report = await probe(l1);
    await l1.writeFile('/tmp/report.json', JSON.stringify(report));
    await l1.writeFile('/tmp/parents.json', ownWord);
    bare = await assessed();
    withWord = await assessed('--parents', '/tmp/parents.json');
    const binary = platform.arch === 'x86_64' ? 'qemu-system-x86_64' : 'qemu-system-aarch64';
    qemu = /version (\S+)/.exec(await l1.ok([binary, '--version']))?.[1] ?? '';
  });
  afterAll(async () => {
    const head = ['device', 'mmap', 'assess', 'with own word', 'notifiers predicted', 'notifiers in QEMU', 'agrees'];
    const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
    const text = `## ${platform.label}\n\nKernel ${report.host.kernelRelease}, host pages of ${Number(report.host.pageSize)} bytes, QEMU ${qemu}.\n\n${lines.join('\n')}\n`;
    console.log(text);
    if (rows.length === devices.length) written.set(platform.label, text);
    await l1.close();
  });

  async function assessed(...more: string[]): Promise<Assessment> {
    const { stdout } = await product(l1, ['assess', '/tmp/report.json', '--json', ...more]);
    return JSON.parse(stdout) as Assessment;
  }

  test.each(devices.map((device) => [device.name, device] as const))('%s', async (name, device) => {
    const node = l1.devices.get(name)!;
    const witness = await doorbells(l1, node);
    const mapped = witness.vqs.map(({ errno }) => errnoNames[errno] ?? String(errno));
    const own = bare.devices.find((one) => one.name === name)!;
    const told = withWord.devices.find((one) => one.name === name)!;
    const wrong: string[] = [];
    const demand = (holds: boolean, what: string): void => {
      if (!holds) wrong.push(what);
    };
    demand(own.virtqueues.map(({ kernel }) => kernel).join() === mapped.join(), 'mmap');

    const truth = device.kind === 'vp' || device.zoo === undefined || exclusive[device.zoo];
    for (const { index, verdict } of [...own.virtqueues, ...told.virtqueues]) {
      const works = mapped[index] === 'mapped' && witness.pageSize === 4096;
      demand(verdict !== 'safe' || (works && truth), `vq ${index} is ${verdict}`);
      demand((verdict === 'unavailable') === !works, `vq ${index} is ${verdict}`);
    }
    // with the word of who made it, no doorbell is left unknown
    for (const { index, verdict } of told.virtqueues) demand(verdict !== 'unknown', `vq ${index} is unknown`);

    const isNet = device.kind !== 'sim-blk';
    // the guest takes no control virtqueue, so that nothing of it is started
    const control = own.virtqueues.find(({ role }) => role === 'control')?.index;
    const predicted = isNet
      ? own.expectedHostNotifiers.netdev.filter((index) => index !== control)
      : own.expectedHostNotifiers.device;
    const seen = full || oneOfAKind.has(name) ? await notifiersOf(node, device) : undefined;
    demand(seen === undefined || seen === JSON.stringify(predicted), 'host notifiers');
    rows.push([
      name,
      mapped.join(' '),
      own.virtqueues.map(({ verdict }) => verdict).join(' '),
      told.virtqueues.map(({ verdict }) => verdict).join(' '),
      JSON.stringify(predicted),
      seen ?? 'not started',
      wrong.length === 0 ? 'yes' : `NO: ${wrong.join(', ')}`,
    ]);
    expect(wrong).toEqual([]);
  });

  /** What a running QEMU has, by its object tree and by the kernel's list of its mappings, which have to say the same. */
  async function notifiersOf(node: string, device: LabDevice): Promise<string> {
    const l2 = device.kind === 'sim-blk' ? await startDisk(node) : await bootL2(l1, netGuest(node, device));
    try {
      const qom = (await hostNotifiers(l1, l2.socket, 'net0')).map(({ vq }) => vq);
      const maps = await mappedDoorbells(l1, l2.qemu.pid, node, Number(report.host.pageSize));
      return JSON.stringify(qom) === JSON.stringify(maps) ? JSON.stringify(qom) : JSON.stringify({ qom, maps });
    } finally {
      await endL2(l1, l2);
    }
  }

  /** A guest of the host's own kind once; the others are x86 guests, on arm64 too, where they are up far sooner. */
  function netGuest(node: string, device: LabDevice): L2Options {
    const guest = device.name === 'zoo-page' ? platform.arch : 'x86_64';
    return { device: node, mac: macOf(device), guest };
  }

  /** The device_status register (virtio 1.3, 4.1.4.3), in the BAR that QEMU gives it. */
  async function deviceStatus(socket: string): Promise<number> {
    const buses = (await qmpReturn(l1, socket, { execute: 'query-pci' })) as { devices: PciDevice[] }[];
    const all = buses.flatMap(({ devices: on }) => on.flatMap((one) => [one, ...(one.pci_bridge?.devices ?? [])]));
    const bar = all.find(({ qdev_id: id }) => id === 'net0')?.regions.find(({ bar: index }) => index === 4);
    if (bar === undefined || bar.address <= 0) return 0;
    const read = { 'command-line': `xp /1bx ${bar.address + 20}` };
    const text = await qmpReturn(l1, socket, { execute: 'human-monitor-command', arguments: read });
    return parseInt(String(text).split(':')[1] ?? '0', 16);
  }

  async function startDisk(node: string) {
    const socket = `/run/lab/truth-${node.split('-').at(-1)}.sock`;
    const process = await l1.spawn([
      ...['prlimit', '--memlock=unlimited', 'qemu-system-x86_64', '-M', 'q35,memory-backend=ram', '-accel', 'tcg'],
      ...['-m', '256', '-nodefaults', '-display', 'none', '-qmp', `unix:${socket},server=on,wait=off`],
      ...['-object', 'memory-backend-memfd,id=ram,size=256M,share=on'],
      ...['-device', 'pcie-root-port,id=port0,chassis=1,addr=0x2'],
      ...['-device', `vhost-vdpa-device-pci,id=net0,bus=port0,page-per-vq=on,bootindex=1,vhostdev=${node}`],
    ]);
    // SeaBIOS is its driver; QEMU 10.0 must not be asked for the virtio status of such a device (it crashes)
    await until('DRIVER_OK', async () => (((await deviceStatus(socket)) & 4) === 0 ? undefined : true));
    return { socket, qemu: process };
  }
});

interface PciDevice {
  readonly qdev_id: string;
  readonly regions: readonly { readonly bar: number; readonly address: number }[];
  readonly pci_bridge?: { readonly devices?: readonly PciDevice[] };
}

function macOf(device: LabDevice): string {
  return device.kind === 'vp' ? device.mac : mac;
}

afterAll(() => {
  if (written.size === 0) return;
  if (full) {
    // a run of some platforms (-t LABEL) leaves the others as they are
    const old = sectionsOf(readFileSync(file, 'utf8'));
    const sections = platforms.flatMap(({ label }) => written.get(label) ?? old.get(label) ?? []);
    writeFileSync(file, `${heading}\n${sections.join('\n')}`);
    return;
  }
  // what was taken has to be what the whole run has found; versions and QEMU's column may be left out
  const sections = sectionsOf(readFileSync(file, 'utf8'));
  const news = [...written].flatMap(([label, text]) => newLines(text, sections.get(label) ?? ''));
  expect(news, `${file} is stale: npm run test:lab:full writes it`).toEqual([]);
});

const heading = `# Doorbells: what was predicted, and what is

Written by the lab (\`npm run test:lab:full\`, test/lab/doorbell-truth.lab.test.ts); not by hand.

- **mmap**: what the kernel answers an independent C program, per virtqueue.
- **assess**: the product's verdict per virtqueue, from its own probe.
- **with own word**: the same with \`--parents\`, where the one who made the device says what its page holds. The zoo is a simulator that reports any layout it is told to (test/lab/zoo); nothing but such a word can tell an exclusive page from one that holds other registers (zoo-registers).
- **notifiers predicted** and **in QEMU**: the virtqueues whose host notifier a QEMU with page-per-vq=on is to have, and those it has once the guest driver runs. Of a net device without the control virtqueue, which the guest of these runs does not take: our own driver (test/lab/guest), on arm64 too; a Linux for zoo-page there; SeaBIOS for disks.

A row agrees where the product reports mmap's answers, says \`safe\` only of a page that is mapped, exclusive, and installed by QEMU, says \`unavailable\` exactly where it is not mapped or QEMU does not install it, and predicts QEMU's host notifiers.
`;

/**
 * `check-migration --with` on guests without vDPA, against QEMU of this machine: nothing that fails may be called
 * `can`, and nothing that completes `cannot`. No vDPA host is booted.
 */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readGuestConfiguration } from '../../src/import/read.ts';
import { checkMigration } from '../../src/migration/check-migration.ts';
import { parseReports } from '../../src/report/parse-reports.ts';
import { chosen, whatIsLeftOut } from './extent.ts';
import { missing } from './images.ts';
import { migratePlain } from './plain-migration.ts';
import { Table } from './table.ts';

const why = missing();
const folder = mkdtempSync(join(tmpdir(), 'plain-'));
const [host] = await parseReports(readFileSync('test/fixtures/migration/l1.json', 'utf8'), 'l1.json');
host!.host.lockedMemoryLimit = 'unlimited';
const kvm = isAccessible('/dev/kvm');
host!.host.kvm = kvm;

function isAccessible(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const file = (name: string, size: number): string => {
  writeFileSync(join(folder, name), Buffer.alloc(size));
  return join(folder, name);
};
const [small, large] = [file('small.fd', 128 << 10), file('large.fd', 256 << 10)];

const nic = (more: string): string[] => [
  ...['-netdev', 'user,id=n,restrict=on'],
  ...['-device', `virtio-net-pci,netdev=n,id=net0,mac=52:54:00:00:00:01,romfile=${more}`],
];
const at5 = (more: string): string[] => nic(`,addr=5,vectors=4${more}`);
const device = (...devices: string[]): string[] => devices.flatMap((one) => ['-device', one]);
const ram = (id: string, mib: number): string[] => ['-object', `memory-backend-ram,id=${id},size=${mib}M`];
const dimm = (id: string, mib: number): string[] => [...ram(id, mib), ...device(`pc-dimm,id=dimm0,memdev=${id}`)];
const slots = ['-m', '32,slots=4,maxmem=2G'];
const nodes = (a: number, b: number): string[] => [
  ...['-m', '64', '-smp', '2', '-machine', 'pc-q35-7.2'],
  ...[...ram('m0', a), ...ram('m1', b), '-numa', 'node,memdev=m0', '-numa', 'node,memdev=m1'],
];
const flash = (path: string): string[] => ['-drive', `if=pflash,format=raw,readonly=on,file=${path}`];
const disk = (name: string, more: string): string[] => [
  ...['-blockdev', `driver=null-co,node-name=${name},read-zeroes=on`],
  ...device(`virtio-blk-pci,drive=${name},${more}`),
];
const drive = (more: string): string[] => [
  ...['-drive', `if=none,id=d,format=raw,snapshot=on,file=${large}${more}`],
  ...device('virtio-blk-pci,drive=d,addr=9,num-queues=1'),
];
const boardDrive = (more: string): string[] => ['-drive', `if=virtio,format=raw,snapshot=on,file=${large}${more}`];
const port = (more: string): string[] => device(`pcie-root-port,id=p,addr=6${more}`);
const i440fx = ['-machine', 'pc-i440fx-7.2'];
const serial = device('virtio-serial-pci,id=ser,addr=7');
const usb = device('qemu-xhci,id=usb,addr=8');

interface Pair {
  readonly name: string;
  readonly source: readonly string[];
  readonly destination: readonly string[];
  readonly usual?: boolean;
}
const pair = (name: string, source: readonly string[], destination = source, usual = true): Pair => ({
  name,
  source,
  destination,
  usual,
});

const pairs: readonly Pair[] = [
  pair('the same', at5('')),
  pair('page-per-vq by -set', [...at5(''), '-set', 'device.net0.page-per-vq=on'], at5('')),
  pair('page-per-vq by -global', [...at5(''), '-global', 'virtio-net-pci.page-per-vq=on'], at5('')),
  pair('page-per-vq by a property, and by -set', at5(',page-per-vq=on'), [
    ...at5(''),
    '-set',
    'device.net0.page-per-vq=on',
  ]),
  pair('vectors', at5(''), nic(',addr=5,vectors=6')),
  pair(
    'places by the order of creation',
    [...nic(''), ...device('virtio-rng-pci')],
    [...device('virtio-rng-pci'), ...nic('')],
  ),
  pair('a device more, before one without a place', nic(''), [...device('virtio-rng-pci'), ...nic('')]),
  pair(
    'two devices without a place, exchanged',
    device('virtio-rng-pci', 'virtio-balloon-pci'),
    device('virtio-balloon-pci', 'virtio-rng-pci'),
  ),
  pair(
    'two disks without a place, exchanged',
    [...disk('a', 'num-queues=1'), ...disk('b', 'num-queues=2')],
    [...disk('b', 'num-queues=2'), ...disk('a', 'num-queues=1')],
  ),
  pair('two devices of other names, exchanged', device('qemu-xhci', 'ich9-ahci'), device('ich9-ahci', 'qemu-xhci')),
  pair(
    'two devices without a place on i440fx, the bus named once',
    [...i440fx, ...device('virtio-balloon-pci', 'virtio-rng-pci,bus=pci.0')],
    [...i440fx, ...device('virtio-rng-pci', 'virtio-balloon-pci,bus=pci.0')],
  ),
  pair(
    'a device in JSON is created last',
    device('{"driver":"virtio-rng-pci"}', 'virtio-balloon-pci'),
    device('virtio-balloon-pci', 'virtio-rng-pci'),
  ),
  pair(
    'a device of a place of its own, which one without would have had',
    device('virtio-rng-pci'),
    device('virtio-balloon-pci,addr=1', 'virtio-rng-pci'),
  ),
  pair(
    'a device of a place of its own behind one without',
    device('virtio-rng-pci'),
    device('virtio-rng-pci', 'virtio-balloon-pci,addr=9'),
  ),
  pair('a place written out', device('virtio-rng-pci'), device('virtio-rng-pci,addr=1')),
  pair('other names of devices', device('virtio-balloon,addr=9'), device('virtio-balloon-pci,addr=9')),
  pair('another place', at5(''), nic(',addr=9,vectors=4')),
  pair('flash gone', flash(small), []),
  pair('flash added', [], flash(small)),
  pair('flash of another size', flash(small), flash(large)),
  pair('flash, the same', flash(small)),
  pair('a disk by -drive', ['-drive', `if=virtio,format=raw,readonly=on,file=${large}`], []),
  pair('RAM of a dimm', [...slots, ...dimm('d', 128)], [...slots, ...dimm('d', 256)]),
  pair('name of the RAM of a dimm', [...slots, ...dimm('d', 128)], [...slots, ...dimm('e', 128)]),
  pair('a dimm more', slots, [...slots, ...dimm('d', 128)], false),
  pair('NUMA nodes of other sizes', nodes(32, 32), nodes(16, 48)),
  pair('NUMA nodes', nodes(32, 32)),
  pair(
    'size of shared memory',
    [...ram('hm', 1), ...device('ivshmem-plain,memdev=hm,master=on,addr=9')],
    [...ram('hm', 2), ...device('ivshmem-plain,memdev=hm,master=on,addr=9')],
  ),
  pair('shared memory of a peer', [...ram('hm', 1), ...device('ivshmem-plain,memdev=hm,master=off,addr=9')]),
  pair('an NVMe disk', [
    ...['-blockdev', 'driver=null-co,node-name=n,read-zeroes=on'],
    ...device('nvme,drive=n,serial=x,addr=9'),
  ]),
  pair('the IOMMU of AMD', device('amd-iommu')),
  pair('chassis of a root port', port(',chassis=1'), port(',chassis=2')),
  pair('port of a root port', port(',chassis=1,port=1'), port(',chassis=1,port=2')),
  pair(
    'a root port more',
    port(',chassis=1'),
    [...port(',chassis=1'), ...device('pcie-root-port,id=q,addr=9,chassis=2')],
    false,
  ),
  pair(
    'option ROM',
    nic(',addr=5,vectors=4').map((word) => word.replace('romfile=', 'romfile=efi-virtio.rom')),
    at5(''),
  ),
  pair('size of no ROM', at5(''), at5(',romsize=65536')),
  pair('mq', at5(',mq=on'), at5('')),
  pair('pvpanic gone', device('pvpanic'), []),
  pair('pvpanic on PCI gone', device('pvpanic-pci,addr=9'), []),
  pair('a debug console gone', ['-chardev', 'null,id=c', ...device('isa-debugcon,chardev=c')], [], false),
  pair('a port of virtio-serial more', serial, [
    ...serial,
    '-chardev',
    'null,id=c',
    ...device('virtserialport,bus=ser.0,chardev=c,name=a'),
  ]),
  pair(
    'USB devices in another order',
    [...usb, ...device('usb-tablet', 'usb-kbd')],
    [...usb, ...device('usb-kbd', 'usb-tablet')],
  ),
  pair(
    'USB devices at their ports',
    [...usb, ...device('usb-tablet,port=1', 'usb-kbd,port=2')],
    [...usb, ...device('usb-kbd,port=2', 'usb-tablet,port=1')],
  ),
  pair(
    'a serial port, said otherwise',
    ['-serial', 'null'],
    ['-chardev', 'null,id=c', ...device('isa-serial,chardev=c')],
  ),
  pair('no serial port there', ['-serial', 'null'], []),
  pair('flags of the CPU, said otherwise', ['-cpu', 'qemu64,+sse4.1'], ['-cpu', 'qemu64,sse4-1=on']),
  pair('all +x above all x=', ['-cpu', 'qemu64,+sse4.1,sse4.1=off'], ['-cpu', 'qemu64,sse4-1=on']),
  pair('all -x above all +x', ['-cpu', 'qemu64,-sse3,+pni'], ['-cpu', 'qemu64,pni=off']),
  pair(
    'SMBIOS and globals, said otherwise',
    [
      ...['-smbios', 'type=1,product=a,serial=b', '-global', 'driver=ICH9-LPC,property=disable_s3,value=1'],
      ...['-boot', 'menu=on', '-boot', 'menu=off', '-net', 'none', '-vga', 'none', '-parallel', 'none'],
    ],
    ['-smbios', 'type=1,serial=b,product=a', '-global', 'ICH9-LPC.disable_s3=1'],
  ),
  pair(
    'a machine option with underscores',
    ['-machine', 'pc-q35-7.2,default_bus_bypass_iommu=on'],
    ['-machine', 'pc-q35-7.2,default-bus-bypass-iommu=on'],
  ),
  pair('-usb', ['-usb'], ['-machine', 'pc-q35-7.2,usb=on']),
  pair('memory, said otherwise', ['-m', '0x20'], ['-m', '32M']),
  pair('memory', ['-m', '32'], ['-m', '64']),
  pair('fewer CPUs', ['-smp', '2'], ['-smp', '1']),
  pair('machine type', ['-machine', 'pc-q35-7.1'], ['-machine', 'pc-q35-7.2']),
  pair('two devices in one place', at5(''), [...at5(''), ...device('virtio-rng-pci,addr=5')]),
  pair('VGA gone', device('VGA,addr=9'), [], false),
  pair('memory of VGA', device('VGA,addr=9,vgamem_mb=16'), device('VGA,addr=9,vgamem_mb=32')),
  pair('ring size of a disk', disk('a', 'addr=9,num-queues=1'), disk('a', 'addr=9,num-queues=1,queue-size=128'), false),
  pair('a CD in a virtio disk', drive(',media=cdrom'), drive('')),
  pair('a disk that writes through', drive(',cache=writethrough'), drive('')),
  pair('a disk of the board that writes through', boardDrive(',cache=writethrough'), boardDrive('')),
  pair('queues of a disk', disk('a', 'addr=9,num-queues=1'), disk('a', 'addr=9,num-queues=2'), false),
];

const over = (netdev: string, model = 'virtio-net-pci', more = ',vectors=4'): string[] => [
  ...['-netdev', `${netdev},id=n`],
  ...device(`${model},netdev=n,addr=5,mac=52:54:00:00:00:01,romfile=${model === 'virtio-net-pci' ? more : ''}`),
];
const [user, socket] = ['user,restrict=on', 'socket,udp=127.0.0.1:47777,localaddr=127.0.0.1:47778'];
const tap = (more = ''): string => `tap,script=no,downscript=no${more}`;
const taps = existsSync('/dev/net/tun') && process.getuid?.() === 0;
const backEnds: readonly Pair[] = [
  pair('from user to socket', over(user), over(socket)),
  pair('from user to socket, of an e1000', over(user, 'e1000'), over(socket, 'e1000')),
  pair('from socket to user', over(socket), over(user)),
  ...(taps
    ? [
        pair('from tap to user', over(tap()), over(user)),
        pair('from socket to tap', over(socket), over(tap())),
        pair('from tap with headers to tap without', over(tap()), over(tap(',vnet_hdr=off'))),
        pair('from tap without headers to tap with', over(tap(',vnet_hdr=off')), over(tap())),
        pair('queues of a tap', over(tap(',queues=4')), over(tap(',queues=2'))),
        pair(
          'vectors counted by the queues of a tap',
          over(tap(',queues=4'), undefined, ''),
          over(tap(',queues=2'), undefined, ''),
        ),
        pair(
          'vectors of a tap, written out',
          over(tap(',queues=2'), undefined, ''),
          over(tap(',queues=2'), undefined, ',vectors=6'),
        ),
      ]
    : []),
];
const accelerators = ['tcg', 'kvm'].map((accel) => ['-accel', accel]);
const underKvm: readonly Pair[] = kvm
  ? [
      pair('from KVM to TCG', accelerators[1]!, accelerators[0]),
      pair('from TCG to KVM', accelerators[0]!, accelerators[1]),
      pair('KVM at both ends', accelerators[1]!),
      pair('invtsc, under KVM', [...accelerators[1]!, '-cpu', 'qemu64,+invtsc']),
    ]
  : [];
const image = (format: string, more = ''): string[] => {
  const path = join(folder, `image.${format}`);
  if (why.length === 0) execFileSync('qemu-img', ['create', '-q', '-f', format, path, '1M']);
  return [
    ...['-drive', `file=${path},format=${format},if=none,id=d${more}`],
    ...device('virtio-blk-pci,drive=d,addr=9,num-queues=1'),
  ];
};
const images: readonly Pair[] = ['vmdk', 'vdi', 'vpc', 'vhdx', 'qcow', 'parallels'].map((format) =>
  pair(`an image of format ${format}`, image(format), undefined, format === 'vmdk'),
);

const board = ['qemu-system-x86_64', '-nodefaults', '-machine', 'pc-q35-7.2', '-cpu', 'qemu64', '-m', '32'];

/** The verdict; `unreadable` where a configuration is refused because QEMU would not start with it. */
function predict(source: readonly string[], destination: readonly string[]): string {
  const [before, after] = [source, destination].map((argv) =>
    readGuestConfiguration(JSON.stringify(argv), { as: 'qemu-argv', reports: [host!] }),
  );
  const errors = [before, after].flatMap((read) => read!.findings.filter(({ severity }) => severity === 'error'));
  if (errors.length > 0) return `cannot (${errors[0]!.code})`;
  const [there] = checkMigration(before!.configuration!, [host!], {
    from: host,
    with: after!.configuration,
  }).destinations;
  return there!.verdict;
}

describe.skipIf(why.length > 0)(`migrations of guests without vDPA ${why.join(', ')}`, () => {
  const table = new Table();
  afterAll(() => {
    const version = execFileSync('qemu-system-x86_64', ['--version'], { encoding: 'utf8' }).split('\n')[0] ?? '';
    console.log(`${version}\n${table.toString().replaceAll('DIFFERS', '')}${whatIsLeftOut()}`);
    rmSync(folder, { recursive: true, force: true });
  });

  const taken = chosen(
    'plain-migration.lab.test.ts',
    [...pairs, ...images, ...backEnds, ...underKvm],
    ({ usual }) => usual === true,
  );
  test.each(taken.map((one) => [one.name, one] as const))('%s', async (name, { source, destination }) => {
    const [before, after] = [source, destination].map((own) => [
      ...board,
      ...(own.includes('-accel') ? [] : ['-accel', 'tcg']),
      ...own,
    ]) as [string[], string[]];
    const predicted = predict(before, after);
    const { outcome, said } = await migratePlain(before, after);
    table.add(name, predicted, `${outcome}${said === '' ? '' : `: ${said.slice(0, 120)}`}`);
    expect(outcome, said).not.toBe('source did not start');
    if (outcome === 'completed') expect(predicted).not.toMatch(/^cannot/);
    else expect(predicted).toMatch(/^(cannot|unknown)/);
  });

  test('most are decided', () => {
    const decided = table.rows.filter(({ predicted }) => predicted !== 'unknown');
    expect(decided.length).toBeGreaterThan(table.rows.length * 0.6);
  });
});

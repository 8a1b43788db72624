/** QEMU command lines: forms, defaults by machine type, and what cannot be known. */
import { describe, expect, test } from 'vitest';
import { isUnknown } from '../../src/model/fact.ts';
import type { Guest } from '../../src/model/generated/guest-configuration.ts';
import { reportWith } from '../report-builder.ts';
import { codesOf, importText, withNic } from './importing.ts';

const nicOf = (text: string): Guest['interfaces'][number] => importText(text).guest.interfaces[0]!;
const guestOf = (text: string): Guest => importText(text).guest;
const board = (rest: string, machine = 'pc-q35-10.0'): string =>
  `qemu-system-x86_64 -nodefaults -machine ${machine} ${rest}`;

describe('forms', () => {
  const keyValue = withNic('page-per-vq=on');
  test('JSON options and key=value options are the same', () => {
    const json = keyValue.replace(
      /-device virtio-net-pci.*$/,
      `-device '{"driver":"virtio-net-pci","netdev":"n0","id":"net0","mac":"52:54:00:00:00:01","bus":"pci.1","addr":"0x0","vectors":4,"page-per-vq":true}'`,
    );
    expect(importText(json).digest).toBe(importText(keyValue).digest);
    expect(importText(json.replaceAll("'", '')).digest).toBe(importText(keyValue).digest);
  });

  test.each([
    ['options alone', keyValue.replace('qemu-system-x86_64 ', '')],
    ['with environment and prlimit before it', `LC_ALL=C prlimit --memlock=1:1 ${keyValue}`],
    ['with comments, continuations and CRLF', `# a comment\r\n${keyValue.replaceAll('\n', ' \\\r\n')} # end`],
    ['with a backslash at the end', `${keyValue} \\`],
    ['with two dashes', keyValue.replaceAll(' -', ' --')],
    ['with -M', keyValue.replace('-machine', '-M')],
  ])('%s', (_, text) => expect(importText(text).digest).toBe(importText(keyValue).digest));

  test('quotes, escapes and doubled commas', () => {
    const text = `-name 'a b',debug-threads=on -machine pc-q35-10.0 -netdev "vhost-vdpa,id=n0,vhostdev=/dev/a,,b\\"c\\d" -device virtio-net-pci,netdev=n0,id=\\x`;
    const { binding, name } = importText(text);
    expect(name).toBe('a b');
    expect(binding.devices).toMatchObject([{ id: 'x', charDevice: '/dev/a,b"c\\d' }]);
  });
});

describe('defaults of machine types', () => {
  test.each([
    ['pc-q35-2.7', { pagePerVq: true, vectors: 3, transitional: false }],
    ['pc-q35-2.8', { pagePerVq: false, vectors: 3 }],
    ['pc-q35-5.2', { vectors: 3, rxQueueSize: 256, txQueueSize: 256, mtu: null, optionRom: true, bootIndex: null }],
    ['pc-q35-2.6', { pagePerVq: true, transitional: true }],
  ])('%s', (machine, want) => {
    const text = withNic('').replace('pc-q35-10.0', machine).replace(',vectors=4', '');
    expect(nicOf(text)).toMatchObject(want);
  });

  test('vectors of newer types are counted by the device: not known', () => {
    expect(isUnknown(nicOf(withNic('').replace(',vectors=4', '')).vectors)).toBe(true);
  });

  test('a type that is not known here has no known defaults', () => {
    for (const machine of ['pc-q35-rhel9.4.0', 'pc-q35-11.5']) {
      const text = withNic('').replace('pc-q35-10.0', machine).replace(',vectors=4', '').replace('-cpu qemu64', '');
      const { guest, digest } = importText(`${text} -device virtio-blk-pci,drive=d,bus=pci.1 -smp 4`);
      expect(digest).toBeNull();
      expect(guest.machine).toBe(machine);
      const leaves = [
        guest.cpu.model,
        guest.cpu.cores,
        guest.ramBlock,
        guest.disks[0]!.queues,
        guest.disks[0]!.transitional,
      ];
      for (const leaf of [...leaves, guest.interfaces[0]!.vectors, guest.interfaces[0]!.pagePerVq]) {
        expect(isUnknown(leaf)).toBe(true);
      }
    }
  });

  test('properties with their default say nothing; others do', () => {
    expect(
      nicOf(withNic('csum=on,queue_reset=on,disable-modern=off,ioeventfd=off,romfile=efi-virtio.rom')).properties,
    ).toEqual({});
    expect(nicOf(withNic('csum=off,queue_reset=off,speed=1000,x-new=on')).properties).toEqual({
      csum: false,
      queue_reset: false,
      speed: 1000,
      'x-new': true,
    });
    const old = withNic('queue_reset=on,guest_uso4=off').replace('10.0', '7.1');
    expect(nicOf(old).properties).toEqual({ queue_reset: true });
  });

  test('disks: queues by CPUs since 5.2', () => {
    const disk =
      '-smp 3 -blockdev driver=file,node-name=d,filename=/a,read-only=on -device virtio-blk-pci,drive=d,addr=5,write-cache=auto,logical_block_size=0';
    expect(guestOf(board(disk)).disks).toMatchObject([
      { queues: 3, readOnly: true, address: '05.0', transitional: true, properties: {} },
    ]);
    expect(guestOf(board(disk, 'pc-q35-5.1')).disks).toMatchObject([{ queues: 1, properties: {} }]);
    expect(guestOf(board(`${disk},vectors=9,serial=007`)).disks[0]!.properties).toEqual({ serial: '007', vectors: 9 });
    expect(guestOf(board(`${disk},vectors=4`)).disks[0]!.properties).toEqual({});
  });
});

describe('the board', () => {
  test.each([
    ['-smp 4', { count: 4, sockets: 1, cores: 4, threads: 1 }],
    ['', { count: 1, sockets: 1, cores: 1, threads: 1 }],
    ['-smp 8,sockets=2', { count: 8, sockets: 2, cores: 4, threads: 1 }],
    ['-smp 8,cores=2,threads=2', { count: 8, sockets: 2, cores: 2, threads: 2 }],
    ['-smp sockets=2,cores=3', { count: 6, sockets: 2, cores: 3, threads: 1 }],
    ['-smp 2,threads=2', { count: 2, sockets: 1, cores: 1, threads: 2 }],
    ['-smp 2 -smp cores=2', { count: 2, sockets: 1, cores: 2, threads: 1 }],
  ])('%s', (smp, want) => expect(guestOf(board(smp)).cpu).toMatchObject(want));

  test('up to 6.1 sockets came first', () => {
    expect(guestOf(board('-smp 4', 'pc-q35-6.1')).cpu).toMatchObject({ sockets: 4, cores: 1 });
  });

  test('more CPUs to come, dies, memory slots: machine options', () => {
    const { guest } = importText(board('-smp 2,maxcpus=4,dies=2,cores=2 -m 1G,slots=2,maxmem=2G'));
    expect(guest.machineOptions).toEqual({
      'memory.maxmem': 2 ** 31,
      'memory.slots': 2,
      'smp.dies': 2,
      'smp.maxcpus': 4,
    });
    expect(guest.cpu).toMatchObject({ count: 2, sockets: 1 });
  });

  test.each([
    ['-m 512', 512],
    ['-m 1.5G', 1536],
    ['', 128],
    ['-m size=524288k', 512],
    ['-object memory-backend-ram,id=r,size=64M -machine memory-backend=r', 64],
  ])('%s', (memory, mebibytes) => expect(guestOf(board(memory)).memoryBytes).toBe(mebibytes * 2 ** 20));

  test('the RAM block and whether it is shared', () => {
    const backed = (kind: string, more = '', machine = 'pc-q35-10.0'): unknown => {
      const { guest, binding } = importText(
        board(`-object ${kind},id=r,size=64M${more} -machine memory-backend=r`, machine),
      );
      return [guest.ramBlock, binding.memoryShared];
    };
    expect(backed('memory-backend-memfd')).toEqual(['r', true]);
    expect(backed('memory-backend-file', ',share=on')).toEqual(['r', true]);
    expect(backed('memory-backend-file', '', 'pc-q35-4.0')).toEqual(['/objects/r', false]);
    expect(backed('memory-backend-ram', '', 'pc-q35-4.0')).toEqual(['r', false]);
    expect(backed('memory-backend-file', ',x-use-canonical-path-for-ramblock-id=on')).toEqual(['/objects/r', false]);
    expect(importText(board('')).guest.ramBlock).toBe('pc.ram');
    const numa = importText(board('-object memory-backend-memfd,id=a,size=1G -numa node,memdev=a -numa node,memdev=b'));
    expect(numa.guest.ramBlock).toBe('a,b');
    expect(isUnknown(numa.binding.memoryShared)).toBe(true);
    const missing = importText(board('-machine memory-backend=r'));
    expect([missing.guest.ramBlock, missing.binding.memoryShared].every(isUnknown)).toBe(true);
  });

  test('CPU switches in one form', () => {
    const model = (text: string): unknown => guestOf(board(`-cpu ${text}`)).cpu.model;
    expect(model('EPYC,+x2apic,-svm,migratable=on,lahf_lm=on')).toBe('EPYC,lahf-lm=on,svm=off,x2apic=on');
    expect(model('EPYC,svm=on,-svm,x2apic')).toBe('EPYC,svm=off,x2apic=on');
    expect(guestOf(board('')).cpu.model).toBe('qemu64');
  });

  test('machine options without their defaults', () => {
    expect(
      guestOf(board('-machine acpi=on,usb=off,dump-guest-core=off,hpet=off,vmport=on -no-acpi')).machineOptions,
    ).toEqual({
      acpi: false,
      hpet: false,
    });
    expect(guestOf(board('-no-hpet -usb')).machineOptions).toEqual({ hpet: false, usb: true });
  });

  test('accelerators', () => {
    const of = (text: string): unknown => importText(board(text)).binding.accelerator;
    expect([of(''), of('-enable-kvm'), of('-accel kvm,kernel-irqchip=on'), of('-machine accel=kvm:tcg')]).toEqual([
      'tcg',
      'kvm',
      'kvm',
      'kvm',
    ]);
  });

  test('an alias of a machine type is what the reports say, or unknown', () => {
    expect(codesOf(board('', 'q35'))).toEqual(['import.machine-alias']);
    expect(isUnknown(guestOf(board('', 'q35')).machine)).toBe(true);
    expect(isUnknown(guestOf('qemu-system-x86_64 -nodefaults').machine)).toBe(true);
    const report = reportWith(() => undefined);
    const machines = report.qemu.flatMap(({ capabilities }) => (isUnknown(capabilities) ? [] : capabilities.machines));
    const q35 = machines.find(({ alias }) => alias === 'q35');
    const { guest } = importText(board('', 'q35'), { reports: [report] });
    if (q35) expect(guest.machine).toBe(q35.name);
    else expect(isUnknown(guest.machine)).toBe(true);
  });

  test('Arm: the GIC depends on the host, the serial port is the board’s', () => {
    const arm = (more: string): Guest =>
      guestOf(`qemu-system-aarch64 -nodefaults -machine virt-10.0${more} -serial chardev:a -cpu max`);
    expect(arm(',gic-version=3')).toMatchObject({
      architecture: 'aarch64',
      machineOptions: { 'gic-version': '3' },
      otherDevices: [],
      ramBlock: 'mach-virt.ram',
    });
    expect(isUnknown(arm('').machineOptions['gic-version'])).toBe(true);
    expect(isUnknown(guestOf('qemu-system-riscv64 -machine virt').architecture)).toBe(true);
    expect(isUnknown(guestOf('-machine virt-10.0').architecture)).toBe(true);
    expect(isUnknown(guestOf('-machine virt-10.0').cpu.model)).toBe(true);
  });

  test('other options are kept, host ones are not', () => {
    const { otherOptions, otherDevices } = guestOf(
      'qemu-system-x86_64 -machine pc-q35-10.0 -smbios type=1 -rtc driftfix=slew,base=utc -boot strict=on,menu=off -global ICH9-LPC.noreboot=off -global a.b=c -serial none -serial pty -display none',
    );
    expect(otherOptions).toEqual({
      boot: ['strict=on'],
      'default-devices': ['on'],
      global: ['a.b=c'],
      rtc: ['driftfix=slew'],
      smbios: ['type=1'],
    });
    expect(otherDevices).toMatchObject([{ driver: 'isa-serial', properties: { index: 0 } }]);
    expect(guestOf(board('-global ICH9-LPC.noreboot=off', 'pc-q35-7.2')).otherOptions).toEqual({
      global: ['ICH9-LPC.noreboot=off'],
    });
  });

  test.each(['-readconfig /etc/vm.cfg', '-new-option', '-new-option value -S'])('%s leaves them unknown', (option) => {
    const { guest, digest } = importText(board(`${option} -smbios type=1`));
    const [name = ''] = option.slice(1).split(' ');
    expect(guest.otherOptions).toEqual({
      [name]: { unknown: expect.any(String) as string, detail: expect.any(String) as string },
      smbios: ['type=1'],
    });
    expect(digest).toBeNull();
  });

  test('an option called unknown is one that is not known', () => {
    const { otherOptions } = guestOf(board('-unknown a -smbios type=1'));
    expect(isUnknown(otherOptions)).toBe(false);
    expect(otherOptions).toMatchObject({ '-unknown': { unknown: 'not-supported' }, smbios: ['type=1'] });
  });

  test('the default serial port is there, or taken away', () => {
    const of = (text: string): unknown => guestOf(`qemu-system-x86_64 -machine pc-q35-10.0 ${text}`).otherOptions;
    expect([of(''), of('-serial none'), of('-serial null')]).toEqual([
      { 'default-devices': ['on'] },
      { 'default-devices': ['on'], serial: ['none'] },
      { 'default-devices': ['on'] },
    ]);
  });

  test('-drive: a device of the guest, by what the guest sees; flash by its file; none where a device takes it', () => {
    const of = (text: string): unknown => {
      const { otherOptions, machineOptions } = guestOf(board(text));
      return { ...machineOptions, ...(otherOptions as object) };
    };
    expect([
      of('-drive if=virtio,file=/a.img,index=1'),
      of('-drive file=/a.img'),
      of('-drive if=none,id=d,file=/a.img'),
      of('-drive if=pflash,file=/code.fd,readonly=on -drive if=pflash,file=/vars.fd'),
      of(
        '-machine pflash0=node -blockdev driver=raw,node-name=node,file=f -blockdev driver=file,node-name=f,filename=/code.fd',
      ),
    ]).toEqual([
      { drive: ['if=virtio,index=1'] },
      { drive: ['if=default'] },
      {},
      { pflash0: '/code.fd', pflash1: '/vars.fd' },
      { pflash0: '/code.fd' },
    ]);
    expect(importText(board('-machine pflash0=node')).digest).toBeNull();
  });

  test('-set and -global give properties to the devices that they name', () => {
    const nic = '-netdev user,id=n -device virtio-net-pci,netdev=n,id=net0,addr=4';
    const of = (text: string): unknown => nicOf(board(`${nic} ${text}`)).pagePerVq;
    expect([
      of(''),
      of('-set device.net0.page-per-vq=on'),
      of('-global virtio-net-pci.page-per-vq=on'),
      of('-global virtio-pci.page-per-vq=on'),
      of('-global driver=virtio-net-pci,property=page-per-vq,value=on'),
      of('-global virtio-blk-pci.page-per-vq=on'),
      nicOf(board(`${nic},page-per-vq=off -global virtio-pci.page-per-vq=on`)).pagePerVq,
    ]).toEqual([false, true, true, true, true, false, false]);
    const json = `-device '{"driver":"virtio-net-pci","id":"net0","addr":"4"}' -set device.net0.page-per-vq=on`;
    expect(codesOf(board(json))).toContain('import.set-nothing');
  });

  test('-global names the type of a device, and none of its other names', () => {
    const of = (text: string): unknown => guestOf(board(`-device ${text}`)).otherDevices[0]?.properties;
    expect([
      of('e1000-82540em,id=d,addr=5 -global e1000.mitigation=off'),
      of('e1000-82540em,id=d,addr=5 -global e1000-82540em.mitigation=off'),
      of('virtio-rng,id=d,addr=5 -global virtio-pci.ats=on'),
    ]).toMatchObject([{ mitigation: false }, {}, { ats: true }]);
    expect(of('e1000-82540em,id=d,addr=5 -global e1000-82540em.mitigation=off')).not.toHaveProperty('mitigation');
  });

  test('RAM of devices and nodes: by name and size', () => {
    const dimm = (size: string): unknown =>
      guestOf(board(`-object memory-backend-ram,id=d1,size=${size} -device pc-dimm,id=dimm0,memdev=d1`)).otherDevices[0]
        ?.properties;
    expect([dimm('128M'), dimm('0x100')]).toEqual([
      { memdev: 'd1', 'memdev.size': 2 ** 27 },
      { memdev: 'd1', 'memdev.size': 256 },
    ]);
    const numa = '-object memory-backend-ram,id=m0,size=64M -numa node,memdev=m0';
    expect(guestOf(board(numa)).otherOptions).toEqual({ numa: ['memdev=m0,type=node,memdev.size=67108864'] });
  });

  test('what QEMU does not start with is an error', () => {
    const ram = '-m 64 -object memory-backend-ram,id=ram,size=32M -machine memory-backend=ram';
    expect(codesOf(board(ram))).toContain('import.memory-size-differs');
    expect(codesOf(board('-device virtio-rng-pci,addr=5 -device virtio-balloon-pci,addr=5'))).toContain(
      'import.place-taken',
    );
    const ports = '-device pcie-root-port,id=a,addr=5,chassis=1 -device pcie-root-port,id=b,addr=6,chassis=';
    expect(codesOf(board(`${ports}1`))).toContain('import.place-taken');
    expect(codesOf(board(`${ports}2`))).toEqual([]);
  });

  test('what QEMU decides by the order of creation has its number', () => {
    const of = (text: string): unknown =>
      guestOf(board(text)).otherDevices.map(({ driver, properties }) => [
        driver,
        (properties as Record<string, unknown>)['order'],
      ]);
    expect(of('-device usb-tablet')).toEqual([['usb-tablet', undefined]]);
    expect(of('-device usb-tablet -device usb-kbd')).toEqual([
      ['usb-kbd', 2],
      ['usb-tablet', 1],
    ]);
    expect(nicOf(board('-device virtio-rng-pci -device virtio-net-pci,netdev=n')).address).toMatchObject({
      detail: expect.stringContaining('(2 on the root bus)') as string,
    });
  });
});

describe('addresses', () => {
  const port = '-device pcie-root-port,id=p,bus=pcie.0,chassis=1';
  const addressOf = (text: string): unknown => nicOf(board(text)).address;
  const nic = '-device virtio-net-pci,netdev=n';

  test.each([
    [`${port},addr=0x1c.0x3 ${nic},bus=p,addr=0x0`, '1c.3/00.0'],
    [`${port},addr=1c.3 ${nic},bus=p`, '1c.3/00.0'],
    [`${nic},addr=10`, '10.0'],
    [`${nic},bus=pcie.0,addr=0x3.1`, '03.1'],
    [`-device '{"driver":"virtio-net-pci","netdev":"n","addr":17}'`, '02.1'],
  ])('%s', (text, want) => expect(addressOf(text)).toBe(want));

  test.each([
    ['by order', nic],
    ['two without addr behind one port', `${port},addr=2 ${nic},bus=p ${nic},bus=p`],
    ['a bus of nobody', `${nic},bus=q,addr=0`],
    ['a loop', `-device pcie-root-port,id=p,bus=q,addr=0 -device pcie-root-port,id=q,bus=p,addr=0 ${nic},bus=p,addr=0`],
    ['no address', `${nic},addr=99.9`],
    ['a number too high', `-device '{"driver":"virtio-net-pci","addr":300}'`],
    ['a port without address', `${port} ${nic},bus=p`],
    ['a bus that is not PCI', `-device virtio-serial-pci,id=s,addr=4 ${nic},bus=s.0`],
  ])('unknown: %s', (_, text) => expect(isUnknown(addressOf(text))).toBe(true));

  test('the legacy interface: away behind a port, there on the root bus, or as the driver says', () => {
    const of = (text: string): unknown => nicOf(board(text)).transitional;
    expect(of(`${port},addr=2 ${nic},bus=p`)).toBe(false);
    expect(of(`${nic},addr=3`)).toBe(true);
    expect(of(`${nic},bus=pcie.0,addr=3,disable-legacy=on`)).toBe(false);
    expect(of(`${nic},bus=pcie.0,addr=3,disable-legacy=off`)).toBe(true);
    expect(of(`-device virtio-net-pci-non-transitional,addr=3`)).toBe(false);
    expect(of(`-device virtio-net-pci-transitional,addr=3`)).toBe(true);
    expect(isUnknown(of(`${nic},bus=q,addr=3`))).toBe(true);
  });

  test('devices of other kinds', () => {
    const { otherDevices } = guestOf(
      board(
        '-device qemu-xhci,id=u,addr=5 -device usb-tablet,bus=u.0,port=1 -device virtio-serial-pci,id=s,addr=6,max_ports=4 -device virtserialport,bus=s.0,chardev=c,name=a -device new-thing -device isa-serial,chardev=c,index=1',
      ),
    );
    expect(otherDevices).toMatchObject(
      [
        { driver: 'qemu-xhci', address: '05.0', properties: {} },
        { driver: 'virtio-serial-pci', address: '06.0', properties: { max_ports: 4 } },
        { driver: 'isa-serial', address: null, properties: { index: 1 } },
        { address: { unknown: 'not-present' }, driver: 'new-thing' },
        { driver: 'usb-tablet', address: null, properties: { bus: '05.0.0', port: 1 } },
        { driver: 'virtserialport', address: null, properties: { bus: '06.0.0', name: 'a' } },
      ].sort(
        (a, b) =>
          otherDevices.findIndex(({ driver }) => driver === a.driver) -
          otherDevices.findIndex(({ driver }) => driver === b.driver),
      ),
    );
  });
});

describe('bindings', () => {
  const boundTo = (netdev: string, more = ''): unknown =>
    importText(board(`${more} -netdev ${netdev},id=n -device virtio-net-pci,netdev=n,addr=2`)).binding.devices[0];

  test('a path, a descriptor, a set', () => {
    expect(boundTo('vhost-vdpa,vhostdev=/dev/vhost-vdpa-3,x-svq=on')).toMatchObject({
      backend: 'vhost-vdpa',
      charDevice: '/dev/vhost-vdpa-3',
      descriptor: null,
      shadowVirtqueues: true,
    });
    expect(boundTo('vhost-vdpa,vhostfd=5')).toMatchObject({
      charDevice: { unknown: 'not-present' },
      descriptor: 'fd 5',
    });
    expect(boundTo('vhost-vdpa,vhostdev=/dev/fdset/2')).toMatchObject({
      descriptor: 'fdset 2',
      charDevice: { unknown: 'not-present' },
    });
    expect(boundTo('vhost-vdpa,vhostdev=/dev/fdset/2', '-add-fd set=2,fd=9,opaque=/dev/vhost-vdpa-1')).toMatchObject({
      descriptor: 'fdset 2',
      charDevice: '/dev/vhost-vdpa-1',
    });
    expect(boundTo('vhost-vdpa')).toMatchObject({ charDevice: { unknown: 'not-present' } });
    expect(boundTo('tap')).toMatchObject({ backend: 'tap', charDevice: null });
  });

  test('nothing to be bound to', () => {
    const { binding } = importText(
      board(
        '-device virtio-net-pci,addr=2 -device virtio-net-pci,netdev=x,addr=3 -device virtio-blk-pci,drive=y,addr=4',
      ),
    );
    expect(binding.devices.map(({ backend }) => isUnknown(backend) || backend)).toEqual(['none', true, true]);
    expect(isUnknown(importText(board('-device virtio-blk-pci,drive=y,addr=4')).guest.disks[0]!.readOnly)).toBe(true);
  });

  test('disks: the lowest node counts', () => {
    const chain =
      '-blockdev driver=virtio-blk-vhost-vdpa,node-name=a,path=/dev/vhost-vdpa-2,cache.direct=on -blockdev driver=raw,node-name=b,file=a';
    expect(importText(board(`${chain} -device virtio-blk-pci,drive=b,addr=2`)).binding.devices).toMatchObject([
      { backend: 'virtio-blk-vhost-vdpa', charDevice: '/dev/vhost-vdpa-2' },
    ]);
    const drive = '-drive if=none,id=d,file=/a,readonly=on -device virtio-blk-pci,drive=d,addr=2';
    expect(importText(board(drive)).guest.disks[0]!.readOnly).toBe(true);
  });
});

describe('what is wrong with a command line', () => {
  test.each([
    ['-device', ['import.no-argument']],
    ['stray', ['import.stray-word']],
    ['-device {x}', ['import.malformed-option']],
    ['-device __proto__=1', ['import.malformed-option']],
    ['-device virtio-net-pci,addr=2,mq=maybe', ['import.bad-value']],
    ['-device virtio-net-pci,addr=2,rx_queue_size=-1', ['import.bad-value']],
    ['-smp none', ['import.bad-value']],
    ['-frobnicate', ['import.option-unknown']],
    ['-device \'{"a":null}\'', []],
  ])('%s', (option, codes) => expect(codesOf(board(option))).toEqual(codes));

  test('values that cannot be read are unknown', () => {
    expect(isUnknown(guestOf(board('-uuid 12')).uuid)).toBe(true);
    expect(isUnknown(guestOf(board('-m lots')).memoryBytes)).toBe(true);
    expect(isUnknown(nicOf(withNic('mac=x')).mac)).toBe(true);
    expect(isUnknown(nicOf(board('-device virtio-net-pci,addr=2')).mac)).toBe(true);
    expect(nicOf(withNic('mac=0:1:2:A:B:c')).mac).toBe('00:01:02:0a:0b:0c');
    expect(isUnknown(nicOf(withNic('mq=on')).queuePairs)).toBe(true);
    expect(nicOf(withNic('mq=off')).queuePairs).toBe(1);
    expect(isUnknown(nicOf(withNic('mq=x')).queuePairs)).toBe(true);
  });

  test('ROMs', () => {
    expect(nicOf(withNic('romfile=')).optionRom).toBe(false);
    expect(nicOf(withNic('rombar=0,romfile=x')).optionRom).toBe(false);
    expect(nicOf(withNic('romfile=/my.rom'))).toMatchObject({ optionRom: true, properties: { romfile: '/my.rom' } });
    expect(nicOf(withNic('bootindex=-1')).bootIndex).toBeNull();
    expect(nicOf(withNic('host_mtu=0')).mtu).toBeNull();
  });
});

describe('property names and flags', () => {
  const of = (text: string): unknown => guestOf(board(`-device new-pci,addr=3,${text}`)).otherDevices[0]?.properties;

  test('a flag is on, one that begins with no is off', () => {
    expect(of('a,nob,notify_on_empty')).toEqual({ a: true, b: false, notify_on_empty: true });
    expect(of('a=,b=0x10,c=0b1,d=-1,e=1.5,f=9007199254740993')).toEqual({
      a: '',
      b: 16,
      c: '0b1',
      d: -1,
      e: '1.5',
      f: '9007199254740993',
    });
  });

  test('nested JSON, numbers that JSON rounds, too many properties', () => {
    const json = (text: string): string => `-device '{"driver":"new-pci","addr":"3",${text}}'`;
    expect(guestOf(board(json('"a":{"b":[1,true,"x"]}'))).otherDevices[0]?.properties).toEqual({
      'a.b.0': 1,
      'a.b.1': true,
      'a.b.2': 'x',
    });
    expect(guestOf(board(json('"a":1e300'))).otherDevices[0]?.properties).toMatchObject({
      a: { unknown: 'malformed' },
    });
    const many = Array.from({ length: 5000 }, (_, index) => `"p${index}":1`).join(',');
    expect(codesOf(board(json(many)))).toEqual(['import.malformed-option']);
  });

  test('sizes of memory backends, unknown flags of them', () => {
    const { binding, guest } = importText(
      board('-object memory-backend-memfd,id=r,size=x,share=maybe -machine memory-backend=r'),
    );
    expect(isUnknown(binding.memoryShared)).toBe(true);
    expect(isUnknown(guest.memoryBytes)).toBe(true);
  });
});

/** `--with`: two configurations compared leaf by leaf. */
import { describe, expect, test } from 'vitest';
import { unknown } from '../../src/model/fact.ts';
import type { GuestConfiguration, GuestInterface } from '../../src/model/generated/guest-configuration.ts';
import { differencesOf } from '../../src/migration/differences.ts';
import { changed, check, reasons, simGuest, simHost, there } from './migrating.ts';

const why = unknown('not-present', 'is not written out');
const nic = (edit: (net: GuestInterface) => void) => (copy: GuestConfiguration) => edit(copy.guest.interfaces[0]!);

/** What the destination has otherwise, and what becomes of the guest. */
const rows: readonly (readonly [string, (copy: GuestConfiguration) => void, readonly string[]])[] = [
  ['nothing', () => undefined, []],
  ['accelerator not known', ({ binding }) => void (binding.accelerator = why), ['unknown migration.accelerator']],
  [
    'another accelerator',
    ({ binding }) => void (binding.accelerator = 'xen'),
    ['unknown migration.accelerator-differs'],
  ],
  ['machine', ({ guest }) => void (guest.machine = 'pc-q35-9.2'), ['fails migration.machine-differs']],
  ['memory', ({ guest }) => void (guest.memoryBytes = 2 ** 31), ['fails migration.memory-differs']],
  ['RAM block', ({ guest }) => void (guest.ramBlock = 'ram'), ['fails migration.memory-differs']],
  [
    'UUID',
    ({ guest }) => void (guest.uuid = '00000000-0000-0000-0000-000000000000'),
    ['none migration.identity-differs'],
  ],
  ['CPU model', ({ guest }) => void (guest.cpu.model = 'EPYC'), ['state-lost migration.cpu-differs']],
  [
    'more CPUs',
    ({ guest }) => void Object.assign(guest.cpu, { count: 2, sockets: 2 }),
    ['state-lost migration.cpu-differs'],
  ],
  ['no fewer CPUs', ({ guest }) => void (guest.cpu.count = why), ['unknown migration.cpu-count-differs']],
  ['page-per-vq', nic((net) => void (net.pagePerVq = true)), ['lost migration.page-per-vq-differs']],
  ['vectors', nic((net) => void (net.vectors = 6)), ['lost migration.vectors-differ']],
  ['transitional', nic((net) => void (net.transitional = true)), ['lost migration.pci-config-differs']],
  ['ATS', nic((net) => void (net.properties = { ats: true })), ['lost migration.pci-config-differs']],
  ['option ROM', nic((net) => void (net.optionRom = true)), ['unknown migration.option-rom-differs']],
  ['ROM size, of no ROM', nic((net) => void (net.properties = { romsize: 524288 })), []],
  [
    'a ROM, and its size',
    nic((net) => Object.assign(net, { optionRom: true, properties: { romsize: 524288 } })),
    ['fails migration.option-rom-differs', 'unknown migration.option-rom-differs'],
  ],
  ['mq', nic((net) => void (net.mq = true)), ['none migration.config-size-differs']],
  ['ring size', nic((net) => void (net.rxQueueSize = 512)), ['none migration.ring-size-differs']],
  ['MAC', nic((net) => void (net.mac = '52:54:00:00:00:01')), ['state-lost migration.mac-setting-differs']],
  ['boot index', nic((net) => void (net.bootIndex = 1)), ['none migration.identity-differs']],
  ['id', nic((net) => void (net.id = 'ua-net0')), []],
  ['a feature switch', nic((net) => void (net.properties = { status: false })), ['unknown migration.feature-missing']],
  [
    'a property of which nothing is known',
    nic((net) => void (net.properties = { 'x-new': 1 })),
    ['no-start migration.property-missing', 'unknown migration.guest-abi-differs'],
  ],
  ['vectors not known', nic((net) => void (net.vectors = why)), ['unknown migration.vectors-differ']],
  [
    'another slot',
    ({ guest }) => {
      guest.rootPorts[0]!.address = '03.0';
      guest.interfaces[0]!.address = '03.0/00.0';
    },
    [
      'lost migration.device-gone',
      'lost migration.device-gone',
      'none migration.device-added',
      'none migration.device-added',
    ],
  ],
  ['chassis', ({ guest }) => void (guest.rootPorts[0]!.chassis = 9), []],
  [
    'one device more',
    ({ guest }) =>
      void guest.otherDevices.push({ id: null, driver: 'virtio-rng-pci', address: '05.0', properties: {} }),
    ['none migration.device-added'],
  ],
  ['one device less', ({ guest }) => void (guest.otherDevices = []), ['lost migration.device-gone']],
  [
    'a machine option',
    ({ guest }) => void (guest.machineOptions = { smm: 'off' }),
    ['unknown migration.guest-abi-differs'],
  ],
  [
    'other options',
    ({ guest }) => void (guest.otherOptions = { ...guest.otherOptions, smbios: ['type=1'] }),
    ['unknown migration.guest-abi-differs'],
  ],
  ['other options not known', ({ guest }) => void (guest.otherOptions = why), ['unknown migration.guest-abi-differs']],
  [
    'properties of a device not known',
    ({ guest }) => void (guest.otherDevices[0]!.properties = why),
    ['unknown migration.guest-abi-differs'],
  ],
  [
    'accelerator',
    ({ binding }) => void (binding.accelerator = 'kvm'),
    ['no-start migration.accelerator', 'unknown migration.accelerator-differs'],
  ],
];

describe('the destination has', () => {
  test.each(rows)('%s', (_, edit, expected) => {
    const found = reasons(check(simGuest, simHost(there), { from: simHost(), with: changed(simGuest, edit) }));
    expect(found).toEqual(expected);
  });

  test('fewer CPUs', () => {
    const two = changed(simGuest, ({ guest }) => void Object.assign(guest.cpu, { count: 2, sockets: 2 }));
    expect(reasons(check(two, simHost(there), { from: simHost(), with: simGuest }))).toEqual([
      'lost migration.cpu-count-differs',
      'state-lost migration.cpu-differs',
    ]);
  });

  test('another MTU, where both offer one', () => {
    const [from, to] = [1500, 1400].map((mtu) =>
      changed(
        simGuest,
        nic((net) => void (net.mtu = mtu)),
      ),
    );
    expect(reasons(check(from!, simHost(there), { from: simHost(), with: to }))).toEqual([
      'state-lost migration.mtu-setting-differs',
    ]);
    expect(reasons(check(simGuest, simHost(there), { from: simHost(), with: to }))).toEqual([]);
  });
});

describe('differences', () => {
  test('devices are matched by address, then by id, then by place', () => {
    const second = changed(simGuest, ({ guest }) => {
      guest.interfaces.push({
        ...structuredClone(guest.interfaces[0]!),
        id: 'net1',
        address: '03.0/00.0',
        mac: '52:54:00:00:00:02',
      });
    });
    const turned = changed(second, ({ guest }) => void guest.interfaces.reverse());
    expect(differencesOf(second.guest, turned.guest)).toEqual([]);
    const unplaced = changed(turned, ({ guest }) => guest.interfaces.forEach((net) => (net.address = why)));
    const addresses = ['/interfaces/*/address', '/interfaces/*/address'];
    expect(differencesOf(second.guest, unplaced.guest).map(({ field }) => field)).toEqual(addresses);
    const unnamed = changed(second, ({ guest }) =>
      guest.interfaces.forEach((net) => Object.assign(net, { id: null, address: why })),
    );
    expect(differencesOf(unnamed.guest, second.guest).map(({ field }) => field)).toEqual(addresses);
  });

  test('what neither tells is a difference, but for the same text, and the same place in the order of creation', () => {
    const fieldsOf = (edit: (guest: GuestConfiguration['guest']) => void, other = edit): string[] => {
      const [a, b] = [edit, other].map((one) => changed(simGuest, ({ guest }) => one(guest)));
      return differencesOf(a!.guest, b!.guest).map(({ field }) => field);
    };
    const strange = (text: string) => unknown('not-supported', `what libvirt makes of it is not known (${text})`);
    const third = (n: number) => unknown('not-present', `the order of creation decides it (${n} on pcie.0)`);
    expect(fieldsOf(({ interfaces }) => void (interfaces[0]!.vectors = why))).toEqual(['/interfaces/*/vectors']);
    expect(fieldsOf((guest) => void (guest.uuid = why))).toEqual(['/uuid']);
    expect(fieldsOf((guest) => void (guest.otherOptions = strange('a')))).toEqual([]);
    expect(
      fieldsOf(
        (guest) => void (guest.otherOptions = strange('a')),
        (guest) => void (guest.otherOptions = strange('b')),
      ),
    ).toEqual(['/otherOptions']);
    expect(fieldsOf((guest) => void (guest.otherOptions = { readconfig: unknown('not-asked', 'a file') }))).toEqual([
      '/otherOptions/readconfig',
    ]);
    expect(fieldsOf(({ interfaces }) => void (interfaces[0]!.address = third(3)))).toEqual([]);
    expect(
      fieldsOf(
        ({ interfaces }) => void (interfaces[0]!.address = third(3)),
        ({ interfaces }) => void (interfaces[0]!.address = third(2)),
      ),
    ).toEqual(['/interfaces/*/address']);
  });

  test('names of free properties are pointers', () => {
    const odd = changed(simGuest, ({ guest }) => void (guest.machineOptions = { 'a/b~c': 1 }));
    expect(differencesOf(simGuest.guest, odd.guest).map(({ path }) => path)).toEqual(['/machineOptions/a~1b~0c']);
  });
});

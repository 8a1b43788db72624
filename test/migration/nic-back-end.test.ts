/** NICs over other back ends than vDPA; what QEMU 7.2.22 made of it stands in test/lab/plain-migration.lab.test.ts. */
import { describe, expect, test } from 'vitest';
import { readGuestConfiguration } from '../../src/import/read.ts';
import type { GuestConfiguration } from '../../src/model/generated/guest-configuration.ts';
import { host, type Edit } from '../report-builder.ts';
import { check, reasons, simHost, there } from './migrating.ts';

function guest(rest: string, machine = 'pc-q35-10.0'): GuestConfiguration {
  const text = `qemu-system-x86_64 -nodefaults -machine ${machine},memory-backend=ram -cpu qemu64 -m 64 -object memory-backend-ram,id=ram,size=64M ${rest}`;
  return readGuestConfiguration(text, { as: 'qemu-argv' }).configuration!;
}

const nic = (netdev: string, more = ',vectors=4', model = 'virtio-net-pci'): string =>
  `-netdev ${netdev},id=n -device ${model},netdev=n,id=net0,addr=5,mac=52:54:00:00:00:01,romfile=${more}`;

function between(before: string, after = before, to: readonly Edit[] = []): string[] {
  return reasons(check(guest(before), simHost(there, ...to), { from: simHost(), with: guest(after) }));
}

const socket = 'socket,udp=127.0.0.1:7777,localaddr=127.0.0.1:7778';
const lost = ['lost migration.vnet-header-lost'];
const slirp = ['lost migration.user-network-gone'];
const unsure = ['unknown migration.backend-differs'];

describe('back ends', () => {
  test.each<[string, string, readonly string[]]>([
    [nic('tap'), nic('tap'), []],
    [nic('tap'), nic('user'), lost],
    [nic('tap'), nic(socket), lost],
    [nic('tap'), nic('tap,vnet_hdr=off'), lost],
    [nic('tap,vnet_hdr=off'), nic('tap'), []],
    [nic('tap,vnet_hdr=off'), nic('tap,vhost=on'), unsure],
    [nic('user'), nic('tap'), slirp],
    [nic('user'), nic(socket), slirp],
    [nic('user'), nic('user'), []],
    [nic(socket), nic('user'), []],
    [nic(socket), nic('tap'), []],
    [nic(socket), nic('tap,vhost=on'), unsure],
    [nic('tap'), nic('tap,vhost=on'), unsure],
    [nic('tap,vhostfd=5'), nic('tap,vhost=on'), []],
    [nic('tap'), nic('bridge'), unsure],
    [nic('tap'), nic('vhost-user,chardev=c'), [...unsure, 'unknown migration.vhost-user']],
    [nic('vhost-user,chardev=c'), nic('vhost-user,chardev=c'), ['unknown migration.vhost-user']],
    [nic('user', '', 'e1000'), nic('tap', '', 'e1000'), slirp],
    [nic('tap', '', 'e1000'), nic(socket, '', 'e1000'), []],
    [nic('vhost-vdpa,vhostdev=/dev/vhost-vdpa-0'), nic('user'), [...lost, ...unsure]],
  ])('%s -> %s', (before, after, expected) => {
    const own = /(vnet-header-lost|user-network-gone|backend-differs|vhost-user)$/;
    expect(between(before, after).filter((one) => own.test(one))).toEqual(expected);
  });
});

describe('queues, and the vectors that QEMU counts by them', () => {
  test.each<[string, string, readonly string[]]>([
    [nic('tap,queues=4', ''), nic('tap,queues=4', ''), []],
    [nic('tap,queues=4'), nic('tap,queues=2'), ['lost migration.queue-pairs-setting-differs']],
    [
      nic('tap,queues=4', ''),
      nic('tap,queues=2', ''),
      ['lost migration.queue-pairs-setting-differs', 'lost migration.vectors-differ'],
    ],
    [nic('tap,queues=2', ''), nic('tap,fds=3:4', ',vectors=6'), []],
    [nic('user', ''), nic('user'), []],
    [
      nic('$KIND', ''),
      nic('$KIND', ''),
      ['unknown migration.queue-pairs-setting-differs', 'unknown migration.vectors-differ'],
    ],
  ])('%s -> %s', (before, after, expected) => {
    const own = ['queue-pairs-setting-differs', 'vectors-differ'];
    expect(between(before, after).filter((one) => own.some((code) => one.endsWith(code)))).toEqual(expected);
  });
});

describe('UDP segmentation of a tap', () => {
  const old = host({ kernelRelease: '6.1.0-28-amd64' });
  const off = ',vectors=4,host_uso=off,guest_uso4=off,guest_uso6=off';
  const on = (text: string, to: Edit, machine?: string, from: readonly Edit[] = []): string[] =>
    reasons(check(guest(text, machine), simHost(there, to), { from: simHost(...from) }));

  test.each<[string, string[], string[]]>([
    ['the kernel there has none', on(nic('tap'), old), ['unknown migration.tap-offloads']],
    ['nor has that of the source', on(nic('tap'), old, undefined, [old]), []],
    ['it has', on(nic('tap'), host({ kernelRelease: '6.2.0' })), []],
    ['switched off', on(nic('tap', off), old), []],
    ['of an older machine type', on(nic('tap'), old, 'pc-q35-8.1'), []],
    ['without virtio headers', on(nic('tap,vnet_hdr=off'), old), []],
    ['of no tap', on(nic('user'), old), []],
  ])('%s', (_, found, expected) => {
    expect(found.filter((one) => one.endsWith('tap-offloads'))).toEqual(expected);
  });
});

test('back ends of libvirt', () => {
  const of = (type: string, inner: string): Partial<GuestConfiguration['binding']> =>
    readGuestConfiguration(
      `<domain type='qemu'><os><type arch='x86_64' machine='pc-q35-10.0'>hvm</type></os><devices><interface type='${type}'>${inner}</interface></devices></domain>`,
      { as: 'libvirt' },
    ).configuration!.binding;
  const virtio = "<model type='virtio'/>";
  expect(of('bridge', `${virtio}<driver name='vhost'/>`).devices).toMatchObject([{ backend: 'tap', vhost: true }]);
  expect(of('bridge', `${virtio}<driver name='qemu'/>`).devices).toMatchObject([{ backend: 'tap', vhost: false }]);
  expect(of('bridge', virtio).devices![0]).not.toHaveProperty('vhost');
  expect(of('user', virtio)).toMatchObject({ userNetworks: 1 });
  expect(of('user', "<model type='e1000'/>")).toMatchObject({ userNetworks: 1 });
  expect(of('user', `${virtio}<backend type='passt'/>`)).toMatchObject({ devices: [{ backend: 'stream' }] });
});

import { describe, expect, test } from 'vitest';
import { parseMaps } from '../../src/host/proc-maps.ts';
import { parseExamine, parseFlatView, parseInfoNetwork } from '../../src/verify/monitor-text.ts';
import { parseNotifierName, parseRegionName, regionNameOf } from '../../src/verify/notifier-name.ts';
import { processFacts } from '../../src/verify/process-facts.ts';

describe('the name of a host notifier', () => {
  const object = 'vhost-vdpa\\x2fhost-notifier@0x7f16ade04190 mmaps\\x5b3\\x5d[0]';

  test('in the object tree, escaped', () => {
    expect(parseNotifierName(object)).toEqual({ backend: 'vhost-vdpa', virtqueue: 3 });
    expect(parseNotifierName(object.replace('vhost-vdpa', 'vhost-user'))).toEqual({
      backend: 'vhost-user',
      virtqueue: 3,
    });
    expect(regionNameOf(object)).toBe('vhost-vdpa/host-notifier@0x7f16ade04190 mmaps[3]');
    expect(parseRegionName(regionNameOf(object))).toEqual({ backend: 'vhost-vdpa', virtqueue: 3 });
  });

  test.each([
    'mac',
    'vhost-vdpa\\x2fhost-notifier@0x1',
    `x${object}`,
    `${object}x`,
    'vhost-vdpa/host-notifier@0x1 mmaps[1]',
  ])('not %s', (name) => expect(parseNotifierName(name)).toBeUndefined());
  test('not in info mtree', () => expect(parseRegionName(object)).toBeUndefined());
});

describe('what only the human monitor tells', () => {
  test('info network: type and queues of each netdev, not of the NICs', () => {
    const text =
      'net0: index=0,type=nic,model=virtio-net-pci,macaddr=52:54:00:0d:0a:00\r\n \\ vdpa0: index=0,type=vhost-vdpa,vhost-vdpa\r\nnet0: index=1,type=nic,\r\n \\ vdpa0: index=1,type=vhost-vdpa,vhost-vdpa\r\nalone: index=0,type=user,net=10.0.2.0\r\n';
    expect([...parseInfoNetwork(text)]).toEqual([
      ['vdpa0', { type: 'vhost-vdpa', queues: 2 }],
      ['alone', { type: 'user', queues: 1 }],
    ]);
  });

  test('info mtree -f: only the address space "memory" counts', () => {
    const notifier = (index: number, more = '') =>
      `  00000000fd80${3 + index}000-00000000fd80${3 + index}fff (prio 1, ramd): vhost-vdpa/host-notifier@0x7f mmaps[${index}]${more}\r\n`;
    const text = `FlatView #0\r\n AS "pci_bridge_pci_mem", root: pci_bridge_pci\r\n${notifier(0)}\r\nFlatView #1\r\n AS "memory", root: system\r\n AS "cpu-memory-0", root: system\r\n  0000000000000000-00000000000bffff (prio 0, ram): ram KVM\r\n${notifier(1, ' KVM')}${notifier(0)}`;
    expect(parseFlatView(text)).toEqual([
      { name: 'vhost-vdpa/host-notifier@0x7f mmaps[0]', virtqueue: 0, start: '0xfd803000', kvm: false },
      { name: 'vhost-vdpa/host-notifier@0x7f mmaps[1]', virtqueue: 1, start: '0xfd804000', kvm: true },
    ]);
    expect(parseFlatView('anything')).toEqual([]);
  });

  test('xp', () => {
    expect(parseExamine('00000000fe000014: 0x0f\r\n')).toBe(15);
    expect(parseExamine('Cannot access memory\r\n')).toBeUndefined();
  });
});

describe('what /proc shows', () => {
  const maps = [
    '7f16accf4000-7f16accf5000 -w-s 00001000 00:06 617                        /dev/vhost-vdpa-0',
    '7f16accf5000-7f16accf6000 -w-s 00000000 00:06 617                        /dev/vhost-vdpa-0',
    '7f16accf6000-7f16accf7000 rw-p 00000000 00:06 617                        /dev/vhost-vdpa-1',
    '7f16accf6000-7f16accf7000 r--p 00000000 00:06 617                        /usr/bin/qemu',
  ].join('\n');
  const view = {
    pid: 7,
    pageSize: 4096,
    arguments: [
      ...['qemu', '-netdev', 'vhost-vdpa,id=a,vhostdev=/dev/vhost-vdpa-0,x-svq=on'],
      ...['-netdev', '{"type":"vhost-vdpa","id":"b","vhostdev":"/dev/fdset/0"}'],
      ...[
        '-netdev',
        'vhost-vdpa,id=c,,d,vhostfd=5',
        '-netdev',
        '{broken',
        '-netdev',
        'user,id=u',
        '-netdev',
        'vhost-vdpa',
      ],
    ],
    files: new Map([
      [3, 'socket:[7]'],
      [9, '/dev/vhost-vdpa-1'],
      [8, '/dev/vhost-vdpa-0'],
    ]),
    mappings: parseMaps(maps),
  };

  test('doorbells, devices, and netdevs with the device behind an fd set', () => {
    expect(processFacts(view, new Map([[0, [4, 9]]]))).toEqual({
      pid: 7,
      pageSize: 4096,
      doorbells: [
        { device: '/dev/vhost-vdpa-0', virtqueue: 0 },
        { device: '/dev/vhost-vdpa-0', virtqueue: 1 },
      ],
      devices: ['/dev/vhost-vdpa-0', '/dev/vhost-vdpa-1'],
      netdevs: [
        { id: 'a', charDevice: '/dev/vhost-vdpa-0', shadowVirtqueues: true },
        { id: 'b', charDevice: '/dev/vhost-vdpa-1', shadowVirtqueues: false },
        { id: 'c,d', charDevice: null, shadowVirtqueues: false },
      ],
    });
  });

  test('a link of udev, two dashes, an fd that was handed over, and a netdev that is no longer there', () => {
    const args = [
      ...['--netdev', 'vhost-vdpa,id=a,vhostdev=/dev/vdpa/vp0,x-svq=on', '-netdev', 'vhost-vdpa,id=b,vhostfd=9'],
      ...['-netdev', 'vhost-vdpa,id=gone,vhostdev=/dev/vhost-vdpa-7,x-svq=on'],
    ];
    const links = new Map([['/dev/vdpa/vp0', '/dev/vhost-vdpa-0']]);
    expect(processFacts({ ...view, arguments: args, links }).netdevs).toEqual([
      { id: 'a', charDevice: '/dev/vhost-vdpa-0', shadowVirtqueues: true },
      { id: 'b', charDevice: '/dev/vhost-vdpa-1', shadowVirtqueues: false },
    ]);
  });

  test('what may not be read stays unknown', () => {
    const no = { unknown: 'EACCES', detail: 'no' };
    expect(processFacts({ pid: 7, pageSize: no, arguments: no, files: no, mappings: no })).toEqual({
      pid: 7,
      pageSize: no,
      doorbells: no,
      devices: no,
      netdevs: no,
    });
    const hidden = processFacts({ ...view, files: no });
    expect(hidden.netdevs).toContainEqual({ id: 'b', charDevice: null, shadowVirtqueues: false });
  });

  test('several devices are sorted', () => {
    const mappings = [
      { device: '/dev/vhost-vdpa-2', offset: 0 },
      { device: '/dev/vhost-vdpa-1', offset: 4096 },
      { device: '/dev/vhost-vdpa-2', offset: 4096 },
    ];
    expect(processFacts({ ...view, mappings }).doorbells).toEqual([
      { device: '/dev/vhost-vdpa-1', virtqueue: 1 },
      { device: '/dev/vhost-vdpa-2', virtqueue: 0 },
      { device: '/dev/vhost-vdpa-2', virtqueue: 1 },
    ]);
  });
});

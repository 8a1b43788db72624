import { describe, expect, test } from 'vitest';
import { baseline } from '../../src/baseline/baseline.ts';
import type { Baseline } from '../../src/model/generated/baseline.ts';
import validate from '../../src/model/generated/baseline.validate.js';
import { unknown } from '../../src/model/fact.ts';
import type { HostReport } from '../../src/model/generated/host-report.ts';
import { planVm } from '../../src/plan/plan-vm.ts';
import { loadSpec } from '../../src/spec/load.ts';
import {
  busy,
  capability,
  device,
  host,
  identity,
  named,
  netConfig,
  parentDriver,
  qemu,
  queuePairs,
  reportWith,
  withoutQemu,
  type Edit,
} from '../report-builder.ts';
import { offers, only } from '../migration/migrating.ts';

const why = unknown('EACCES', 'may not be read');

/** What the hosts can all serve; the answer must satisfy its schema. */
function of(reports: readonly HostReport[], ...classes: ('net' | 'block')[]): Baseline {
  const result = baseline(reports, classes.length === 0 ? undefined : classes);
  if (!validate(result)) throw new Error(JSON.stringify(validate.errors));
  return result;
}

const sim = (name: string, ...edits: Edit[]): HostReport => reportWith(named(name), only('sim0'), ...edits);
const vp = (name: string, ...edits: Edit[]): HostReport => reportWith(named(name), only('vp0'), ...edits);
const codes = ({ findings }: Baseline): string[] => findings.map(({ severity, code }) => `${severity} ${code}`);

describe('one kind of device', () => {
  test('equal hosts: all that one can', () => {
    const found = of([sim('a'), sim('b')]);
    expect(codes(found)).toEqual([]);
    expect(found.hosts).toEqual({ count: 2, names: ['a', 'b'] });
    expect(found).toMatchObject({ architecture: 'x86_64', pageSize: 4096, cpu: { kvm: 'none' } });
    expect(found.machine).toMatchObject({ newest: 'pc-q35-10.0', limits: [] });
    expect(found.classes).toMatchObject([
      {
        class: 'net',
        devices: 2,
        features: { bits: '0x308830028' },
        provision: { bits: '0x308830028' },
        queuePairs: 1,
        ringSize: 256,
        mtu: 1500,
        pagePerVq: false,
        migration: 'ready',
        limits: [],
        provisioning: [],
      },
    ]);
  });

  test('what some have not is told with their names, and taken from the others', () => {
    const found = of([sim('a'), sim('b', offers('sim0', 0x308820028n), netConfig('sim0', { mtu: 1400 })), sim('c')]);
    const [net] = found.classes;
    expect(net).toMatchObject({ features: { bits: '0x308820028' }, mtu: 1400 });
    expect(net!.limits.map(({ property, value, best, hosts }) => [property, value, best, hosts.names])).toEqual([
      ['VIRTIO_NET_F_STATUS', false, true, ['b']],
      ['mtu', 1400, 1500, ['b']],
    ]);
    expect(net!.provisioning).toEqual([
      {
        host: 'a',
        device: 'sim0',
        command:
          'vdpa dev del sim0; vdpa dev add name sim0 mgmtdev vdpasim_net mac 52:54:00:0d:0a:02 mtu 1400 device_features 0x308820028',
      },
      expect.objectContaining({ host: 'c' }),
    ]);
  });

  test('device_features is what shadow virtqueues accept; commands have only what the parent driver takes', () => {
    const [net] = of([vp('a'), vp('b')]).classes;
    expect(net!.features!.bits).toBe('0x10330bf8024');
    expect(net!.provision!.names).not.toContain('VIRTIO_NET_F_GUEST_ANNOUNCE');
    expect(net!.provisioning[0]!.command).toBe(
      `vdpa dev del vp0; vdpa dev add name vp0 mgmtdev pci/0000:00:04.0 device_features ${net!.provision!.bits}`,
    );
    expect(net).toMatchObject({ migration: 'with-loss', pagePerVq: true });
    expect(net!.pagePerVqReason).toBe('on: every doorbell is safe on every host');
    expect(net!.migrationReasons).toHaveLength(2);
  });
});

describe('queue pairs', () => {
  const pairs = (name: string, count: number): HostReport =>
    vp(name, queuePairs('vp0', count), offers('vp0', 0x300c78020n));

  test('the least of all, where the parent driver takes max_vqp', () => {
    const mlx5 = (name: string, count: number): HostReport => {
      const report = pairs(name, count);
      parentDriver('vp0', 'mlx5_core')(report);
      return report;
    };
    const found = of([mlx5('a', 4), mlx5('b', 2)]);
    const [net] = found.classes;
    expect(net).toMatchObject({ queuePairs: 2, limits: [{ property: 'queuePairs', value: 2, best: 4 }] });
    expect(net!.provisioning).toMatchObject([{ host: 'a', command: expect.stringContaining('max_vqp 2') as string }]);
  });

  test('one, without VIRTIO_NET_F_MQ, where it does not', () => {
    const [net] = of([pairs('a', 4), pairs('b', 2)]).classes;
    expect(net!.queuePairs).toBe(1);
    expect(net!.provision!.names).not.toContain('VIRTIO_NET_F_MQ');
    const [same] = of([pairs('a', 2), pairs('b', 2)]).classes;
    expect(same).toMatchObject({ queuePairs: 2, provisioning: [] });
  });
});

describe('MTU', () => {
  test('none where one device cannot be told', () => {
    const fixed = sim('b', netConfig('sim0', { mtu: 9000 }), device('sim0', { managementDevice: 'vduse' }));
    const lower = sim('b', netConfig('sim0', { mtu: 1400 }), device('sim0', { managementDevice: 'vduse' }));
    expect(of([sim('a'), lower]).classes[0]).toMatchObject({ mtu: 1400 });
    const both = of([sim('a'), fixed]);
    expect(both.classes[0]!.mtu).toBeNull();
    expect(codes(both)).toContain('error baseline.cannot-provision');
  });

  test('none where one device offers none', () => {
    const found = of([sim('a'), sim('b', offers('sim0', 0x308830020n), netConfig('sim0', { mtu: undefined }))]);
    expect(found.classes[0]!.limits.at(-1)).toMatchObject({ property: 'mtu', value: null, hosts: { names: ['b'] } });
  });
});

describe('page-per-vq', () => {
  test('on where one gains; the others are told', () => {
    const [net] = of([vp('a'), sim('b')]).classes;
    expect(net!.pagePerVq).toBe(true);
    expect(net!.pagePerVqReason).toContain('kicks to other devices go through eventfd on b');
  });

  test('off where one doorbell must not be mapped, or is not known', () => {
    const unsafe = vp('b', capability('vp0', 'device', { offset: 0x3008 }));
    const [net] = of([vp('a'), unsafe]).classes;
    expect(net!.pagePerVq).toBe(false);
    expect(net!.pagePerVqReason).toContain('off: a doorbell is unsafe on b');
    expect(of([vp('a'), vp('b', busy('vp0'))]).classes[0]!.pagePerVqReason).toContain('a doorbell is unknown on b');
  });
});

describe('hosts', () => {
  test('the newest common machine type and the oldest QEMU', () => {
    const old = sim(
      'b',
      qemu({
        version: '9.2.0',
        machines: [
          { name: 'pc-q35-9.2', deprecated: false },
          { name: 'pc-i440fx-9.2', deprecated: false },
        ],
      }),
    );
    const found = of([sim('a'), old]);
    expect(found.machine).toMatchObject({
      newest: 'pc-q35-9.2',
      limits: [{ property: 'machine', value: 'pc-q35-9.2', best: 'pc-q35-10.0', hosts: { names: ['b'] } }],
    });
    expect(found.qemu).toMatchObject({ oldest: '9.2.0', newest: '10.0.13', limits: [{ hosts: { names: ['b'] } }] });
  });

  test('no common machine type, no common architecture', () => {
    const arm = sim(
      'b',
      host({ architecture: 'aarch64', pageSize: 65536 }),
      qemu({ machines: [{ name: 'virt-10.0', deprecated: false }] }),
    );
    const found = of([sim('a'), arm]);
    expect(found).toMatchObject({ architecture: null, pageSize: null, machine: { newest: null }, spec: null });
    expect(codes(found)).toEqual([
      'error baseline.hosts-differ',
      'error baseline.no-machine',
      'warning baseline.hosts-differ',
    ]);
  });

  test('CPUs and KVM', () => {
    const other = sim('b', host({ kvm: true, cpu: { vendor: 'GenuineIntel', model: 'Xeon', count: 8 } }));
    const found = of([sim('a'), other]);
    expect(found.cpu.kvm).toBe('some');
    expect(found.cpu.models.map(({ model, hosts }) => [model, hosts.count])).toEqual([
      ['QEMU TCG CPU version 2.5+', 1],
      ['Xeon', 1],
    ]);
    expect(codes(found)).toEqual(['warning baseline.accelerators-differ', 'warning baseline.cpu-differs']);
    expect(of([sim('a', host({ kvm: why, cpu: why }))]).cpu.kvm).toBe('unknown');
    expect(of([sim('a', host({ kvm: true }))]).cpu.kvm).toBe('all');
  });

  test('a second report of a host is left out', () => {
    const found = of([sim('a'), sim('a')]);
    expect(codes(found)).toEqual(['warning baseline.host-twice']);
    expect(found.classes[0]!.devices).toBe(1);
  });

  test('without a device of the class a host cannot join', () => {
    const found = of([sim('a'), reportWith(named('b'), only('blk0'))]);
    expect(codes(found)).toEqual(['error baseline.no-device', 'warning baseline.no-device']);
    expect(found.spec).toBeNull();
    expect(codes(of([reportWith(named('b'), only('none'))]))).toEqual(['error baseline.no-device']);
    expect(codes(of([sim('a')], 'block'))).toContain('error baseline.no-device');
  });

  test('the first 16 are named, the others counted', () => {
    const found = of(Array.from({ length: 40 }, (_, index) => sim(`h${index}`)));
    expect(found.hosts).toMatchObject({ count: 40 });
    expect(found.hosts.names).toHaveLength(16);
  });
});

describe('what is not known', () => {
  test('features and queue pairs: nothing is promised', () => {
    const found = of([sim('a'), sim('b', identity('sim0', { features: why, config: why, vqSizeMax: why }))]);
    expect(codes(found)).toEqual(['error baseline.unknown', 'error baseline.unknown', 'warning baseline.unknown']);
    expect(found.classes[0]).toMatchObject({ provision: null, migration: 'unknown', provisioning: [] });
    expect(of([sim('a', identity('sim0', { features: why }))]).classes[0]!.features).toBeNull();
  });

  test('QEMU', () => {
    const found = of([sim('a', withoutQemu)]);
    expect(found.qemu).toEqual({ oldest: null, newest: null, limits: [] });
    expect(found.classes[0]!.migration).toBe('unknown');
    expect(codes(found)).toContain('error baseline.unknown');
  });

  test('SUSPEND and groups', () => {
    expect(of([sim('a', identity('sim0', { backendFeatures: why }))]).classes[0]!.migration).toBe('unknown');
  });

  test('block devices, and page sizes', () => {
    const blk = reportWith(only('blk0'), identity('blk0', { config: why }), host({ pageSize: why }));
    const found = of([blk]);
    expect(found).toMatchObject({ pageSize: null, spec: null });
    expect(found.classes[0]).toMatchObject({ queues: null, capacity: null });
    expect(of([sim('a'), sim('b', host({ pageSize: why }))]).findings[0]!.message).toContain('unknown on b');
  });

  test('devices of other classes are left out, and those that no spec could name', () => {
    const odd = reportWith(only('sim0'), identity('sim0', { virtioId: 19 }));
    expect(codes(of([odd]))).toEqual(['error baseline.no-device']);
    const unnameable = reportWith(only('sim0'), (report) => void (report.devices[0]!.name = 'a b'));
    expect(of([unnameable]).spec).toBeNull();
    expect(of([sim('a', identity('sim0', { vqSizeMax: 128 }))]).spec).toBeNull();
  });

  test('several devices that cannot be told', () => {
    const odd = (name: string): HostReport => vp(name, parentDriver('vp0', 'odd'));
    const found = of([odd('a'), odd('b')]);
    expect(found.findings.find(({ code }) => code === 'baseline.cannot-provision')!.message).toContain('on a, b:');
    const two = of([sim('a'), sim('b', device('sim0', { managementDevice: why }), offers('sim0', 0x308820028n))]);
    expect(two.classes[0]!.provisioning).toMatchObject([{ host: 'a' }]);
  });

  test('a parent driver of which nothing is known cannot be told anything', () => {
    const odd = vp('a', parentDriver('vp0', 'odd'));
    expect(codes(of([odd]))).toContain('error baseline.cannot-provision');
  });
});

describe('migration', () => {
  test.each([
    ['7.2.0', 'blocked'],
    ['8.1.0', 'blocked'],
    ['8.2.0', 'ready'],
  ])('QEMU %s: %s', (version, migration) => {
    expect(of([sim('a', qemu({ version }))]).classes[0]!.migration).toBe(migration);
  });

  test('a device that lacks what shadow virtqueues demand', () => {
    const [net] = of([sim('a', offers('sim0', 0x108830028n))]).classes;
    expect(net!.migration).toBe('blocked');
    expect(net!.migrationReasons[0]).toContain('ACCESS_PLATFORM');
  });

  test('block devices: over the block driver, or not at all', () => {
    const blk = (...edits: Edit[]): HostReport => reportWith(only('blk0'), ...edits);
    expect(of([blk()]).classes[0]).toMatchObject({
      class: 'block',
      migration: 'ready',
      queues: 1,
      capacity: '0x40000',
    });
    expect(of([blk(qemu({ blockdevVirtioBlkVhostVdpa: false }))]).classes[0]).toMatchObject({ migration: 'blocked' });
  });
});

describe('MAC addresses', () => {
  const own = (name: string, mac: string, ...edits: Edit[]): HostReport =>
    sim(name, netConfig('sim0', { mac }), ...edits);

  test('a guest has one, so that each device has to be given it', () => {
    const reports = [own('a', '52:54:00:00:00:01'), own('b', '52:54:00:00:00:02')];
    const found = of(reports);
    expect(codes(found)).toEqual([]);
    expect(found.classes[0]).toMatchObject({
      migration: 'ready',
      migrationReasons: [expect.stringContaining('MAC in the commands is that of the guest')],
      provisioning: [
        {
          host: 'a',
          command:
            'vdpa dev del sim0; vdpa dev add name sim0 mgmtdev vdpasim_net mac MAC mtu 1500 device_features 0x308830028',
        },
        { host: 'b' },
      ],
    });
    // gen refuses the same devices
    const text = JSON.stringify({ ...found.spec, name: 'web1', memory: '1GiB' });
    const { spec } = loadSpec(text, 'vm.yaml');
    expect(planVm(spec!, reports, 'b').findings.map(({ code }) => code)).toContain('plan.mac-differs');
  });

  test('where it cannot be given, frames do not reach the guest', () => {
    const found = of([own('a', '52:54:00:00:00:01'), vp('b', netConfig('vp0', { mac: '52:54:00:00:00:02' }))]);
    expect(codes(found)).toContain('warning baseline.cannot-provision');
    expect(found.findings.map(({ message }) => message)).toContainEqual(
      expect.stringContaining('mac of a device cannot be set on b'),
    );
    const [net] = found.classes;
    expect(net!.migration).toBe('with-loss');
    expect(net!.migrationReasons).toContainEqual(expect.stringMatching(/MAC addresses of their own.* on b$/));
  });

  test('a device without one takes that of the guest', () => {
    const found = of([own('a', '00:00:00:00:00:00'), own('b', '52:54:00:00:00:02')]);
    expect(found.classes[0]).toMatchObject({ migration: 'ready', migrationReasons: [], provisioning: [] });
  });
});

test('where KVM is not on all hosts, or not known, the spec says tcg, and gen takes it', () => {
  for (const kvm of [false, why]) {
    const reports = [sim('a', host({ kvm: true })), sim('b', host({ kvm }))];
    const found = of(reports);
    expect(codes(found)).toEqual(['warning baseline.accelerators-differ']);
    const { spec } = loadSpec(JSON.stringify({ ...found.spec, name: 'web1', memory: '1GiB' }), 'vm.yaml');
    expect(spec).toMatchObject({ accelerator: 'tcg' });
    expect(planVm(spec!, reports, 'b').findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  }
  for (const kvm of [true, false, why]) {
    expect(of([sim('a', host({ kvm })), sim('b', host({ kvm }))]).spec).not.toHaveProperty('accelerator');
  }
});

test('the spec fragment is a spec that gen takes', () => {
  const reports = [
    vp('a', netConfig('vp0', { mac: '52:54:00:00:00:01' })),
    vp('b', netConfig('vp0', { mac: '52:54:00:00:00:01' })),
  ];
  const { spec } = of(reports);
  const { spec: loaded, findings } = loadSpec(JSON.stringify({ ...spec, name: 'web1', memory: '1GiB' }), 'vm.yaml');
  expect(findings).toEqual([]);
  const { plan } = planVm(loaded!, reports, 'b');
  expect(plan?.guestAbi).toMatchObject({ machine: 'pc-q35-10.0', interfaces: [{ pagePerVq: true, queuePairs: 1 }] });
});

test('the same reports in the same order give the same bytes', () => {
  const reports = [vp('a'), sim('b'), reportWith(named('c'))];
  expect(JSON.stringify(of(reports))).toBe(JSON.stringify(of(structuredClone(reports))));
});

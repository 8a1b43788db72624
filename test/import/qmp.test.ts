/** Running VMs, replayed from what real ones answered; see test/fixtures/import/README.md. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isUnknown } from '../../src/model/fact.ts';
import validate from '../../src/model/generated/guest-configuration.validate.js';
import { importText } from './importing.ts';
import { importRecorded, recorded } from './qmp-replay.ts';

const names = readdirSync('test/fixtures/import').filter((name) => name.endsWith('.qmp.json'));

const planDigest = (name: string): string | null =>
  importText(readFileSync(`test/fixtures/import/${name.split('.')[0] ?? ''}.plan.json`, 'utf8')).digest;

describe.each(names)('%s', (name) => {
  const vm = recorded(name);

  test('with its command line it has the digest of the plan', async () => {
    const { configuration, complaints } = await importRecorded(vm);
    expect(complaints).toEqual([]);
    expect(validate(configuration)).toBe(true);
    expect(configuration.undetermined.filter(({ inDigest }) => inDigest)).toEqual([]);
    expect(configuration.digest).toBe(planDigest(name));
    expect(configuration.running).toMatchObject({ qemuVersion: '10.0.13' });
  });

  test('without it what QMP does not show is undetermined, and all else the same', async () => {
    const { configuration } = await importRecorded(vm, { withArguments: false });
    const whole = (await importRecorded(vm)).configuration.guest;
    const { digest, guest, undetermined, binding } = configuration;
    expect(validate(configuration)).toBe(true);
    expect(digest).toBeNull();
    const covered = undetermined.filter(({ inDigest }) => inDigest).map(({ path }) => path);
    const notTold = /^\/otherDevices\/|\/(?:event_idx|indirect_desc|queue_reset|queueSize)$/;
    expect(covered.filter((path) => !notTold.test(path))).toEqual(['/cpu/model', '/otherOptions']);
    const withoutFeatures = <T extends { properties: object }>(list: readonly T[]): T[] =>
      list.map((device) => ({ ...device, properties: {} }));
    expect({
      ...guest,
      interfaces: withoutFeatures(guest.interfaces),
      vdpaDevices: withoutFeatures(guest.vdpaDevices).map((device) => ({ ...device, queueSize: null })),
      cpu: { ...guest.cpu, model: whole.cpu.model },
      otherOptions: 0,
      otherDevices: 0,
    }).toEqual({
      ...whole,
      otherOptions: 0,
      otherDevices: 0,
    });
    expect(isUnknown(binding.emulator)).toBe(true);
    expect(binding.accelerator).toBe('tcg');
    expect(isUnknown(binding.memoryShared)).toBe(false);
  });
});

describe('a VM whose driver is up', () => {
  const vm = recorded('net.qmp.json');

  test('negotiated features, virtqueues, bindings, blocked reasons', async () => {
    const { configuration } = await importRecorded(vm);
    const { running, binding } = configuration;
    expect(running?.devices).toMatchObject([
      {
        device: '/interfaces/0',
        id: 'net0',
        driverOk: true,
        negotiatedFeatures: '0x300000020',
      },
    ]);
    expect(running?.migrationBlockedReasons.join()).toContain('vdpa svq does not work');
    expect(binding.devices[0]).toMatchObject({ backend: 'vhost-vdpa', charDevice: '/dev/vhost-vdpa-0' });
  });

  test('nothing is asked of a vhost-vdpa-device that ends QEMU', () => {
    const generic = names
      .map(recorded)
      .filter((one) => one.arguments.some((word) => word.includes('vhost-vdpa-device')));
    for (const { exchanges } of generic) {
      const status = exchanges.filter(({ execute }) => execute.startsWith('x-query-virtio-'));
      expect(status.map(({ arguments: args }) => JSON.stringify(args))).not.toContain(expect.stringContaining('disk0'));
    }
  });

  test('a feature word with a bit that has no name, or one that JSON has rounded, or an unknown name', async () => {
    const word = async (change: (features: Record<string, unknown>) => void): Promise<unknown> => {
      const { configuration } = await importRecorded(vm, {
        edit: ({ execute }, answer) => {
          if (execute !== 'x-query-virtio-status') return answer;
          const copy = structuredClone(answer) as { 'guest-features': Record<string, unknown> };
          change(copy['guest-features']);
          return copy;
        },
      });
      return configuration.running?.devices[0]?.negotiatedFeatures;
    };
    const plain = await word(() => undefined);
    expect(await word((features) => (features['unknown-dev-features'] = 2 ** 45))).toBe(
      `0x${(BigInt(String(plain)) | (1n << 45n)).toString(16)}`,
    );
    expect(isUnknown(await word((features) => (features['unknown-dev-features'] = 2 ** 60)))).toBe(true);
    expect(isUnknown(await word((features) => (features['dev-features'] = ['VIRTIO_NET_F_NEW: something'])))).toBe(
      true,
    );
  });

  test('queue pairs are those of the netdev, whatever the guest negotiated', async () => {
    const pairs = async (clients: number, more = ''): Promise<unknown> => {
      const { configuration } = await importRecorded(vm, {
        edit: ({ execute, arguments: args }, answer) => {
          const { property, 'command-line': line } = (args ?? {}) as { property?: string; 'command-line'?: string };
          if (execute === 'qom-get' && property === 'mq') return true;
          if (line !== 'info network' || clients === 0) return line === 'info network' ? undefined : answer;
          const netdev = /\\ (\S+): index=0/.exec(String(answer))?.[1] ?? '';
          const queue = (index: number) =>
            `net0: index=${index},type=nic,\r\n \\ ${netdev}: index=${index},type=vhost-vdpa,vhost-vdpa\r\n`;
          return Array.from({ length: clients }, (_, index) => queue(index)).join('') + more;
        },
      });
      return configuration.guest.interfaces[0]?.queuePairs;
    };
    expect(await pairs(4)).toBe(3);
    expect(await pairs(2)).toBe(1);
    expect(await pairs(1)).toBe(1);
    // iPXE takes no VIRTIO_NET_F_MQ: its three virtqueues tell nothing
    expect(await pairs(0)).toMatchObject({ unknown: 'not-present' });
  });

  test('a monitor that refuses: unknown, with the reason', async () => {
    const refuse = (...names: string[]): Parameters<typeof importRecorded>[1] => ({
      withArguments: false,
      edit: ({ execute, arguments: args }, answer) =>
        names.includes(execute) || names.includes(String((args as { property?: string } | undefined)?.property))
          ? undefined
          : answer,
    });
    const { guest } = (await importRecorded(vm, refuse('query-block', 'smp', 'share'))).configuration;
    expect(guest.disks.every(({ readOnly }) => isUnknown(readOnly))).toBe(true);
    expect(isUnknown(guest.cpu.cores)).toBe(true);
    const none = (await importRecorded(vm, refuse('qom-list', 'query-kvm', 'query-name', 'memory-backend')))
      .configuration;
    expect(none.guest.interfaces).toEqual([]);
    expect(none.binding.accelerator).toBe('tcg');
    expect(none.name).toBeNull();
  });

  test('a NIC over no vDPA device, and one of which QEMU does not tell it', async () => {
    const backend = async (edit: (text: string) => string | undefined): Promise<unknown> => {
      const { configuration } = await importRecorded(vm, {
        withArguments: false,
        edit: ({ execute }, answer) =>
          execute === 'human-monitor-command' && String(answer).includes('type=') ? edit(String(answer)) : answer,
      });
      return configuration.binding.devices[0]?.backend;
    };
    expect(await backend((text) => text)).toBe('vhost-vdpa');
    expect(await backend((text) => text.replaceAll('vhost-vdpa', 'tap'))).toBe('other');
    expect(await backend(() => undefined)).toMatchObject({ unknown: 'not-asked' });
  });

  test.each([
    [
      '/machine and the board',
      ['/machine'],
      ['query-uuid', 'query-memory-size-summary', 'query-cpus-fast', 'info network'],
    ],
    [
      'all properties of devices',
      ['parent_bus', 'addr', 'mac', 'page-per-vq', 'romfile', 'rombar', 'mq', 'vectors'],
      [],
    ],
    ['the state of virtqueues', [], ['x-query-virtio-status', 'x-query-virtio-queue-status', 'query-fdsets']],
  ])('a monitor that refuses %s: a document all the same, without a digest', async (_, properties, commands) => {
    const edit: NonNullable<Parameters<typeof importRecorded>[1]>['edit'] = ({ execute, arguments: args }, answer) => {
      const { path, property } = (args ?? {}) as { path?: string; property?: string };
      const refused =
        properties.includes(path ?? '') || properties.includes(property ?? '') || commands.includes(execute);
      return refused ? undefined : answer;
    };
    for (const withArguments of [true, false]) {
      const { configuration } = await importRecorded(vm, { withArguments, edit });
      expect(validate(configuration), JSON.stringify(validate.errors)).toBe(true);
      if (!withArguments) expect(configuration.digest).toBeNull();
    }
  });

  test('another process: its command line is left aside', async () => {
    const other = vm.arguments.map((word) =>
      /^[0-9a-f]{8}-/.test(word) ? '11111111-1111-1111-1111-111111111111' : word,
    );
    const { configuration, complaints } = await importRecorded({ ...vm, arguments: other });
    expect(complaints.map(({ code }) => code)).toEqual(['import.other-process']);
    expect(configuration.digest).toBeNull();
  });

  test('a device that was plugged in later is seen, and what is not on the command line is not known', async () => {
    const cold = vm.arguments.filter(
      (_, index) =>
        !vm.arguments[index]?.includes('virtio-net-pci') && !vm.arguments[index + 1]?.includes('virtio-net-pci'),
    );
    const { configuration } = await importRecorded({ ...vm, arguments: cold });
    expect(configuration.guest.interfaces).toHaveLength(1);
    const serial = vm.arguments.filter(
      (_, index) => !vm.arguments[index]?.includes('isa-serial') && !vm.arguments[index + 1]?.includes('isa-serial'),
    );
    const { guest } = (await importRecorded({ ...vm, arguments: serial })).configuration;
    expect(
      isUnknown(guest.otherDevices.find(({ driver }) => driver === 'isa-serial')?.properties['settings' as never]),
    ).toBe(true);
  });
});

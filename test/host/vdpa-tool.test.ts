import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { unknown } from '../../src/model/fact.ts';
import type { RunProgram } from '../../src/host/program.ts';
import { showDeviceConfig, showDevices, showManagementDevices } from '../../src/host/vdpa-tool.ts';
import { capturedRun, nothingInstalled } from './fixtures.ts';

const printing =
  (text: unknown): RunProgram =>
  () =>
    Promise.resolve({ stdout: typeof text === 'string' ? text : JSON.stringify(text) });
const failing =
  (reason: string, detail: string): RunProgram =>
  () =>
    Promise.resolve(unknown(reason, detail));

describe('captured output', () => {
  test('management devices, with names and a number among the features', async () => {
    const rows = await showManagementDevices(capturedRun);
    expect(rows).toMatchObject([
      { name: 'vdpasim_net', supportedClasses: ['net'], maxSupportedVqs: 3, features: { bits: '0x308830028' } },
      { name: 'vdpasim_blk', supportedClasses: ['block'], maxSupportedVqs: 0, features: { bits: '0x0', names: [] } },
      { name: 'pci/0000:00:04.0', supportedClasses: ['net'], maxSupportedVqs: 3, features: { bits: '0x10330bf8024' } },
      { name: 'pci/0000:00:05.0' },
    ]);
  });

  test('devices', async () => {
    const net = { virtioId: 1, maxVqs: 3, maxVqSize: 256 };
    expect(await showDevices(capturedRun)).toEqual(
      new Map([
        ['vp0', { ...net, managementDevice: 'pci/0000:00:04.0' }],
        ['vp1', { ...net, managementDevice: 'pci/0000:00:05.0' }],
        ['sim0', { ...net, managementDevice: 'vdpasim_net' }],
        ['blk0', { virtioId: 2, maxVqs: 1, maxVqSize: 256, managementDevice: 'vdpasim_blk' }],
      ]),
    );
  });

  test('the config of an idle device, of one in use, and of a block device', async () => {
    expect(await showDeviceConfig('sim0', capturedRun)).toEqual({ mac: '52:54:00:0d:0a:02', mtu: 1500 });
    expect(await showDeviceConfig('vp0-negotiated', capturedRun)).toMatchObject({ unknown: 'malformed' });
    const asVp0: RunProgram = (name, args) => capturedRun(name, [...args.slice(0, -1), 'vp0-negotiated']);
    expect(await showDeviceConfig('vp0', asVp0)).toEqual({
      mac: '52:54:00:0d:0a:00',
      negotiatedFeatures: expect.objectContaining({ bits: '0x10330bf8024' }) as object,
    });
    expect(await showDeviceConfig('blk0', capturedRun)).toEqual({});
  });

  test('a device that is not there', async () => {
    expect(await showDeviceConfig('gone', capturedRun)).toMatchObject({ unknown: 'program-failed' });
  });
});

test('max_vq_pairs, as devices with MQ have it', async () => {
  const run = printing({ config: { v: { mac: '52:54:00:AA:BB:CC', 'max_vq_pairs ': 4, mtu: 9000 } } });
  expect(await showDeviceConfig('v', run)).toEqual({ mac: '52:54:00:aa:bb:cc', mtu: 9000, maxVirtqueuePairs: 4 });
});

describe('features', () => {
  const negotiated = async (list: unknown) => {
    const config = await showDeviceConfig('v', printing({ config: { v: { negotiated_features: list } } }));
    return 'negotiatedFeatures' in config ? config.negotiatedFeatures : config;
  };

  test.each([
    [
      'net, ring and transport names',
      ['CSUM', 'RING_EVENT_IDX', 'RING_INDIRECT_DESC', 'RING_PACKED', 'VERSION_1'],
      0x530000001n,
    ],
    ['numbers, also of bit 63', [40, 63], 0x8000010000000000n],
    ['the names of the plain output', ['bit_40'], 0x10000000000n],
    ['nothing', [], 0n],
  ])('%s', async (_what, list, word) => {
    expect(await negotiated(list)).toMatchObject({ bits: `0x${word.toString(16)}` });
  });

  test.each([[['NO_SUCH_FEATURE']], [[64]], [[-1]], [[1.5]], [[null]], ['CSUM'], [{}]])(
    '%j is unknown',
    async (list) => {
      expect(await negotiated(list)).toMatchObject({ unknown: 'malformed' });
    },
  );

  test('a management device whose features cannot be told has none', async () => {
    const rows = await showManagementDevices(
      printing({ mgmtdev: { m: { supported_classes: ['block'], dev_features: ['NO_SUCH_FEATURE'] } } }),
    );
    expect(rows).toEqual([{ name: 'm', supportedClasses: ['block'] }]);
  });

  test('bits of block devices have block names', async () => {
    const rows = await showManagementDevices(
      printing({ mgmtdev: { m: { supported_classes: ['block'], dev_features: [6, 'VERSION_1'] } } }),
    );
    expect(rows).toMatchObject([{ features: { names: ['VIRTIO_BLK_F_BLK_SIZE', 'VIRTIO_F_VERSION_1'] } }]);
  });
});

describe('what is no answer', () => {
  test('the tool is not installed', async () => {
    expect(await showDevices(nothingInstalled)).toMatchObject({ unknown: 'no-tool' });
  });

  test('the kernel has no netlink family', async () => {
    const run = failing('program-failed', 'vdpa -j dev show: exit code 1: Failed to connect to vdpa Netlink');
    expect(await showDevices(run)).toMatchObject({ unknown: 'not-present' });
  });

  test('other failures', async () => {
    expect(await showManagementDevices(failing('ETIMEDOUT', 'x'))).toMatchObject({ unknown: 'ETIMEDOUT' });
    expect(await showDeviceConfig('v', failing('EACCES', 'x'))).toMatchObject({ unknown: 'EACCES' });
  });

  test('no device, with nothing printed at all', async () => {
    expect(await showDevices(printing('\n'))).toEqual(new Map());
  });

  test.each([
    '{',
    'null',
    '[]',
    '{"dev":null}',
    '{"dev":[]}',
    '{"dev":{"v":1}}',
    '{"other":{}}',
    'vdpa: command not found',
    '[[[[[[',
    '{"__proto__":{"dev":{}}}',
  ])('%s is malformed', async (text) => {
    expect(await showDevices(printing(text))).toMatchObject({ unknown: 'malformed' });
  });

  test('more rows than a report holds', async () => {
    const dev = Object.fromEntries(Array.from({ length: 4097 }, (_, index) => [`v${index}`, {}]));
    expect(await showDevices(printing({ dev }))).toMatchObject({ unknown: 'malformed' });
  });

  test('fields of wrong types are left out', async () => {
    const row = { type: 7, mgmtdev: [], max_vqs: '3', max_vq_size: -1, vendor_id: null };
    expect(await showDevices(printing({ dev: { v: row } }))).toEqual(new Map([['v', {}]]));
    const config = { mac: '52-54', mtu: 1.5, max_vq_pairs: {} };
    expect(await showDeviceConfig('v', printing({ config: { v: config } }))).toEqual({});
    const management = { supported_classes: [1], max_supported_vqs: 2 ** 60 };
    expect(await showManagementDevices(printing({ mgmtdev: { m: management } }))).toEqual([{ name: 'm' }]);
    const many = { supported_classes: Array<string>(65).fill('net') };
    expect(await showManagementDevices(printing({ mgmtdev: { m: many } }))).toEqual([{ name: 'm' }]);
  });

  test('names that mean something to JavaScript, and control characters', async () => {
    const text = '{"mgmtdev":{"__proto__":{"supported_classes":["\\u001b[31m"]},"constructor":{}}}';
    expect(await showManagementDevices(printing(text))).toEqual([
      { name: '__proto__', supportedClasses: ['\\x1b[31m'] },
      { name: 'constructor' },
    ]);
  });

  test('any JSON is taken', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        const run = printing({ dev: value, mgmtdev: value, config: { v: value } });
        for (const result of [
          await showDevices(run),
          await showManagementDevices(run),
          await showDeviceConfig('v', run),
        ]) {
          expect(result).toBeTypeOf('object');
        }
      }),
    );
  });
});

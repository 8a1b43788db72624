/**
 * L1 itself: does it boot, are its devices what the other lab tests take them for, and does the agent bear misuse?
 * The doorbell table is what a 6.12 kernel answers for a device without notification area, with a page per virtqueue,
 * and with four bytes per virtqueue (vhost_vdpa_mmap: 524 the size is not a page, EINVAL not page aligned).
 */
import { existsSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PciDevice } from './devices.ts';
import { images, missing } from './images.ts';
import { bootL1, type L1 } from './l1.ts';
import { doorbells } from './witness.ts';

const why = missing();

describe.skipIf(why.length > 0)(`L1 ${why.join(', ')}`, () => {
  let l1: L1;
  beforeAll(async () => {
    l1 = await bootL1(await images());
  });
  afterAll(async () => {
    await l1.close();
  });

  test.each(['vp0', 'vp1', 'sim0', 'blk0'])('%s is bound to vhost_vdpa', async (name) => {
    const driver = await l1.ok(['readlink', `/sys/bus/vdpa/devices/${name}/driver`]);
    expect(driver.trim().split('/').at(-1)).toBe('vhost_vdpa');
    await l1.ok(['test', '-c', l1.devices.get(name)!]);
  });

  test.each([
    ['vp0', 1, [0, 0, 0]],
    ['vp1', 1, [524, 22, 22]],
    ['sim0', 1, [524, 524, 524]],
    ['blk0', 2, [524]],
  ])('the kernel answers for the doorbells of %s', async (name, deviceId, errnos) => {
    const found = await doorbells(l1, l1.devices.get(name)!);
    expect(found).toMatchObject({ pageSize: 4096, deviceId, vqCount: errnos.length });
    expect(found.vqs.map((vq) => vq.errno)).toEqual(errnos);
  });

  test('devices can be added while L1 runs', async () => {
    const node = await l1.addDevice({ kind: 'sim-net', name: 'extra', add: ['mac', '52:54:00:0d:0a:03'] });
    expect(await doorbells(l1, node)).toMatchObject({ groups: 2, addressSpaces: 2 });
    await l1.ok(['vdpa', 'dev', 'del', 'extra']);
  });

  test('commands run at the same time, and each answer finds its question', async () => {
    const words = ['a', 'b', 'c', 'd'];
    const first = l1.run(['sh', '-c', 'until [ -e /tmp/go ]; do sleep 0.1; done']);
    const others = words.map((word) => l1.ok(['echo', word]));
    expect(await Promise.all(others)).toEqual(words.map((word) => `${word}\n`));
    await l1.writeFile('/tmp/go', '');
    expect(await first).toMatchObject({ code: 0, timedOut: false });
  });

  test('input, directory, environment, exit code and both outputs arrive', async () => {
    const argv = ['sh', '-c', 'cat; pwd; echo "$WORD" >&2; exit 7'];
    const result = await l1.run(argv, { stdin: 'grüße\n', cwd: '/tmp', env: { WORD: 'x' } });
    expect(result).toMatchObject({ code: 7, signal: null, stdout: 'grüße\n/tmp\n', stderr: 'x\n' });
  });

  test('a command that takes too long is killed with its children', async () => {
    const result = await l1.run(['sh', '-c', 'sleep 1000 & wait'], { timeoutMs: 300 });
    expect(result).toMatchObject({ code: null, signal: 'SIGKILL', timedOut: true });
  });

  test('background processes have a log, can be killed and waited for', async () => {
    const sleeper = await l1.spawn(['sh', '-c', 'echo started; exec sleep 1000']);
    await l1.kill(sleeper);
    expect(await l1.wait(sleeper)).toMatchObject({ code: null, signal: 'SIGTERM' });
    await expect(l1.kill(sleeper)).rejects.toThrow('ESRCH');
  });

  test('bad requests are refused and harm nothing', async () => {
    await expect(l1.run(['no-such-program'])).rejects.toThrow('ENOENT');
    await expect(l1.run([])).rejects.toThrow('argv must be a list of strings');
    await expect(l1.wait({ pid: 4_000_000, log: '' })).rejects.toThrow('not a process started here');
    await expect(l1.kill({ pid: 1, log: '' })).rejects.toThrow('not a process id');
    await expect(l1.writeFile('/proc/nothing', '')).rejects.toThrow('ENOENT');
    expect(await l1.ok(['echo', 'still there'])).toBe('still there\n');
  });

  test('libvirt starts on demand and sees the devices', async () => {
    await l1.ok(['sh', '/project/test/lab/l1/libvirtd.sh']);
    const list = await l1.ok(['virsh', '-q', '-c', 'qemu:///system', 'nodedev-list', '--cap', 'vdpa']);
    expect(list.split('\n')).toEqual(expect.arrayContaining(['vdpa_vp0', 'vdpa_vp1', 'vdpa_sim0', 'vdpa_blk0']));
  });
});

const noTap = existsSync('/dev/net/tun') ? [] : ['no /dev/net/tun'];

describe.skipIf(why.length + noTap.length > 0)(`L1 with several queue pairs ${[...why, ...noTap].join(', ')}`, () => {
  let l1: L1;
  const many: PciDevice = { kind: 'vp', name: 'many', mac: '52:54:00:0d:0a:04', pagePerVq: true, queuePairs: 4 };
  const narrow: PciDevice = { ...many, name: 'narrow', mac: '52:54:00:0d:0a:05', pagePerVq: false, queuePairs: 2 };
  beforeAll(async () => {
    l1 = await bootL1({ ...(await images()), devices: [many, narrow] });
  });
  afterAll(async () => {
    await l1.close();
  });

  test.each([
    ['many', 4, Array<number>(9).fill(0)],
    ['narrow', 2, [524, 22, 22, 22, 22]],
  ])('%s has %i pairs and a control virtqueue', async (name, pairs, errnos) => {
    const found = await doorbells(l1, l1.devices.get(name)!);
    expect(found.vqs.map((vq) => vq.errno)).toEqual(errnos);
    const config = await l1.ok(['vdpa', '-j', 'dev', 'config', 'show', name]);
    expect(JSON.parse(config)).toMatchObject({ config: { [name]: { max_vq_pairs: pairs } } });
  });

  test('a device can be made again with fewer features', async () => {
    await l1.ok(['vdpa', 'dev', 'del', 'many']);
    const provisioned = { ...many, add: ['device_features', '0x300428020'] };
    const node = await l1.addDevice(provisioned, [provisioned, narrow]);
    expect(await doorbells(l1, node)).toMatchObject({ features: '0x300428020', vqCount: 9 });
  });
});

describe.skipIf(why.length > 0)('L1 that cannot start', () => {
  test('says why, with the console, and leaves nothing behind', async () => {
    const broken = { ...(await images()), root: '/nonexistent' };
    await expect(bootL1(broken)).rejects.toThrow(/L1 ended while starting[^]*\/nonexistent/);
  });

  test('says what the console showed when it went wrong later', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'empty-tree-'));
    try {
      const broken = { ...(await images()), root: empty };
      await expect(bootL1(broken)).rejects.toThrow(
        /L1 ended while starting[^]*--- console:[^]*lab: initrd: cannot move/,
      );
    } finally {
      rmdirSync(empty);
    }
  });

  test('fails what is under way when it is closed, and its directory is gone', async () => {
    const l1 = await bootL1({ ...(await images()), devices: [] });
    const under = expect(l1.run(['sleep', '1000'])).rejects.toThrow('L1 has ended');
    await l1.close();
    await under;
    expect(existsSync(l1.share)).toBe(false);
    await expect(l1.run(['true'])).rejects.toThrow('L1 has ended');
  });
});

/**
 * Host notifiers of vhost-user, whose back end chooses the virtqueues that have one: l1/vhost-user-notifier.c gives a page
 * for some of them. The guest is guest/driver.c, which stays up where nothing answers. Witnesses: QEMU's object tree, and
 * what the guest has stored in the page.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Verification } from '../../src/model/generated/verification.ts';
import { chosen, whatIsLeftOut } from './extent.ts';
import { images, missing } from './images.ts';
import { bootL1, type L1 } from './l1.ts';
import { product } from './product.ts';
import { Table } from './table.ts';
import { hostNotifiers, until, untilDriverOk } from './witness.ts';

const why = missing();
const here = 'vhost-user.lab.test.ts';
const versions = [
  { label: 'QEMU 10.0', root: undefined },
  { label: 'QEMU 7.2', root: '/' },
];
const cases: readonly { name: string; pages: readonly number[]; pagePerVq: boolean; expected: string }[] = [
  { name: 'a page for both', pages: [0, 1], pagePerVq: true, expected: 'active [0,1]' },
  {
    name: 'a page for one of them',
    pages: [1],
    pagePerVq: true,
    expected: 'partial [1] 0: verify.vhost-user-gave-none',
  },
  {
    name: 'pages, and page-per-vq=off',
    pages: [0, 1],
    pagePerVq: false,
    expected: 'inactive [] 0: verify.page-per-vq-off 1: verify.page-per-vq-off',
  },
];

describe.skipIf(why.length > 0).each(chosen(here, versions, ({ root }) => root === undefined))(
  `verify of vhost-user in L1, $label ${why.join(', ')}`,
  ({ label, root }) => {
    const table = new Table();
    let l1: L1;

    beforeAll(async () => {
      l1 = await bootL1({ ...(await images(root === undefined ? {} : { root })), devices: [] });
    });
    afterAll(async () => {
      console.log(`vhost-user, ${label}\n${table.toString()}${whatIsLeftOut()}`);
      await l1.close();
    });

    test.each(chosen(here, cases, ({ pages }) => pages.length === 1))(
      '$name',
      async ({ name, pages, pagePerVq, expected }) => {
        const [monitor, socket, file] = ['/run/lab/vu.qmp', '/run/lab/vu.sock', '/dev/shm/vu-pages'];
        await l1.run(['rm', '-f', file]);
        const backEnd = await l1.spawn(['vhost-user-notifier', socket, file, ...pages.map(String)]);
        await until('the back end', async () => ((await l1.run(['test', '-S', socket])).code === 0 ? true : undefined));
        const qemu = await l1.spawn([
          ...['qemu-system-x86_64', '-M', 'q35,memory-backend=ram', '-accel', 'tcg', '-m', '256', '-nodefaults'],
          ...['-display', 'none', '-qmp', `unix:${monitor},server=on,wait=off`],
          ...['-object', 'memory-backend-memfd,id=ram,size=256M,share=on'],
          ...['-device', 'pcie-root-port,id=port0,chassis=1,addr=0x2', '-chardev', `socket,id=vu,path=${socket}`],
          // VIRTIO_F_VERSION_1, VIRTIO_NET_F_MAC
          ...['-kernel', '/share/guest', '-append', 'want=100000020 pairs=1'],
          ...['-netdev', 'vhost-user,id=vdpa0,chardev=vu', '-device'],
          `virtio-net-pci,id=net0,bus=port0,netdev=vdpa0,mac=52:54:00:0d:0a:00,romfile=,page-per-vq=${pagePerVq ? 'on' : 'off'}`,
        ]);
        try {
          await untilDriverOk(l1, qemu, monitor, 'net0');
          const { code, stdout, stderr } = await product(l1, ['verify', '--qmp', monitor, '--json', '--wait', '60']);
          expect([code, stderr]).toEqual([0, '']);
          const [device] = (JSON.parse(stdout) as Verification).devices;
          const data = device?.virtqueues.filter(({ role }) => role !== 'control') ?? [];
          const active = data.filter(({ verdict }) => verdict === 'active').map(({ index }) => index);
          const others = data
            .filter(({ verdict }) => verdict !== 'active')
            .map(({ index, reasons: [reason] }) => `${index}: ${reason?.code ?? 'no reason'}`);
          const words = [device?.verdict, JSON.stringify(active), ...others].join(' ');
          table.add(name, expected, words);
          expect(words).toBe(expected);
          expect((await hostNotifiers(l1, monitor, 'net0')).map(({ vq }) => vq)).toEqual(active);
          // the guest sends: it kicks virtqueue 1 by storing its index (virtio 1.3, 4.1.5.2) in that page
          const stored = async (): Promise<string> =>
            (await l1.ok(['od', '-An', '-tx2', '-j4096', '-N2', file])).trim();
          if (active.includes(1)) await until('a kick', async () => ((await stored()) === '0001' ? true : undefined));
          else expect(await stored()).toBe('0000');
        } finally {
          for (const process of [qemu, backEnd]) {
            await l1.kill(process, 'SIGKILL').catch(() => undefined);
            await l1.wait(process);
          }
        }
      },
    );
  },
);

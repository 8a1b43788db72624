/** `vdpa-qemu guest-abi`: files of every kind. A running VM is asked in the lab. */
import { spawn } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import validate from '../../src/model/generated/guest-configuration.validate.js';
import { temporaryDirectory } from '../host/fixtures.ts';
import { polite, reply, serve } from '../host/qmp-peer.ts';
import { recorded, replayOf } from '../import/qmp-replay.ts';
import { run } from './command-line.ts';

const golden = 'test/golden/quickstart';

describe('guest-abi', () => {
  test('two forms of one guest, compared in one line', async () => {
    const digests = await Promise.all(
      ['expected.plan.json', 'expected.xml', 'expected.args'].map((file) =>
        run('guest-abi', `${golden}/${file}`, '--digest'),
      ),
    );
    for (const { code, out } of digests) expect({ code, out }).toEqual({ code: 0, out: digests[0]?.out });
    expect(digests[0]?.out).toMatch(/^[0-9a-f]{64}\n$/);
  });

  test('the document keeps to its schema, and can be read again', async () => {
    const { code, out } = await run('guest-abi', `${golden}/expected.xml`, '--json');
    expect(code).toBe(0);
    expect(validate(JSON.parse(out))).toBe(true);
  });

  test('as text: the digest first, and what is not determined', async () => {
    const { code, out } = await run('guest-abi', 'test/golden/four-queue-pairs/expected.args');
    expect(code).toBe(0);
    expect(out).toMatch(/^guest ABI sha256:[0-9a-f]{64}\n/);
    expect(out).toContain('interfaces[0].queuePairs (not in the digest): max_vqp of the vDPA device decides it');
  });

  test('a spec takes a report', async () => {
    const { code, out } = await run(
      'guest-abi',
      'examples/quickstart/vm.yaml',
      '--host',
      'examples/quickstart/host.json',
      '--digest',
    );
    expect({ code, lines: out.split('\n').length }).toEqual({ code: 0, lines: 2 });
  });

  test('no digest, no line: exit code 1 and the reasons', async () => {
    const { code, out, err } = await run('guest-abi', 'test/fixtures/import/net.live.xml', '--digest');
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('use virsh dumpxml --migratable');
  });

  test.each([
    [['guest-abi'], 'give one of these: a file, --qmp SOCKET, --domain NAME'],
    [['guest-abi', 'a.xml', '--qmp', 's'], 'give one of these: a file, --qmp SOCKET, --domain NAME'],
    [['guest-abi', '--qmp', 's', '--pid', '0'], '--pid takes a process number'],
    [['guest-abi', '--qmp', 's', '--connect', 'qemu:///session'], '--connect is the libvirt of --domain NAME'],
    [['guest-abi', '--domain', 'a/b'], 'not the name of a libvirt domain'],
    [['guest-abi', 'README.md', '--as', 'libvirt'], 'no well-formed XML'],
    [['guest-abi', 'README.md', '--as', 'qemu-argv'], 'outside of quotes'],
    [['guest-abi', '/nonexistent'], 'no such file'],
    [['guest-abi', 'test/golden/quickstart/expected.xml', '--as', 'plan'], 'is not JSON'],
  ])('%j: exit code 2', async (args, message) => {
    const { code, out, err } = await run(...args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
  });
});

describe('a running VM', () => {
  const vm = recorded('net.libvirt.qmp.json');
  /** A monitor that answers as the recorded VM did. */
  const monitor = async (): Promise<string> => {
    const replay = replayOf(vm);
    const address = await serve(
      polite(({ execute, arguments: args, id }, socket) => {
        void replay.executeAll([{ execute, arguments: args as Record<string, never> }]).then(([outcome]) => {
          if (outcome?.ok === true) reply(socket, id, outcome.value);
          else socket.write(`${JSON.stringify({ error: { class: 'GenericError', desc: 'refused' }, id })}\r\n`);
        });
      }),
    );
    return 'path' in address ? address.path : '';
  };

  test('by its monitor alone: no digest, and why', async () => {
    const { code, out } = await run('guest-abi', '--qmp', await monitor());
    expect(code).toBe(0);
    expect(out).toMatch(/^guest ABI undetermined/);
    const { code: none, err } = await run('guest-abi', '--qmp', await monitor(), '--digest');
    expect(none).toBe(1);
    expect(err).toContain('/cpu/model');
  });

  test('--pid of another QEMU: its command line is left aside; of something else: exit code 2', async () => {
    const qemu = path.join(temporaryDirectory(), 'qemu-system-x86_64');
    symlinkSync(process.execPath, qemu);
    const other = spawn(qemu, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'ignore' });
    onTestFinished(() => void other.kill('SIGKILL'));
    const { code, out, err } = await run('guest-abi', '--qmp', await monitor(), '--pid', `${other.pid}`);
    expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/^guest ABI undetermined/) as string });
    expect(err).toContain('[import.other-process]');
    const wrong = await run('guest-abi', '--qmp', await monitor(), '--pid', `${process.pid}`);
    expect({ code: wrong.code, out: wrong.out }).toEqual({ code: 2, out: '' });
    expect(wrong.err).toContain('is no QEMU, it is node');
  });

  test('nobody listens', async () => {
    const { code } = await run('guest-abi', '--qmp', '/nonexistent.sock');
    expect(code).toBe(2);
  });
});

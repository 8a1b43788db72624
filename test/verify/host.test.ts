import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { launchProcess, makePrivateDirectory, withLockedMemory } from '../../src/host/launch-process.ts';
import { findListener, readPidFile, readProcess } from '../../src/host/proc-maps.ts';
import { checkDomainName, pidFileOf, virshMonitor } from '../../src/host/virsh-monitor.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'verify-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

describe('/proc', () => {
  test('of a process', async () => {
    const procRoot = folder();
    const directory = join(procRoot, '7');
    mkdirSync(join(directory, 'fd'), { recursive: true });
    writeFileSync(join(directory, 'cmdline'), 'qemu\0-netdev\0x\0');
    writeFileSync(join(directory, 'maps'), '1000-2000 -w-s 00002000 00:06 617      /dev/vhost-vdpa-3\n');
    symlinkSync('/dev/vhost-vdpa-3', join(directory, 'fd/8'));
    expect(await readProcess(7, { procRoot }, () => Promise.resolve(4096))).toEqual({
      pid: 7,
      pageSize: 4096,
      arguments: ['qemu', '-netdev', 'x'],
      files: new Map([[8, '/dev/vhost-vdpa-3']]),
      mappings: [{ device: '/dev/vhost-vdpa-3', offset: 8192 }],
    });
    const gone = { unknown: 'ENOENT' };
    expect(await readProcess(8, { procRoot })).toMatchObject({ arguments: gone, files: gone, mappings: gone });
  });

  test('who listens on a socket, and pid files', async () => {
    const socket = join(folder(), 's');
    const server = createServer().listen(socket);
    await new Promise((resolve) => server.once('listening', resolve));
    onTestFinished(() => void server.close());
    expect(findListener(socket)).toBe(process.pid);
    expect(findListener(`${socket}x`)).toBeUndefined();
    expect(findListener(socket, { procRoot: '/nonexistent' })).toBeUndefined();
    const file = join(folder(), 'pid');
    writeFileSync(file, '123\n');
    expect(readPidFile(file)).toBe(123);
    writeFileSync(file, 'x');
    expect(readPidFile(file)).toMatchObject({ unknown: 'malformed' });
    expect(readPidFile(`${file}x`)).toMatchObject({ unknown: 'ENOENT' });
    expect(pidFileOf('web1')).toBe('/run/libvirt/qemu/web1.pid');
  });
});

describe('virsh qemu-monitor-command', () => {
  test('many commands in one virsh, quoted as virsh reads it', async () => {
    const asked: string[] = [];
    const monitor = virshMonitor("it's", {
      run: (name, args) => {
        asked.push(name, ...args);
        return Promise.resolve({
          stdout: '{"return":{"a":1},"id":"libvirt-9"}\n\n{"error":{"class":"GenericError","desc":"no"}}\n',
        });
      },
    });
    const outcomes = await monitor.executeAll([{ execute: 'a', arguments: { path: "/x'y" } }, { execute: 'b' }]);
    expect(asked).toEqual([
      ...['virsh', '-q', '-c', 'qemu:///system'],
      `qemu-monitor-command --domain 'it'\\''s' --cmd '{"execute":"a","arguments":{"path":"/x'\\''y"}}'; qemu-monitor-command --domain 'it'\\''s' --cmd '{"execute":"b"}'`,
    ]);
    expect(outcomes).toMatchObject([
      { ok: true, value: { a: 1 } },
      { ok: false, error: { kind: 'command', description: 'no' } },
    ]);
  });

  const answering = (output: unknown) =>
    virshMonitor('web1', { run: () => Promise.resolve(output as { stdout: string }) });

  test('one command, and every failure', async () => {
    expect(await answering({ stdout: '{"return":5}' }).execute('a')).toBe(5);
    await expect(answering({ stdout: '{"error":{"class":"C","desc":"no"}}' }).execute('a')).rejects.toMatchObject({
      kind: 'command',
    });
    await expect(answering({ stdout: '' }).execute('a')).rejects.toMatchObject({ kind: 'protocol' });
    await expect(answering({ stdout: 'x' }).execute('a')).rejects.toMatchObject({ kind: 'protocol' });
    await expect(
      answering({ unknown: 'no-tool', detail: 'virsh is not installed' }).execute('a'),
    ).rejects.toMatchObject({ code: 'not-found' });
    await expect(
      answering({ unknown: 'program-failed', detail: "virsh ..: error: failed to get domain 'web1'" }).execute('a'),
    ).rejects.toThrow("virsh: domain web1: failed to get domain 'web1'");
    await expect(answering({ unknown: 'program-failed', detail: 'something' }).execute('a')).rejects.toThrow(
      'something',
    );
  });

  test('more than the kernel takes in one argument is split', async () => {
    let runs = 0;
    const monitor = virshMonitor('web1', {
      run: (_, args) => {
        runs++;
        return Promise.resolve({ stdout: '{"return":0}\n'.repeat(args[3]!.split('; ').length) });
      },
    });
    expect(await monitor.executeAll(Array.from({ length: 3000 }, () => ({ execute: 'x' })))).toHaveLength(3000);
    expect(runs).toBeGreaterThan(1);
  });

  test.each(['', '-x', 'a/b', 'a\nb', 'a'.repeat(300)])('no domain is called %j', (name) => {
    expect(() => checkDomainName(name)).toThrow('not the name of a libvirt domain');
  });
});

describe('a launched process', () => {
  test('its folder is private, and goes', () => {
    const { path, remove } = makePrivateDirectory();
    expect(readdirSync(path)).toEqual([]);
    remove();
    expect(existsSync(path)).toBe(false);
  });

  test('the limit of locked memory is raised only where it is lower', () => {
    const procRoot = folder();
    mkdirSync(join(procRoot, 'self'));
    const limits = (soft: string) =>
      writeFileSync(
        join(procRoot, 'self/limits'),
        `Max locked memory         ${soft}              unlimited            bytes\n`,
      );
    limits('8388608');
    expect(withLockedMemory(['q', '-x'], 2 ** 30, procRoot)).toEqual([
      'prlimit',
      '--memlock=1073741824:1073741824',
      '--',
      'q',
      '-x',
    ]);
    expect(withLockedMemory(['q'], 0, procRoot)).toEqual(['q']);
    limits('unlimited');
    expect(withLockedMemory(['q'], 2 ** 30, procRoot)).toEqual(['q']);
  });

  test('what it said; ended by SIGTERM, or SIGKILL where it ignores that', async () => {
    const log = join(folder(), 'log');
    const calm = await launchProcess(['sh', '-c', 'echo hello >&2; sleep 60'], log);
    await expect.poll(() => calm.said()).toEqual(['hello']);
    expect(await calm.stop()).toMatchObject({ signal: 'SIGTERM' });
    const deaf = await launchProcess(['sh', '-c', 'trap "" TERM; echo ready; sleep 60 & wait; sleep 60'], log);
    await expect.poll(() => deaf.said()).toContain('ready');
    expect(await deaf.stop(300)).toMatchObject({ signal: 'SIGKILL' });
    await expect(launchProcess(['/nonexistent/qemu'], log)).rejects.toMatchObject({ code: 'not-found' });
  });
});

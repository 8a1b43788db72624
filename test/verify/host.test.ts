import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative as relativePath } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { launchProcess, makePrivateDirectory, withLockedMemory } from '../../src/host/launch-process.ts';
import { openMonitor } from '../../src/commands/monitor.ts';
import { checkQemu, findQemu, listenersAt, readPidFile } from '../../src/host/find-process.ts';
import { readTail } from '../../src/host/files.ts';
import { readProcess } from '../../src/host/proc-maps.ts';
import type { QmpWait } from '../../src/host/qmp-batch.ts';
import { QmpError } from '../../src/host/qmp-error.ts';
import { checkDomainName, pidFileOf, virshMonitor } from '../../src/host/virsh-monitor.ts';

const globals = { json: false, verbose: false, quiet: true, color: false, output: undefined };
const io = () => ({ out: () => undefined, err: () => undefined, color: false });

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
    const link = join(mkdtempSync('/dev/shm/verify-'), 'vp0');
    onTestFinished(() => rmSync(join(link, '..'), { recursive: true }));
    symlinkSync('/dev/null', link);
    const netdev = `vhost-vdpa,vhostdev=${link},id=x`;
    writeFileSync(join(directory, 'cmdline'), `qemu\0-netdev\0${netdev}\0`);
    writeFileSync(join(directory, 'maps'), '1000-2000 -w-s 00002000 00:06 617      /dev/vhost-vdpa-3\n');
    symlinkSync('/dev/vhost-vdpa-3', join(directory, 'fd/8'));
    expect(await readProcess(7, { procRoot }, () => Promise.resolve(4096))).toEqual({
      pid: 7,
      pageSize: 4096,
      arguments: ['qemu', '-netdev', netdev],
      links: new Map([[link, '/dev/null']]),
      files: new Map([[8, '/dev/vhost-vdpa-3']]),
      mappings: [{ device: '/dev/vhost-vdpa-3', offset: 8192 }],
    });
    const gone = { unknown: 'ENOENT' };
    expect(await readProcess(8, { procRoot })).toMatchObject({ arguments: gone, files: gone, mappings: gone });
  });

  /** A program called as a QEMU is, which listens where it is told. */
  async function listening(name: string, where: string, cwd: string): Promise<number> {
    const program = join(folder(), name);
    symlinkSync(process.execPath, program);
    const script = "require('net').createServer().listen(...process.argv[1].split(' '), () => console.log('up'))";
    const child = spawn(program, ['-e', script, where], { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    await new Promise((resolve) => child.stdout.once('data', resolve));
    return child.pid ?? 0;
  }

  test('the QEMU that listens at a socket: by a link, by ./, in a linked folder', async () => {
    const directory = folder();
    const pid = await listening('qemu-system-x86_64', './s', directory);
    symlinkSync(directory, `${directory}-link`);
    onTestFinished(() => rmSync(`${directory}-link`));
    symlinkSync('s', join(directory, 'other'));
    const names = [join(directory, 's'), join(`${directory}-link`, 's'), join(directory, '.', 'other')];
    const relative = relativePath(process.cwd(), join(directory, 's'));
    for (const path of [...names, relative]) expect(findQemu({ path }), path).toBe(pid);
    expect(findQemu({ path: join(directory, 'x') })).toMatchObject({ unknown: 'not-found' });
    expect(findQemu({ path: join(folder(), 's') })).toMatchObject({ unknown: 'not-found' });
    expect(findQemu({ path: names[0]! }, { procRoot: '/nonexistent' })).toMatchObject({ unknown: 'not-found' });
  });

  test('the QEMU that listens at a TCP port of this host, and no other host', async () => {
    const port = 20_000 + (process.pid % 10_000);
    const pid = await listening('kvm', String(port), '/');
    for (const host of ['127.0.0.1', 'localhost', '::1']) expect(findQemu({ host, port }), host).toBe(pid);
    expect(findQemu({ host: '192.0.2.1', port })).toMatchObject({ unknown: 'not-local' });
    expect(findQemu({ host: '127.0.0.1', port: 1 })).toMatchObject({ unknown: 'not-found' });
  });

  test('of two that were told the same path neither is taken for the other; --pid may name each', async () => {
    const [path, directory] = [join(folder(), 's'), folder()];
    const pids = [await listening('qemu-a', path, directory)];
    rmSync(path);
    pids.push(await listening('qemu-b', path, directory));
    expect(findQemu({ path })).toEqual({
      unknown: 'ambiguous',
      detail: `processes ${[...pids].sort((a, b) => a - b).join(' and ')} were all told to listen there: give --pid`,
    });
    expect(listenersAt({ path })).toEqual(expect.arrayContaining(pids));
    const options = { domain: undefined, connect: undefined, ...globals };
    for (const pid of pids) {
      const refused = await openMonitor({ qmp: path, pid, ...options }, io(), 300).catch((error: unknown) => error);
      expect(refused).toMatchObject({ kind: 'greeting' });
    }
    await expect(openMonitor({ qmp: path, pid: process.pid, ...options }, io(), 300)).rejects.toThrow('is no QEMU');
    const third = await listening('qemu-c', join(folder(), 'other'), directory);
    await expect(openMonitor({ qmp: path, pid: third, ...options }, io(), 300)).rejects.toThrow(
      `--pid ${third}: the QEMU that listens at the socket is process `,
    );
  });

  test('one port of two addresses', async () => {
    const port = 30_000 + (process.pid % 10_000);
    const one = await listening('qemu-a', `${port} 127.0.0.1`, '/');
    const two = await listening('qemu-b', `${port} 127.0.0.2`, '/');
    expect(findQemu({ host: '127.0.0.1', port })).toBe(one);
    expect(findQemu({ host: 'localhost', port })).toBe(one);
    expect(findQemu({ host: '127.0.0.2', port })).toBe(two);
    expect(findQemu({ host: '127.0.0.3', port })).toMatchObject({ unknown: 'not-found' });
    expect(findQemu({ host: '127.example.com', port })).toMatchObject({ unknown: 'not-local' });
  });

  test('a relay that listens, and a process that is something else, are no QEMU', async () => {
    const directory = folder();
    const pid = await listening('relay', join(directory, 's'), '/');
    const other = { unknown: 'not-qemu', detail: `process ${pid} is no QEMU, it is relay` };
    expect(findQemu({ path: join(directory, 's') })).toEqual(other);
    expect(checkQemu(pid)).toEqual(other);
    expect(checkQemu(2 ** 31)).toMatchObject({ unknown: 'not-found' });
  });

  test('pid files', () => {
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

  test('a name of digits is a number to virsh: it is used only where it means this domain', async () => {
    const asked: string[] = [];
    const answering = (name: string) =>
      virshMonitor('101', {
        run: (_, args) => {
          asked.push(args.at(-1) ?? '');
          return Promise.resolve({ stdout: args.at(-1)!.startsWith('domname') ? `${name}\n\n` : '{"return":1}\n' });
        },
      });
    await expect(answering('alpha').execute('a')).rejects.toMatchObject({
      code: 'usage',
      message: 'virsh takes 101 for the number of the running domain alpha: give the UUID of the one that is meant',
    });
    const own = answering('101');
    expect([await own.execute('a'), await own.execute('b')]).toEqual([1, 1]);
    expect(asked.map((script) => script.split(' ')[0])).toEqual([
      ...['domname', 'domname', 'qemu-monitor-command', 'qemu-monitor-command'],
    ]);
  });

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

  test('too much, too late, too deep, aborted: its own error each, without the command', async () => {
    const bin = folder();
    vi.stubEnv('PATH', `${bin}:${process.env['PATH'] ?? ''}`);
    onTestFinished(() => void vi.unstubAllEnvs());
    const virsh = (script: string) => writeFileSync(join(bin, 'virsh'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const failing = async (wait: QmpWait = {}) => {
      const begin = performance.now();
      const error: unknown = await virshMonitor('web1')
        .executeAll([{ execute: 'a', arguments: { path: '/x' } }], wait)
        .catch((thrown: unknown) => thrown);
      expect(performance.now() - begin).toBeLessThan(8000);
      expect(error).toBeInstanceOf(QmpError);
      const { kind, message } = error as QmpError;
      expect(message).not.toContain('qemu-monitor-command');
      return `${kind} ${message}`;
    };
    virsh('exec sleep 30');
    expect(await failing({ timeoutMs: 300 })).toBe('timeout virsh: domain web1: no answer within 300 ms');
    expect(await failing({ signal: AbortSignal.timeout(300) })).toBe('aborted virsh: domain web1: waiting was aborted');
    virsh('exec yes');
    expect(await failing()).toMatch(/^too-large virsh: domain web1: more than 33554432 bytes of output/);
    virsh("printf '{\"return\":'; head -c 3000 /dev/zero | tr '\\0' '['; echo");
    expect(await failing()).toMatch(/^too-large .*nested deeper than 1024/);
    virsh("printf '{\"return\":['; yes '{},' | head -n 600000 | tr -d '\\n'; echo '1]}'");
    expect(await failing()).toMatch(/^too-large .*more than 1000000 values/);
    virsh("echo 'error: Requested operation is not valid: domain is not running' >&2; exit 1");
    expect(await failing()).toBe('closed virsh: domain web1: Requested operation is not valid: domain is not running');
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
  test('its folder is where the name of a socket has room', () => {
    vi.stubEnv('XDG_RUNTIME_DIR', `/tmp/${'x'.repeat(90)}`);
    onTestFinished(() => void vi.unstubAllEnvs());
    const { path, remove } = makePrivateDirectory();
    remove();
    expect(path).toMatch(/^\/(run|tmp)\/vdpa-qemu-.{6}$/);
  });

  test('of what it printed only the end is read, however much that is', async () => {
    const log = join(folder(), 'log');
    const child = await launchProcess(['sh', '-c', 'yes | head -c 50000; echo; echo the end'], log);
    await child.exited;
    expect(child.said()).toHaveLength(20);
    expect(child.said().at(-1)).toBe('the end');
    expect(readTail(log, 4)).toBe('end\n');
    expect(readTail(`${log}x`, 4)).toMatchObject({ unknown: 'ENOENT' });
  });

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

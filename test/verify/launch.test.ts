import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { connectQmp } from '../../src/host/qmp-connect.ts';
import { hasListener, removeDeadSocket } from '../../src/host/unix-socket.ts';
import type { VmPlan } from '../../src/model/generated/vm-plan.ts';
import { describeExit, launchVm } from '../../src/verify/launch-vm.ts';

const qemu = '/usr/bin/qemu-system-x86_64';

let runtime = '';
beforeEach(() => {
  runtime = mkdtempSync(join(tmpdir(), 'launch-'));
  process.env['XDG_RUNTIME_DIR'] = runtime;
  onTestFinished(() => {
    delete process.env['XDG_RUNTIME_DIR'];
    rmSync(runtime, { recursive: true, force: true });
  });
});

/** A plan without devices: what `emulator` is started with is of no matter to a script. */
function plan(emulator: string): VmPlan {
  return {
    schemaVersion: 1,
    kind: 'VmPlan',
    guestAbiDigest: '0'.repeat(64),
    name: 'test',
    guestAbi: {
      machine: 'pc-q35-7.2',
      architecture: 'x86_64',
      uuid: '5c1a7d3e-1f7b-5f1a-9d3c-000000000001',
      cpu: { model: 'qemu64', count: 1 },
      memoryBytes: 64 * 2 ** 20,
      rootPorts: [],
      interfaces: [],
      disks: [],
      vdpaDevices: [],
    },
    binding: {
      ...{ host: 'h', emulator, accelerator: 'tcg', memoryShared: false, lockedMemoryBytes: 0, qmpSocket: null },
      ...{ interfaces: [], disks: [], vdpaDevices: [] },
    },
  };
}

function script(text: string): VmPlan {
  const file = join(runtime, 'qemu');
  rmSync(`${runtime}/pid`, { force: true });
  writeFileSync(file, `#!/bin/sh\necho $$ > ${runtime}/pid\n${text}\n`);
  chmodSync(file, 0o755);
  return plan(file);
}

/** Milliseconds in which a shell reaches its second line, also on a machine with much to do. */
const hangs = 1500;

const leftovers = () => readdirSync(runtime).filter((name) => name.startsWith('vdpa-qemu-'));

/** Whether the script that was started is still there. @throws Error when it has not come to its first line */
function stillThere(): boolean {
  const pid = readFileSync(`${runtime}/pid`, 'utf8').trim();
  if (!/^\d+$/.test(pid)) throw new Error(`the script was not started: ${JSON.stringify(pid)}`);
  return existsSync(`/proc/${pid}`);
}

describe('a QEMU that does not come up leaves nothing behind', () => {
  test('it ends at once: its output is the explanation', async () => {
    const launching = launchVm(script('echo "qemu: no such machine" >&2; exit 1'));
    await expect(launching).rejects.toMatchObject({
      code: 'program',
      message: expect.stringMatching(/code 1/) as string,
      details: ['QEMU: qemu: no such machine'],
    });
    expect(leftovers()).toEqual([]);
  });

  test('the socket of a VM that runs already is left to it', async () => {
    const qmpSocket = join(runtime, 'own.qmp');
    const own = (vm: VmPlan): VmPlan => ({ ...vm, binding: { ...vm.binding, qmpSocket } });
    const other = createServer().listen(qmpSocket);
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    await expect(launchVm(own(script('exit 1')))).rejects.toMatchObject({
      code: 'usage',
      message: `somebody listens at ${qmpSocket} already: does the VM run?`,
    });
    expect(existsSync(`${runtime}/pid`)).toBe(false);
    expect(await hasListener(qmpSocket)).toBe(true);
    await removeDeadSocket(qmpSocket);
    expect(existsSync(qmpSocket)).toBe(true);
  });

  test('a socket of the plan that a killed QEMU leaves is removed', async () => {
    const qmpSocket = join(runtime, 'own.qmp');
    const listen = `require('net').createServer().listen('${qmpSocket}', () => process.kill(process.pid, 'SIGKILL'))`;
    const vm = script(`${process.execPath} -e "${listen}"; ls ${qmpSocket}; exit 1`);
    await expect(launchVm({ ...vm, binding: { ...vm.binding, qmpSocket } })).rejects.toMatchObject({
      details: expect.arrayContaining([`QEMU: ${qmpSocket}`]) as string[],
    });
    expect(existsSync(qmpSocket)).toBe(false);
  });

  test('it hangs', async () => {
    await expect(launchVm(script('sleep 60'), { timeoutMs: hangs })).rejects.toMatchObject({
      kind: 'connect',
      message: 'QEMU did not open its monitor within 1.5 s',
    });
    expect([leftovers(), stillThere()]).toEqual([[], false]);
  });

  test('it hangs and ignores SIGTERM', async () => {
    const launching = launchVm(script('trap "" TERM; echo deaf; while :; do sleep 1; done'), { timeoutMs: hangs });
    await expect(launching).rejects.toMatchObject({ details: ['QEMU: deaf'] });
    expect([leftovers(), stillThere()]).toEqual([[], false]);
  });

  test('the caller gives up', async () => {
    const launching = launchVm(script('sleep 60'), { signal: AbortSignal.timeout(hangs) });
    await expect(launching).rejects.toMatchObject({ name: 'QmpError', kind: 'aborted' });
    expect([leftovers(), stillThere()]).toEqual([[], false]);
  });

  test('there is none', async () => {
    await expect(launchVm(plan('/nonexistent/qemu'))).rejects.toMatchObject({ code: 'not-found' });
    expect(leftovers()).toEqual([]);
  });

  test('how it ended, in words', () => {
    expect(describeExit({ code: undefined, signal: 'SIGKILL' })).toBe('signal SIGKILL');
    expect(describeExit({ code: 3, signal: undefined })).toBe('code 3');
    expect(describeExit({ code: undefined, signal: undefined })).toBe('code unknown');
  });
});

describe.skipIf(!existsSync(qemu))(`a real QEMU${existsSync(qemu) ? '' : ` (no ${qemu})`}`, () => {
  test('starts, is verified, and quits when asked to', async () => {
    const vm = await launchVm(plan(qemu));
    expect(vm.verification).toMatchObject({
      kind: 'Verification',
      runState: 'running',
      devices: [],
      findings: expect.not.arrayContaining([expect.objectContaining({ severity: 'error' })]) as unknown,
    });
    expect(vm.verification.vm).toEqual({ pid: vm.pid, socket: vm.socket, log: vm.log });
    const client = await connectQmp({ path: vm.socket });
    client.close();
    expect(await vm.stop()).toEqual({ code: 0, signal: undefined });
    expect(leftovers()).toEqual([]);
  });
});

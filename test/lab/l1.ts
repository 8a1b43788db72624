/**
 * L1, the vDPA host of the lab: a QEMU guest with a kernel of ours and real vhost-vdpa devices, driven from L0.
 *
 *   const l1 = await bootL1({ ...(await images()) });
 *   const { stdout } = await l1.run(['vdpa', '-j', 'dev', 'show']);
 *   await l1.close();
 *
 * Commands go to the agent (l1/agent.mjs) over a virtio-serial port, so that they can run at the same time and their
 * output is apart from the console, which is kept for error messages. QEMU is started through setpriv --pdeathsig:
 * however the test process ends, also by SIGKILL, L1 goes with it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { AgentLink, type Reply } from './agent-link.ts';
import { addDeviceArgs, usualDevices, type LabDevice } from './devices.ts';
import type { Arch, Images } from './images.ts';
import { l1Args, l1Program } from './l1-args.ts';
import { setZoo } from './zoo.ts';

export interface BootOptions extends Images {
  /** Default: usualDevices. */
  readonly devices?: readonly LabDevice[];
  /** Default 3072. */
  readonly memoryMiB?: number;
  /** Default 2. */
  readonly cpus?: number;
  /** Default 180 s, which is for a machine that is busy with something else. */
  readonly bootTimeoutMs?: number;
}

export interface RunOptions {
  readonly stdin?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Default 120 s, 0 for ever; the process group is then killed and `timedOut` is true. */
  readonly timeoutMs?: number;
}

export interface RunResult {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

export interface SpawnOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The file in L1 that takes stdout and stderr; default: a new one in /run/lab. */
  readonly log?: string;
}

export interface Background {
  readonly pid: number;
  readonly log: string;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
}

/** Boots L1, creates its devices, and returns when all of them are bound to vhost_vdpa. */
export async function bootL1(options: BootOptions): Promise<L1> {
  const project = process.cwd();
  if (!existsSync(join(project, 'test/lab/l1/init'))) throw new Error(`not run in the project's directory: ${project}`);
  const directory = mkdtempSync(join(tmpdir(), 'vdpa-lab-'));
  const share = join(directory, 'share');
  mkdirSync(share);
  cpSync(options.tools, join(share, 'bin'), { recursive: true });
  cpSync(options.kernel, join(share, 'kernel'));
  cpSync(options.guest, join(share, 'guest'));

  const agentSocket = join(directory, 'agent.sock');
  const { arch = 'x86_64', devices = usualDevices } = options;
  const machine = { ...options, arch, project, share, agentSocket, devices };
  const args = l1Args({ ...machine, memoryMiB: options.memoryMiB ?? 3072, cpus: options.cpus ?? 2 });

  const connected = acceptOne(agentSocket);
  const qemu = spawn('setpriv', ['--pdeathsig', 'KILL', '--', l1Program(arch), ...args]);
  const l1 = new L1(qemu, directory, arch);
  try {
    await l1.started(connected, options.bootTimeoutMs ?? 180_000);
    for (const device of devices) await l1.addDevice(device, devices);
    return l1;
  } catch (error) {
    await l1.close();
    throw error;
  }
}

export class L1 {
  /** Name of each vDPA device to its /dev/vhost-vdpa-N in L1. */
  readonly devices = new Map<string, string>();
  /** The directory of L0 that L1 sees as /share; also holds what an L2 may boot: L1's kernel, and our own guest. */
  readonly share: string;
  readonly arch: Arch;
  readonly #qemu: ChildProcess;
  readonly #directory: string;
  readonly #ended: Promise<void>;
  readonly #cleanUp = () => this.#removeAll();
  #link: AgentLink | undefined;
  #console = '';
  #qemuSays = '';

  constructor(qemu: ChildProcess, directory: string, arch: Arch) {
    this.arch = arch;
    this.share = join(directory, 'share');
    this.#qemu = qemu;
    this.#directory = directory;
    qemu.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#console += text));
    qemu.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#qemuSays += text));
    this.#ended = new Promise((resolve) => {
      qemu.on('error', (error) => {
        this.#qemuSays += `${error.message}\n`;
        resolve();
      });
      qemu.on('close', () => resolve());
    });
    void this.#ended.then(() => this.#link?.break(this.#failure('L1 has ended')));
    process.once('exit', this.#cleanUp);
  }

  /** Everything the serial console has shown. */
  get console(): string {
    return this.#console;
  }

  /** What L0's QEMU has printed; "wrong value for queue_enable 0" is normal. */
  get qemuSays(): string {
    return this.#qemuSays;
  }

  /** Runs a command to its end, whatever its exit code. A command that leaves a daemon behind belongs into spawn. */
  async run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return (await this.#ask({ argv, timeoutMs: 120_000, ...options })) as RunResult;
  }

  /** Runs `vdpa-qemu WORDS` in a process that stays (l1/warm.mjs), without standard input. */
  async runWarm(words: readonly string[], timeoutMs: number): Promise<RunResult> {
    return (await this.#ask({ product: words, timeoutMs })) as RunResult;
  }

  /** Runs a command that must succeed; its stdout. */
  async ok(argv: readonly string[], options: RunOptions = {}): Promise<string> {
    const { code, signal, stdout, stderr, timedOut } = await this.run(argv, options);
    if (code === 0) return stdout;
    const end = timedOut ? 'ran out of time' : `ended with ${code ?? signal ?? 'nothing'}`;
    throw new Error(`L1: ${argv.join(' ')}: ${end}\n${stdout}${stderr}`);
  }

  /** Starts a command in the background. */
  async spawn(argv: readonly string[], options: SpawnOptions = {}): Promise<Background> {
    return (await this.#ask({ spawn: argv, ...options })) as unknown as Background;
  }

  /** Waits for the end of what spawn started. */
  async wait(process: Background): Promise<Ended> {
    return (await this.#ask({ wait: process.pid })) as unknown as Ended;
  }

  /** Sends a signal; the process may already be gone. */
  async kill(process: Background, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.#ask({ kill: process.pid, signal });
  }

  async writeFile(path: string, text: string, mode = 0o644): Promise<void> {
    await this.#ask({ write: path, text, mode });
  }

  async readFile(path: string): Promise<string> {
    return await this.ok(['cat', path]);
  }

  /** Creates a vDPA device bound to vhost_vdpa; returns its /dev/vhost-vdpa-N. */
  async addDevice(device: LabDevice, devices: readonly LabDevice[] = [device]): Promise<string> {
    if (device.kind !== 'vp' && device.zoo !== undefined) await setZoo(this, device.name, device.zoo);
    const script = '/project/test/lab/l1/add-device.sh';
    const node = (await this.ok(['sh', script, ...addDeviceArgs(device, devices)])).trim();
    this.devices.set(device.name, node);
    return node;
  }

  /** Both directions of the serial console, for a terminal and a shell that runs there. */
  get consoleStreams(): { input: Writable; output: Readable } {
    const { stdin, stdout } = this.#qemu;
    if (stdin === null || stdout === null) throw new Error('L1 has no console');
    return { input: stdin, output: stdout };
  }

  /** Switches L1 off and removes its directory. May be called more than once. */
  async close(): Promise<void> {
    this.#qemu.kill('SIGTERM');
    const force = setTimeout(() => this.#qemu.kill('SIGKILL'), 5_000);
    await this.#ended;
    clearTimeout(force);
    process.off('exit', this.#cleanUp);
    this.#removeAll();
  }

  /** Of bootL1: waits for the agent. */
  async started(connected: Promise<Socket>, timeoutMs: number): Promise<void> {
    const giveUp = AbortSignal.timeout(timeoutMs);
    const agent = connected.then(async (socket) => {
      this.#link = new AgentLink(socket);
      await this.#link.ready;
      return undefined;
    });
    const trouble = new Promise<string>((resolve) => {
      giveUp.addEventListener('abort', () => resolve(`L1 was not up after ${timeoutMs / 1000} s`));
      void this.#ended.then(() => resolve('L1 ended while starting'));
    });
    const wrong = await Promise.race([agent, trouble]);
    if (wrong !== undefined) throw this.#failure(wrong);
  }

  async #ask(message: object): Promise<Reply> {
    if (this.#link === undefined) throw new Error('L1 is not up');
    return await this.#link.request(message);
  }

  #failure(what: string): Error {
    const tail = this.#console.trimEnd().split(/\r?\n/).slice(-40).join('\n');
    return new Error(`${what}\n--- QEMU:\n${this.#qemuSays.trimEnd()}\n--- console:\n${tail}`);
  }

  #removeAll(): void {
    this.#qemu.kill('SIGKILL');
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function acceptOne(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      server.close();
      resolve(socket);
    });
    server.on('error', reject);
    server.unref();
    server.listen(path);
  });
}

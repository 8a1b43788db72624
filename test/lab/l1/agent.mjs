/**
 * The agent of L1: does what L0 asks over a virtio-serial port, one JSON object per line each way.
 *
 *   {id, argv, stdin?, cwd?, env?, timeoutMs?}   -> {id, code, signal, stdout, stderr, timedOut}
 *   {id, product: [word, ..], timeoutMs?}        -> the same, by warm.mjs; one that is busy, or has run out
 *                                                   of time, is replaced
 *   {id, spawn: argv, log?, cwd?, env?}          -> {id, pid, log}       in the background, output into the file log
 *   {id, wait: pid}                              -> {id, code, signal}   when that background process has ended
 *   {id, kill: pid, signal?}                     -> {id}
 *   {id, write: path, text, mode?}               -> {id}
 *   anything wrong                               -> {id, error}
 *
 * Requests run at the same time and are answered as they end. A run ends when its output is closed, so a daemon must
 * be started with spawn. Each process gets its own process group; a timeout kills the group.
 * A read of the port that gives nothing means that L0 has hung up: the agent ends, and with it the machine.
 */
import { fork, spawn } from 'node:child_process';
import { mkdirSync, openSync, closeSync, readFileSync, readdirSync } from 'node:fs';
import { open, mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StringDecoder } from 'node:string_decoder';

const ports = '/sys/class/virtio-ports';
const idle = []; // of warm.mjs
const background = new Map(); // pid -> promise of {code, signal}
let logs = 0;

const port = await open(findPort('lab.agent'), 'r+');
let written = Promise.resolve();
send({ hello: 'lab agent', node: process.version });
for await (const line of lines()) void answer(line);
await written;

function findPort(name) {
  const found = readdirSync(ports).find((entry) => readFileSync(`${ports}/${entry}/name`, 'utf8').trim() === name);
  if (found === undefined) throw new Error(`no virtio-serial port named ${name}`);
  return `/dev/${found}`;
}

async function* lines() {
  const decoder = new StringDecoder('utf8');
  const chunk = Buffer.alloc(65536);
  let rest = '';
  for (;;) {
    const { bytesRead } = await port.read(chunk, 0, chunk.length, null);
    if (bytesRead === 0) return;
    const parts = (rest + decoder.write(chunk.subarray(0, bytesRead))).split('\n');
    rest = parts.pop();
    yield* parts.filter((part) => part.trim() !== '');
  }
}

function send(message) {
  const bytes = Buffer.from(`${JSON.stringify(message)}\n`);
  written = written.then(async () => {
    for (let done = 0; done < bytes.length;) done += (await port.write(bytes, done)).bytesWritten;
  });
}

async function answer(line) {
  let id = null;
  try {
    const request = JSON.parse(line);
    id = request.id ?? null;
    send({ id, ...(await act(request)) });
  } catch (error) {
    send({ id, error: error instanceof Error ? error.message : String(error) });
  }
}

async function act(request) {
  if (request.argv !== undefined) return await run(request);
  if (request.product !== undefined) return await runWarm(request);
  if (request.spawn !== undefined) return await startBackground(request);
  if (request.wait !== undefined) return await waitFor(request.wait);
  if (request.kill !== undefined) return kill(request);
  if (request.write !== undefined) return await write(request);
  throw new Error(
    `no argv, product, spawn, wait, kill or write in the request; it has ${Object.keys(request).join(', ')}`,
  );
}

function start(argv, request, stdio) {
  if (!Array.isArray(argv) || argv.length === 0 || !argv.every((word) => typeof word === 'string'))
    throw new Error('argv must be a list of strings');
  const { cwd, env } = request;
  return spawn(argv[0], argv.slice(1), { cwd, env: { ...process.env, ...env }, stdio, detached: true });
}

function run(request) {
  return new Promise((resolve, reject) => {
    const child = start(request.argv, request, 'pipe');
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'])
      child[name].setEncoding('utf8').on('data', (text) => (output[name] += text));
    child.stdin.on('error', () => {}); // a command may end before it has read its input
    child.stdin.end(request.stdin ?? '');
    let timedOut = false;
    const timer = setTimeout(
      () => {
        timedOut = true;
        killGroup(child.pid);
      },
      request.timeoutMs || 2 ** 31 - 1,
    );
    child.on('error', (error) => (clearTimeout(timer), reject(error)));
    child.on('close', (code, signal) => (clearTimeout(timer), resolve({ code, signal, ...output, timedOut })));
  });
}

function runWarm({ product, timeoutMs }) {
  const warm = idle.pop() ?? fork('/project/test/lab/l1/warm.mjs');
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => warm.kill('SIGKILL'), timeoutMs || 2 ** 31 - 1);
    const ended = (code, signal) => (clearTimeout(timer), reject(new Error(`warm.mjs ended with ${signal ?? code}`)));
    warm.once('exit', ended);
    warm.once('message', (result) => {
      clearTimeout(timer);
      warm.off('exit', ended);
      idle.push(warm);
      resolve({ signal: null, timedOut: false, ...result });
    });
    warm.send(product);
  });
}

function startBackground(request) {
  return new Promise((resolve, reject) => {
    const log = request.log ?? `/run/lab/spawn-${++logs}.log`;
    mkdirSync(dirname(log), { recursive: true });
    const file = openSync(log, 'a');
    let child;
    try {
      child = start(request.spawn, request, ['ignore', file, file]);
    } finally {
      closeSync(file);
    }
    child.on('error', reject);
    child.on('spawn', () => {
      background.set(child.pid, new Promise((ended) => child.on('exit', (code, signal) => ended({ code, signal }))));
      resolve({ pid: child.pid, log });
    });
  });
}

function waitFor(pid) {
  const ended = background.get(pid);
  if (ended === undefined) throw new Error(`${pid} is not a process started here`);
  return ended;
}

function kill({ kill: pid, signal }) {
  if (!Number.isInteger(pid) || pid <= 1) throw new Error(`not a process id: ${JSON.stringify(pid)}`);
  process.kill(pid, signal ?? 'SIGTERM');
  return {};
}

function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // it has just ended
  }
}

async function write({ write: path, text, mode }) {
  if (typeof path !== 'string' || typeof text !== 'string') throw new Error('write needs a path and a text');
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text, { mode: mode ?? 0o644 });
  return {};
}

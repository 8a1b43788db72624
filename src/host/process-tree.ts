import { readdirSync, readFileSync } from 'node:fs';

/** A process, told apart from a later one with the same number by its start. */
export interface ProcessId {
  readonly pid: number;
  readonly parent: number;
  /** clock ticks since boot, /proc/PID/stat field 22 */
  readonly start: string;
}

/**
 * The children of a process, their children, and so on. Read at once and synchronously, so that few can come and go
 * in between; what has been adopted by init since (a daemon) is not found, and nothing where /proc is not mounted.
 */
export function descendantsOf(root: number): ProcessId[] {
  const all = listProc()
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter((one) => one !== undefined);
  const found: ProcessId[] = [];
  const wanted = new Set([root]);
  for (let before = -1; before !== found.length;) {
    before = found.length;
    for (const one of all) {
      if (!wanted.has(one.pid) && wanted.has(one.parent)) {
        wanted.add(one.pid);
        found.push(one);
      }
    }
  }
  return found;
}

/** True while it runs; a zombie is gone. */
export function isAlive(one: ProcessId): boolean {
  return readProcess(one.pid)?.start === one.start;
}

/** Sends a signal to exactly this process, and never fails: it may be gone, or be another user's by now. */
export function signalProcess(one: ProcessId, signal: NodeJS.Signals): void {
  if (!isAlive(one)) return;
  try {
    process.kill(one.pid, signal);
  } catch {
    // ESRCH: gone in between. EPERM: it has become another user's (setuid).
  }
}

function listProc(): string[] {
  try {
    return readdirSync('/proc');
  } catch {
    return [];
  }
}

/** /proc/PID/stat: `PID (NAME) STATE PPID ..`, where NAME may hold spaces and parentheses (proc(5)). */
function readProcess(pid: number): ProcessId | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, parent, start] = [fields[0], fields[1], fields[19]];
  if (state === 'Z' || state === 'X' || parent === undefined || start === undefined) return undefined;
  return { pid, parent: Number(parent), start };
}

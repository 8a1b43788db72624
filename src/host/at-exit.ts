/**
 * Signals whose default action ends a process without its `exit` event: what was started would stay behind.
 * SIGKILL cannot be caught.
 */
export const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

const cleanups = new Set<() => void>();

/**
 * Calls back when this process ends, last come first: at its exit, or by a signal that nobody else handles. The signal
 * then takes its default action; where the application has a listener of its own, ending is left to that.
 * @returns takes it back
 */
export function atExit(cleanup: () => void): () => void {
  if (cleanups.size === 0) listen();
  cleanups.add(cleanup);
  return () => {
    if (cleanups.delete(cleanup) && cleanups.size === 0) unlisten();
  };
}

function cleanUp(): void {
  for (const cleanup of [...cleanups].reverse()) cleanup();
  cleanups.clear();
}

function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) - 1 - countOfSignalExit() > 0) return;
  cleanUp();
  unlisten();
  process.kill(process.pid, signal);
}

/**
 * Listeners of the package signal-exit, which execa has, do not handle a signal: they wait to be the only ones, and
 * count themselves here (signal-exit 4, src/index.ts).
 */
function countOfSignalExit(): number {
  const emitter: unknown = Reflect.get(globalThis, Symbol.for('signal-exit emitter'));
  const count: unknown = typeof emitter === 'object' && emitter !== null ? Reflect.get(emitter, 'count') : 0;
  return typeof count === 'number' ? count : 0;
}

function listen(): void {
  process.once('exit', cleanUp);
  for (const signal of endingSignals) process.on(signal, onSignal);
}

function unlisten(): void {
  process.off('exit', cleanUp);
  for (const signal of endingSignals) process.off(signal, onSignal);
}

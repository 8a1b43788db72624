import type { QmpSocket } from '../host/qmp-connect.ts';

/** What `--qmp` takes: a unix socket, or HOST:PORT; `unix:PATH` and `tcp:HOST:PORT` as QEMU writes them; [::1]:PORT. */
export function qmpAddressOf(text: string): QmpSocket {
  if (text.startsWith('unix:')) return { path: text.slice('unix:'.length) };
  const [, v6, name, port] = /^(?:tcp:)?(?:\[([0-9a-fA-F:.]+)\]|([^/:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = v6 ?? name;
  return host === undefined ? { path: text } : { host, port: Number(port) };
}

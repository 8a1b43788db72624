import type { QmpAddress } from '../host/qmp-connect.ts';

/** What `--qmp` takes: a unix socket, or HOST:PORT. */
export function qmpAddressOf(text: string): QmpAddress {
  const [, host, port] = /^([^/:]+):(\d{1,5})$/.exec(text) ?? [];
  return host === undefined ? { path: text } : { host, port: Number(port) };
}

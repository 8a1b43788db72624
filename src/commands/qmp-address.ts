import { VdpaQemuError } from '../model/error.ts';
import type { QmpSocket } from '../host/qmp-connect.ts';

/**
 * What `--qmp` takes: a unix socket, or HOST:PORT; `unix:PATH` and `tcp:HOST:PORT` as QEMU writes them; [::1]:PORT.
 * @throws VdpaQemuError usage where a port is none
 */
export function qmpAddressOf(text: string): QmpSocket {
  if (text.startsWith('unix:')) return { path: text.slice('unix:'.length) };
  const [, v6, name, port] = /^(?:tcp:)?(?:\[([0-9a-fA-F:.]+)\]|([^/:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = v6 ?? name;
  if (host !== undefined && (Number(port) < 1 || Number(port) > 65535)) {
    throw new VdpaQemuError('usage', `--qmp: a port is 1 to 65535, not ${Number(port)}`);
  }
  return host === undefined ? { path: text } : { host, port: Number(port) };
}

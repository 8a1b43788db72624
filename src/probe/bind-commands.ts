import { shellQuote } from '../model/shell-quote.ts';

/** The shell commands that bind a device of the vdpa bus to vhost_vdpa (drivers/vdpa/vdpa.c: driver_override). */
export function bindCommands(name: string, boundTo: string | null): string[] {
  const device = shellQuote(name);
  const bus = '/sys/bus/vdpa';
  return [
    'modprobe vhost_vdpa',
    ...(boundTo === null ? [] : [`echo ${device} > ${bus}/drivers/${shellQuote(boundTo)}/unbind`]),
    `echo vhost_vdpa > ${bus}/devices/${device}/driver_override`,
    `echo ${device} > ${bus}/drivers/vhost_vdpa/bind`,
  ];
}

import { knownText, type Option } from '../../import/option.ts';
import { childOf } from '../../import/xml-document.ts';
import { guestKinds, type Hit, type ValidationRule } from '../rule.ts';
import type { Subject } from '../subject.ts';
import { atNode, atOption, quoted } from './hits.ts';

const isCharDevice = (path: string | undefined): path is string =>
  path !== undefined && /^\/+dev\/+vhost-vdpa/.test(path);

/** Other spellings of the type. */
const misspelled: ReadonlySet<string> = new Set(['vhost_vdpa', 'vdpa', 'vhostvdpa', 'vhost-vDPA']);

/** vhost-user, which talks to a socket, taken for vhost-vdpa, which is a character device. */
export const vhostUserRules: readonly ValidationRule[] = [
  {
    code: 'validate.vhost-user-path',
    severity: 'error',
    appliesTo: guestKinds,
    asks: 'is no vhost-vdpa device given to a back end of another type?',
    source: 'QEMU qapi/net.json: NetClientDriver; net/vhost-user.c: the back end is a socket',
    check: (subject) => [...ofInterfaces(subject), ...subject.options.flatMap(ofOption)],
  },
];

function ofInterfaces(subject: Subject): Hit[] {
  return subject.elements.vhostUsers.flatMap((node) => {
    const source = childOf(node, 'source');
    const path = source?.attributes.get('path');
    if (!source || !isCharDevice(path)) return [];
    const message = `an interface of type vhostuser talks to a socket; ${quoted(path)} is a character device of vhost-vdpa`;
    return [
      atNode(subject, source, message, {
        at: 'path',
        fix: `<interface type='vdpa'> with <source dev='/dev/vhost-vdpa-N'/>`,
      }),
    ];
  });
}

function ofOption(option: Option): Hit[] {
  if (option.name === 'chardev') {
    const path = /(?:^|,)path=([^,]*)/.exec(option.text)?.[1];
    if (!isCharDevice(path)) return [];
    const message = `${quoted(path)} is a character device of vhost-vdpa, not a socket that -chardev could open`;
    return [atOption(option, message, { fix: '-netdev vhost-vdpa,vhostdev=/dev/vhost-vdpa-N' })];
  }
  const type = option.name === 'netdev' ? knownText(option, 'type') : undefined;
  if (type === undefined || type === 'vhost-vdpa') return [];
  if (misspelled.has(type)) {
    return [atOption(option, `-netdev has no type ${quoted(type)}, or QEMU refuses to start`, { fix: 'vhost-vdpa' })];
  }
  const path = knownText(option, 'path');
  if (isCharDevice(path)) {
    const message = `-netdev ${type.slice(0, 40)} cannot open ${quoted(path)}: it is a character device of vhost-vdpa`;
    return [atOption(option, message, { fix: '-netdev vhost-vdpa,vhostdev=/dev/vhost-vdpa-N' })];
  }
  // vhost-user has a rule of its own for it
  if (type === 'vhost-user' || !option.values.has('vhostdev')) return [];
  const message = `-netdev ${type.slice(0, 40)} has no option vhostdev, or QEMU refuses to start: it is one of vhost-vdpa`;
  return [atOption(option, message, { fix: 'type=vhost-vdpa' })];
}

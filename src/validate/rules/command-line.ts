import { knownText, type Option } from '../../import/option.ts';
import { booleanOf } from '../../import/option-values.ts';
import { queuePairsOf } from '../../doorbell/virtqueue-role.ts';
import { isUnknown } from '../../model/fact.ts';
import { optionKinds, type Hit, type ValidationRule } from '../rule.ts';
import type { Subject } from '../subject.ts';
import { atOption, quoted } from './hits.ts';
import { isComplete } from './unread.ts';

const isVdpaNetdev = (option: Option): boolean =>
  option.name === 'netdev' && knownText(option, 'type') === 'vhost-vdpa';
const isGeneric = (option: Option): boolean =>
  option.name === 'device' && knownText(option, 'driver')?.startsWith('vhost-vdpa-device-pci') === true;
const isVirtio = (option: Option): boolean =>
  option.name === 'device' && /^(?:virtio-|vhost-vdpa-device)/.test(knownText(option, 'driver') ?? '');

function onOptions(
  applies: (option: Option) => boolean,
  check: (option: Option, subject: Subject) => readonly Hit[],
): ValidationRule['check'] {
  return (subject) => subject.options.filter(applies).flatMap((option) => check(option, subject));
}

/** Options of -netdev vhost-user (qapi/net.json: NetdevVhostUserOptions). */
export const vhostUserOptions: readonly string[] = ['chardev', 'vhostforce', 'vhost', 'path', 'server'];

/** Properties of type OnOffAuto: they take on, off and auto alone (qapi/common.json). */
const onOffAuto = ['disable-legacy', 'acpi', 'x-pci-express-writeable-slt-bug'];

/** QEMU's options of vDPA, as they stand on a command line. */
export const commandLineRules: readonly ValidationRule[] = [
  {
    code: 'validate.vhost-user-option',
    severity: 'error',
    appliesTo: optionKinds,
    asks: 'are options of vhost-user and vhost-vdpa kept apart?',
    source: 'QEMU qapi/net.json: NetdevVhostVDPAOptions, NetdevVhostUserOptions: "Parameter \'chardev\' is unexpected"',
    check: (subject) =>
      subject.options.flatMap((option) => {
        const type = option.name === 'netdev' ? knownText(option, 'type') : undefined;
        const wrong = type === 'vhost-vdpa' ? vhostUserOptions : type === 'vhost-user' ? ['vhostdev', 'x-svq'] : [];
        return wrong
          .filter((name) => option.values.has(name))
          .map((name) =>
            atOption(
              option,
              `-netdev ${type ?? ''} has no option ${name}, or QEMU refuses to start: it is one of ${type === 'vhost-vdpa' ? 'vhost-user, which talks to a socket' : 'vhost-vdpa, which is a character device'}`,
              { fix: type === 'vhost-vdpa' ? 'vhostdev=/dev/vhost-vdpa-N' : 'type=vhost-vdpa' },
            ),
          );
      }),
  },
  {
    code: 'validate.netdev-device',
    severity: 'error',
    appliesTo: optionKinds,
    asks: 'does -netdev vhost-vdpa name its device in exactly one way?',
    source: 'QEMU net/vhost-vdpa.c: net_init_vhost_vdpa(): "neither vhostdev= nor vhostfd= was specified"',
    check: onOptions(isVdpaNetdev, (option) => {
      const given = ['vhostdev', 'vhostfd'].filter((name) => option.values.has(name));
      if (given.length === 1) return [];
      const found = given.length === 0 ? 'neither' : 'both';
      const message = `-netdev vhost-vdpa must have one of vhostdev and vhostfd, or QEMU refuses to start; got ${found}`;
      return [atOption(option, message, { fix: 'vhostdev=/dev/vhost-vdpa-N' })];
    }),
  },
  {
    code: 'validate.fdset-missing',
    severity: 'error',
    appliesTo: ['qemu-argv'],
    asks: 'is every fd set that is named also given by -add-fd?',
    source: 'QEMU util/osdep.c: qemu_open_internal(); monitor/fds.c: monitor_fdset_dup_fd_add()',
    check: (subject) => {
      const sets = new Set(subject.options.filter(({ name }) => name === 'add-fd').map((one) => knownText(one, 'set')));
      return subject.options.flatMap((option) => {
        const path = knownText(option, option.name === 'blockdev' ? 'path' : 'vhostdev');
        const set = /^\/dev\/fdset\/([0-9]+)$/.exec(path ?? '')?.[1];
        if (set === undefined || sets.has(set) || !isComplete(subject.options)) return [];
        return [atOption(option, `/dev/fdset/${set} is named, but there is no -add-fd set=${set}`)];
      });
    },
  },
  {
    code: 'validate.netdev-link',
    severity: 'error',
    appliesTo: optionKinds,
    asks: 'does each -netdev vhost-vdpa belong to one device?',
    source:
      "QEMU hw/core/qdev-properties-system.c: set_netdev(): \"Property 'virtio-net-pci.netdev' can't find value\"",
    check: netdevLinks,
  },
  {
    code: 'validate.front-end',
    severity: 'error',
    appliesTo: optionKinds,
    asks: 'is the NIC over vhost-vdpa a virtio-net?',
    source: 'QEMU net/vhost-vdpa.c: vhost_vdpa_check_peer_type(): "vhost-vdpa requires frontend driver virtio-net-*"',
    check: (subject) => {
      const vdpa = new Set(subject.options.filter(isVdpaNetdev).map((option) => knownText(option, 'id')));
      return subject.options.flatMap((option) => {
        const [driver, netdev] = [knownText(option, 'driver'), knownText(option, 'netdev')];
        if (option.name !== 'device' || netdev === undefined || !vdpa.has(netdev)) return [];
        if (driver === undefined || driver.startsWith('virtio-net')) return [];
        return [
          atOption(option, `a device over -netdev vhost-vdpa must be virtio-net-pci; got ${quoted(driver)}`, {
            fix: 'virtio-net-pci',
          }),
        ];
      });
    },
  },
  {
    code: 'validate.on-off-auto',
    severity: 'error',
    appliesTo: optionKinds,
    asks: 'do three-valued properties have one of their values?',
    source: 'QEMU qapi/common.json: OnOffAuto, an enumeration: neither yes nor true is in it',
    check: onOptions(isVirtio, (option) =>
      onOffAuto.flatMap((name) => {
        const value = option.values.get(name);
        if (value === undefined || isUnknown(value) || ['on', 'off', 'auto'].includes(String(value))) return [];
        const meant = booleanOf(value);
        return [
          atOption(option, `${name} must be on, off or auto, or QEMU refuses to start; got ${quoted(value)}`, {
            fix: meant === undefined ? undefined : `${name}=${meant ? 'on' : 'off'}`,
          }),
        ];
      }),
    ),
  },
  {
    code: 'validate.device-order',
    severity: 'error',
    appliesTo: optionKinds,
    asks: 'is no device written as key=value on a bus that is written as JSON?',
    source:
      'QEMU system/vl.c: qemu_create_cli_devices() makes all key=value devices before the JSON ones: "Bus \'pci.1\' not found"',
    check: deviceOrder,
  },
  {
    code: 'validate.queues-ignored',
    severity: 'info',
    appliesTo: optionKinds,
    asks: 'is anything hoped of queues= on the netdev?',
    source: 'QEMU net/vhost-vdpa.c: net_init_vhost_vdpa() never reads queues; vhost_vdpa_get_max_queue_pairs()',
    check: (subject) => {
      const pairs = pairsByNetdev(subject);
      return subject.options.filter(isVdpaNetdev).flatMap((option) => ignoredQueues(option, pairs));
    },
  },
  {
    code: 'validate.disk-cache-direct',
    severity: 'error',
    appliesTo: optionKinds,
    asks: 'has a virtio-blk-vhost-vdpa block driver cache.direct=on?',
    source: 'QEMU block/blkio.c: blkio_virtio_blk_connect(): "cache.direct=off is not supported"',
    check: onOptions(
      ({ name, values }) =>
        (name === 'blockdev' || name === 'drive') && values.get('driver') === 'virtio-blk-vhost-vdpa',
      (option) => {
        // -drive has one word for all of it (blockdev.c: bdrv_parse_cache_mode())
        const mode = option.name === 'drive' ? option.values.get('cache') : undefined;
        if (mode !== undefined && (isUnknown(mode) || mode === 'none' || mode === 'off' || mode === 'directsync')) {
          return [];
        }
        const direct = option.values.get('cache.direct');
        if (direct !== undefined && (isUnknown(direct) || booleanOf(direct) === true)) return [];
        const found = direct === undefined ? 'it is not given, and the default is off' : `got ${quoted(direct)}`;
        const message = `cache.direct of virtio-blk-vhost-vdpa must be on, or QEMU refuses to start; ${found}`;
        return [atOption(option, message, { fix: 'cache.direct=on' })];
      },
    ),
  },
  {
    code: 'validate.generic-device',
    severity: 'error',
    appliesTo: optionKinds,
    asks: 'has vhost-vdpa-device-pci a vhostdev, which is all that it takes?',
    source: 'QEMU hw/virtio/vdpa-dev.c: vhost_vdpa_device_realize(): "vhostdev are missing"',
    check: onOptions(isGeneric, (option) => {
      const foreign = ['netdev', 'vhostfd', 'vectors', 'drive', 'mac', 'mq'].filter((name) => option.values.has(name));
      return [
        ...(option.values.has('vhostdev') ? [] : [atOption(option, 'vhost-vdpa-device-pci must have vhostdev')]),
        ...foreign.map((name) => atOption(option, `vhost-vdpa-device-pci has no property ${name}`)),
      ];
    }),
  },
];

/** id of a netdev -> queue pairs of the vDPA device behind it, where a host report tells them. */
function pairsByNetdev({ devices }: Subject): ReadonlyMap<string | undefined, number | undefined> {
  return new Map(
    devices.flatMap(({ option, backings: [first] }) =>
      first ? [[knownText(option, 'netdev'), queuePairsOf(first.device)] as const] : [],
    ),
  );
}

function ignoredQueues(option: Option, known: ReadonlyMap<string | undefined, number | undefined>): Hit[] {
  const queues = knownText(option, 'queues');
  if (queues === undefined) return [];
  const pairs = known.get(knownText(option, 'id'));
  const has = pairs === undefined ? 'as many queue pairs as it says' : `${pairs} queue pairs`;
  const message = `QEMU ignores queues=${queues.slice(0, 20)} of -netdev vhost-vdpa: the guest gets ${has}, which the device decides`;
  const fix = `vdpa dev add .. max_vqp ${/^\d{1,5}$/.test(queues) ? queues : 'N'}`;
  const differs = pairs !== undefined && String(pairs) !== queues;
  return [atOption(option, message, { fix, ...(differs ? { severity: 'warning' as const } : {}) })];
}

function netdevLinks({ options, document }: Subject): Hit[] {
  const complete = isComplete(options);
  const netdevs = byId(options, 'netdev', 'id');
  const users = byId(options, 'device', 'netdev');
  const nameless = options
    .filter((option) => isVdpaNetdev(option) && knownText(option, 'id') === undefined)
    .map((option) => atOption(option, '-netdev must have an id, or QEMU refuses to start'));
  const own = [...netdevs]
    .filter(([, made]) => made.some(isVdpaNetdev))
    .flatMap(([id, made]): Hit[] => {
      const [, ...again] = made;
      const [user, ...more] = users.get(id) ?? [];
      const unused = `no device uses netdev ${quoted(id)}: the vDPA device is opened and stays without a guest`;
      return [
        ...again.map((option) => atOption(option, `id ${quoted(id)} belongs to another -netdev already`)),
        ...(user || !complete
          ? []
          : made.slice(0, 1).map((option) => atOption(option, unused, { severity: 'warning' as const }))),
        ...more.map((device) => atOption(device, `netdev ${quoted(id)} belongs to another device already`)),
      ];
    });
  const dangling = [...users]
    // hostnet0 and the like are libvirt's own
    .filter(([id]) => complete && !netdevs.has(id) && !(document.kind === 'libvirt' && id.startsWith('host')))
    .flatMap(([id, devices]) =>
      devices.map((device) => atOption(device, `netdev ${quoted(id)} is not on this command line`)),
    );
  return [...nameless, ...own, ...dangling];
}

/** Options of one name by the id that they have, or name. */
function byId(options: readonly Option[], name: string, key: string): ReadonlyMap<string, readonly Option[]> {
  const found = new Map<string, Option[]>();
  for (const option of options) {
    const id = option.name === name ? knownText(option, key) : undefined;
    if (id === undefined) continue;
    const same = found.get(id);
    if (same) same.push(option);
    else found.set(id, [option]);
  }
  return found;
}

function deviceOrder({ options, document }: Subject): Hit[] {
  const devices = options.filter(({ name }) => name === 'device');
  const late = new Set(devices.filter(isJson).map((option) => knownText(option, 'id')));
  return devices.flatMap((option) => {
    const bus = knownText(option, 'bus');
    if (bus === undefined || isJson(option)) return [];
    // libvirt writes its own devices as JSON, root ports included
    const byLibvirt = document.kind === 'libvirt' && /^pci\.[1-9][0-9]*$/.test(bus);
    if (!late.has(bus) && !byLibvirt) return [];
    const message = `QEMU makes this device before bus ${quoted(bus)} is there, because its controller is written as JSON and this device as key=value`;
    return [atOption(option, message, { fix: 'write the device as JSON, too' })];
  });
}

function isJson({ text }: Option): boolean {
  return text.startsWith('{');
}

import { isBefore, kernelVersionOf } from '../../doorbell/kernel-version.ts';
import { isKnown } from '../../model/fact.ts';
import type { DeviceBinding, GuestInterface } from '../../model/generated/guest-configuration.ts';
import type { HostReport } from '../../model/generated/host-report.ts';
import { machineTypeNumber, versionNumber } from '../../model/qemu-version.ts';
import { isOverVdpa } from '../guest-devices.ts';
import { bindingAt, counterpartOf } from '../match-devices.ts';
import type { Migration } from '../migration.ts';
import type { Hit, MigrationRule } from '../rule.ts';

/** What is behind NICs and disks at both ends, where it is not vDPA at both. */
export const nicBackEndRules: readonly MigrationRule[] = [
  {
    code: 'migration.backend-differs',
    severity: 'warning',
    effect: 'unknown',
    asks: 'with --with: is a device over vhost-vdpa at one end only, a NIC over another kind of back end, or over vhost-net at one end only?',
    source:
      'QEMU net/vhost-vdpa.c: the features and the configuration space are those of the back end; hw/net/virtio-net.c: virtio_net_get_features(), vhost_net_get_features()',
    check: (migration) => pairsOf(migration).flatMap((pair) => differs(pair)),
  },
  {
    code: 'migration.vnet-header-lost',
    severity: 'error',
    effect: 'lost',
    asks: 'with --with: has the back end of a NIC a virtio header at the source (tap, vhost-user, vhost-vdpa), and none at the destination (user, socket, stream, dgram ..)?',
    source: 'QEMU hw/net/virtio-net.c: virtio_net_vnet_post_load()',
    check: (migration) =>
      pairsOf(migration).flatMap(({ list, path, label, before, after }) =>
        list === 'interfaces' && losesHeader(before, after)
          ? [
              {
                path,
                message: `${label}: the stream asks for a back end with virtio headers, and ${kindOf(after)} has none`,
              },
            ]
          : [],
      ),
  },
  {
    code: 'migration.user-network-gone',
    severity: 'error',
    effect: 'lost',
    asks: 'with --with: has the destination as many back ends of type user?',
    source: 'QEMU net/slirp.c: net_slirp_init() registers a section of the stream for each',
    check: ({ source, target }) => {
      const [before, after] = [source.binding.userNetworks ?? 0, target?.binding.userNetworks ?? 0];
      if (!target || after >= before) return [];
      return [{ path: '', message: `the source has ${before} back ends of type user, and the destination ${after}` }];
    },
  },
  {
    code: 'migration.vhost-user',
    severity: 'warning',
    effect: 'unknown',
    asks: 'is a NIC over vhost-user? Whether it logs dirty memory, and what it offers at the other end, its program decides',
    source: 'QEMU hw/virtio/vhost.c: vhost_dev_init() blocks without VHOST_F_LOG_ALL',
    check: (migration) =>
      pairsOf(migration).flatMap(({ path, label, before, after }) =>
        kindOf(before) === 'vhost-user' || kindOf(after) === 'vhost-user'
          ? [{ path, unknown: true, message: `${label}: what its vhost-user back end can do is not known` }]
          : [],
      ),
  },
  {
    code: 'migration.tap-offloads',
    severity: 'warning',
    effect: 'unknown',
    asks: 'is a NIC over a tap offered UDP segmentation (machine types from 8.2 on), which the kernel of the destination does not have (before 6.2)?',
    source:
      'QEMU net/tap-linux.c: tap_probe_has_uso(); hw/net/virtio-net.c: virtio_net_get_features(); Linux drivers/net/tun.c: set_offload() takes TUN_F_USO4 from 6.2 on',
    check: (migration) => pairsOf(migration).flatMap((pair) => segmentation(pair, migration)),
  },
];

interface Ends {
  readonly list: 'interfaces' | 'disks' | 'vdpaDevices';
  readonly path: string;
  readonly label: string;
  readonly guest: GuestInterface | undefined;
  readonly before: DeviceBinding;
  readonly after: DeviceBinding;
}

/** The back ends of each device; without a configuration of the destination the same. */
function pairsOf({ source, target }: Migration): Ends[] {
  return (['interfaces', 'disks', 'vdpaDevices'] as const).flatMap((list) =>
    source.guest[list].flatMap((device, index): Ends[] => {
      const path = `/${list}/${index}`;
      const before = bindingAt(source, path);
      const guest = list === 'interfaces' ? source.guest.interfaces[index] : undefined;
      const label = device.id ?? path.slice(1);
      if (!target) return [{ list, path, label, guest, before, after: before }];
      const at = counterpartOf(device, index, target.guest[list]);
      return at < 0 ? [] : [{ list, path, label, guest, before, after: bindingAt(target, `/${list}/${at}`) }];
    }),
  );
}

function kindOf({ backend }: DeviceBinding): string | undefined {
  return isKnown(backend) ? backend : undefined;
}

/** Back ends without a virtio header, which are all alike to the guest. */
const plain: ReadonlySet<string> = new Set(['user', 'socket', 'stream', 'dgram', 'l2tpv3', 'hubport', 'vde']);
const withHeader: ReadonlySet<string> = new Set(['tap', 'bridge', 'vhost-user', 'vhost-vdpa']);

function isPlain(binding: DeviceBinding): boolean {
  return binding.vnetHeader === false || plain.has(kindOf(binding) ?? '');
}

function losesHeader(before: DeviceBinding, after: DeviceBinding): boolean {
  return before.vnetHeader !== false && withHeader.has(kindOf(before) ?? '') && isPlain(after);
}

function differs({ list, path, label, before, after }: Ends): Hit[] {
  if (isOverVdpa(before) !== isOverVdpa(after)) {
    const [has, lacks] = isOverVdpa(before) ? ['source', 'destination'] : ['destination', 'source'];
    const message = `${label} is over vDPA at the ${has}, and not at the ${lacks}: what the guest would find is not known`;
    return [{ path, unknown: true, message }];
  }
  if (list !== 'interfaces' || losesHeader(before, after)) return [];
  const [one, other] = [kindOf(before), kindOf(after)];
  // a tap without vhost-net offers all that these do
  if (isPlain(before) && (isPlain(after) || (other === 'tap' && after.vhost === false))) return [];
  const then = 'so what it offers to the guest may differ';
  if (one !== other) {
    const shown = (kind: string | undefined): string => kind ?? 'a back end that is not known';
    return [
      { path, unknown: true, message: `${label} is over ${shown(one)}, and over ${shown(other)} there, ${then}` },
    ];
  }
  if (before.vhost === after.vhost) return [];
  const shown = (vhost: boolean | undefined): string =>
    vhost === undefined ? 'not known to use vhost-net' : vhost ? 'with vhost-net' : 'without vhost-net';
  return [
    {
      path,
      unknown: true,
      message: `${label} is ${shown(before.vhost)}, and ${shown(after.vhost)} there, ${then}`,
    },
  ];
}

const switches = ['host_uso', 'guest_uso4', 'guest_uso6'];

function segmentation({ path, label, guest, before }: Ends, { source, from, to }: Migration): Hit[] {
  const { machine } = source.guest;
  if (!guest || !['tap', 'bridge'].includes(kindOf(before) ?? '') || before.vnetHeader === false) return [];
  if (isKnown(machine) && machineTypeNumber(machine) < versionNumber('8.2')) return [];
  if (switches.every((name) => guest.properties[name] === false)) return [];
  if (!lacksSegmentation(to.report.host) || (from && lacksSegmentation(from.report.host))) return [];
  return [
    {
      path,
      unknown: true,
      message: `${label}: the tap of the source may offer UDP segmentation, and kernel ${to.report.host.kernelRelease} of host ${to.report.host.name} has none: a guest that took it cannot migrate`,
      fix: 'host_uso=off,guest_uso4=off,guest_uso6=off',
    },
  ];
}

/** A vendor's kernel of an older number may have it as well. */
function lacksSegmentation(host: HostReport['host']): boolean {
  const version = kernelVersionOf(host);
  return version !== undefined && isBefore(version, 6, 2);
}

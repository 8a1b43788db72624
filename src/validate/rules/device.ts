import { parentDriverOf } from '../../doorbell/parent-driver.ts';
import { classOf } from '../../doorbell/virtqueue-role.ts';
import { isKnown } from '../../model/fact.ts';
import { hasFeature } from '../../model/virtio-features.ts';
import { foreignKinds, guestKinds, type Hit, type ValidationRule } from '../rule.ts';
import type { Backing, Subject, SubjectDevice } from '../subject.ts';
import { isNumbered } from './device-path.ts';
import { atDevice, onEachBacking } from './hits.ts';

function onDevices(check: (device: SubjectDevice, subject: Subject) => readonly Hit[]): ValidationRule['check'] {
  return (subject) => subject.devices.flatMap((device) => check(device, subject));
}

function onBackings(check: (device: SubjectDevice, backing: Backing) => readonly Hit[]): ValidationRule['check'] {
  return onDevices((device) => onEachBacking(device, (backing) => check(device, backing)));
}

/** `vp0 on l1` */
const whereOf = ({ device, host }: Backing): string => `${device.name} on ${host.report.host.name}`;

/** The vDPA device behind a guest device. */
export const deviceRules: readonly ValidationRule[] = [
  {
    code: 'validate.device-missing',
    severity: 'error',
    appliesTo: guestKinds,
    needsHost: true,
    asks: 'is the device on the host?',
    source: 'HostReport: devices',
    check: onDevices((device, { hosts }) => {
      const { charDevice, vdpa, descriptor } = device.binding;
      const own = hosts.filter((host) => host.own);
      if (own.length === 0 || device.backings.some(({ assumed }) => !assumed)) return [];
      const names = own.map(({ report }) => report.host.name).join(', ');
      const name = vdpa ?? (isKnown(charDevice) && charDevice !== null && isNumbered(charDevice) ? charDevice : null);
      if (name !== null) return [atDevice(device, `${device.label}: there is no ${name.slice(0, 100)} on ${names}`)];
      // no path, or none that can be: other rules say so
      if (descriptor === null || isKnown(charDevice)) return [];
      const message = `${device.label}: could not be checked against ${names}: ${charDevice.detail}`;
      return [atDevice(device, message, { severity: 'warning' })];
    }),
  },
  {
    code: 'validate.device-elsewhere',
    severity: 'warning',
    appliesTo: guestKinds,
    needsHost: true,
    asks: 'is it known which device it would get on the other hosts?',
    source: 'docs/findings.md: what is not known is never treated as safe',
    check: onDevices((device, { hosts }) =>
      hosts
        .filter((host) => !host.own && !device.backings.some((backing) => backing.host === host))
        .map(({ report }) => {
          const name = device.backings[0]?.device.name ?? device.binding.vdpa;
          const none = name === null ? 'no name tells' : `there is none named ${name.slice(0, 60)} to tell`;
          const message = `${device.label}: ${none} which vDPA device it would get on ${report.host.name}: doorbells and features there were not checked`;
          return atDevice(device, message, { fix: 'vdpa-qemu check-migration looks for one that fits' });
        }),
    ),
  },
  {
    code: 'validate.device-class',
    severity: 'error',
    appliesTo: guestKinds,
    needsHost: true,
    asks: 'is it of the right class?',
    source: 'QEMU net/vhost-vdpa.c: net_init_vhost_vdpa() checks VHOST_VDPA_GET_DEVICE_ID',
    check: onBackings((device, backing) => {
      const found = classOf(backing.device);
      const wanted = device.kind === 'generic' || found === 'unknown' ? found : device.kind;
      if (found === wanted) return [];
      return [
        atDevice(
          device,
          `${device.label}: ${whereOf(backing)} is a ${found} device, and the guest device is ${wanted}`,
        ),
      ];
    }),
  },
  {
    code: 'validate.mac-differs',
    severity: 'error',
    appliesTo: guestKinds,
    needsHost: true,
    asks: 'has the NIC the MAC address of its device?',
    source:
      "QEMU hw/net/virtio-net.c: virtio_net_get_config(): the guest reads the device's address, unless it is all zero; virtio_net_device_realize() writes that of mac= into the device, and vdpa_sim_net takes it",
    check: onBackings((device, backing) => {
      const { config } = backing.device.identity;
      if (device.kind !== 'net' || !isKnown(config) || config.class !== 'net') return [];
      const { mac } = config;
      if (mac === undefined || /^(?:00:){5}00$/.test(mac) || !isKnown(device.guest.mac) || device.guest.mac === mac)
        return [];
      const differs = `${device.label}: mac is ${device.guest.mac}, but ${whereOf(backing)} has ${mac}`;
      if (parentDriverOf(backing.device) === 'vdpasim_net') {
        const message = `${differs}: QEMU writes its own over it, where it stays`;
        return [atDevice(device, message, { severity: 'warning' })];
      }
      const message = `${differs}, and that is what the guest sees`;
      return [atDevice(device, message, { fix: `mac ${mac}, or create the device with mac ${device.guest.mac}` })];
    }),
  },
  {
    code: 'validate.mac-invalid',
    severity: 'error',
    appliesTo: foreignKinds,
    asks: 'is the MAC address one, unicast, and given once?',
    source: 'libvirt src/conf/domain_conf.c: virDomainNetDefParseXML(): "expected unicast mac address"; IEEE 802',
    check: ({ devices }) => {
      const first = new Map<string, string>();
      return devices.flatMap((device): Hit[] => {
        if (device.kind !== 'net') return [];
        if (!isKnown(device.guest.mac)) {
          const { unknown, detail } = device.guest.mac;
          return unknown === 'malformed' ? [atDevice(device, `${device.label}: MAC address: ${detail}`)] : [];
        }
        const { mac } = device.guest;
        const other = first.get(mac);
        first.set(mac, other ?? device.label);
        if (Number.parseInt(mac.slice(0, 2), 16) % 2 === 1) {
          return [atDevice(device, `${device.label}: a MAC address must be unicast (even first byte); got ${mac}`)];
        }
        if (other === undefined) return [];
        return [atDevice(device, `${device.label}: MAC address ${mac} is that of ${other}`, { severity: 'warning' })];
      });
    },
  },
  {
    code: 'validate.mtu-differs',
    severity: 'warning',
    appliesTo: guestKinds,
    needsHost: true,
    asks: 'is host_mtu what the device has?',
    source: 'QEMU hw/net/virtio-net.c: virtio_net_get_config() gives the guest the configuration of the device',
    check: onBackings((device, backing) => {
      if (device.kind !== 'net' || device.guest.mtu === null || !isKnown(device.guest.mtu)) return [];
      const { config, features } = backing.device.identity;
      const there = isKnown(config) && config.class === 'net' ? config.mtu : undefined;
      const offered = !isKnown(features) || hasFeature(features, 'VIRTIO_NET_F_MTU');
      if (offered && (there === undefined || there === device.guest.mtu)) return [];
      const has = offered ? `has an MTU of ${String(there)}` : 'offers no MTU';
      return [atDevice(device, `${device.label}: host_mtu is ${device.guest.mtu}, but ${whereOf(backing)} ${has}`)];
    }),
  },
  {
    code: 'validate.packed-not-offered',
    severity: 'warning',
    appliesTo: guestKinds,
    needsHost: true,
    asks: 'does the device offer packed rings where they are asked for?',
    source: 'QEMU hw/net/vhost_net.c: vhost_net_get_features() takes away what the device does not offer',
    check: onBackings((device, backing) => {
      const { features } = backing.device.identity;
      if (device.kind !== 'net' || device.guest.packed !== true || !isKnown(features)) return [];
      if (hasFeature(features, 'VIRTIO_F_RING_PACKED')) return [];
      return [
        atDevice(
          device,
          `${device.label}: packed is on, but ${whereOf(backing)} does not offer packed rings: the guest gets none`,
        ),
      ];
    }),
  },
  {
    code: 'validate.transitional',
    severity: 'warning',
    appliesTo: foreignKinds,
    asks: 'is the device a modern one?',
    source:
      'QEMU hw/virtio/virtio-pci.c: virtio_pci_realize(): disable-legacy=auto keeps the legacy interface outside of PCIe ports',
    check: onDevices((device) => {
      if (device.guest.transitional !== true) return [];
      const { iommuPlatform } = device.kind === 'block' ? { iommuPlatform: false } : device.guest;
      if (iommuPlatform === true) {
        const message = `${device.label}: a device with the legacy interface cannot have iommu_platform=on: QEMU refuses it`;
        return [
          atDevice(device, message, { severity: 'error', fix: 'put it behind a pcie-root-port, or disable-legacy=on' }),
        ];
      }
      const message = `${device.label}: the device keeps the legacy interface: a guest that uses it kicks through an I/O port, never the doorbell`;
      return [atDevice(device, message, { fix: 'put it behind a pcie-root-port, or disable-legacy=on' })];
    }),
  },
  {
    code: 'validate.modern-disabled',
    severity: 'error',
    appliesTo: foreignKinds,
    asks: 'is the modern interface there?',
    source: 'QEMU hw/virtio/virtio-pci.c; every vDPA parent driver demands VIRTIO_F_VERSION_1',
    check: onDevices((device) =>
      device.guest.properties['disable-modern'] === true
        ? [
            atDevice(
              device,
              `${device.label}: disable-modern=on leaves a device without VIRTIO_F_VERSION_1, which vDPA devices demand`,
            ),
          ]
        : [],
    ),
  },
  {
    code: 'validate.not-migratable',
    severity: 'warning',
    appliesTo: guestKinds,
    asks: 'can the device migrate, where several hosts are given?',
    source: 'QEMU hw/virtio/vdpa-dev.c: vmstate_vhost_vdpa_device.unmigratable',
    check: onDevices((device, { isDomain }) =>
      device.kind === 'generic' && isDomain
        ? [
            atDevice(device, `${device.label}: vhost-vdpa-device-pci cannot migrate`, {
              fix: '-netdev vhost-vdpa for a NIC, virtio-blk-vhost-vdpa for a disk',
            }),
          ]
        : [],
    ),
  },
];

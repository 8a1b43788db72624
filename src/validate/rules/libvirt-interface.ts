import { childOf, childrenOf, type XmlNode } from '../../import/xml-document.ts';
import { libvirtKinds, type Hit, type ValidationRule } from '../rule.ts';
import type { Subject } from '../subject.ts';
import { atNode, quoted } from './hits.ts';

/** What <driver> of an interface takes (domaincommon.rng: interface-options). */
const driverAttributes = new Set(
  'name txmode ioeventfd event_idx queues rx_queue_size tx_queue_size rss rss_hash_report iommu ats packed page_per_vq'.split(
    ' ',
  ),
);
/** Those that are three-valued in libvirt: on, off, or not given. */
const switches = ['ioeventfd', 'event_idx', 'rss', 'rss_hash_report', 'iommu', 'ats', 'packed', 'page_per_vq'];
/** Those that libvirt reads only where the model is virtio already. */
const needModel = [
  'queues',
  'rx_queue_size',
  'tx_queue_size',
  'event_idx',
  'ioeventfd',
  'txmode',
  'rss',
  'rss_hash_report',
];
const models = ['virtio', 'virtio-transitional', 'virtio-non-transitional'];

/** A rule on each <interface type='vdpa'>. */
function onInterfaces(check: (node: XmlNode, subject: Subject) => readonly Hit[]): ValidationRule['check'] {
  return (subject) => subject.elements.interfaces.flatMap((node) => check(node, subject));
}

/** A rule that an element has no place in <interface type='vdpa'>. */
function onElement(name: string, message: string, fix: string): ValidationRule['check'] {
  return onInterfaces((node, subject) => {
    const child = childOf(node, name);
    return child ? [atNode(subject, child, message, { fix })] : [];
  });
}

const driverOf = (node: XmlNode): XmlNode | undefined => childOf(node, 'driver');
const modelOf = (node: XmlNode): string | undefined => childOf(node, 'model')?.attributes.get('type');

export const libvirtInterfaceRules: readonly ValidationRule[] = [
  {
    code: 'validate.libvirt-drops',
    severity: 'error',
    appliesTo: libvirtKinds,
    asks: "is <model type='virtio'/> there, so that libvirt reads queues, ring sizes and offloads?",
    source: 'libvirt src/conf/domain_conf.c: virDomainNetDefParseXMLDriver()',
    check: onInterfaces((node, subject) => {
      const driver = driverOf(node);
      if (!driver || modelOf(node) !== undefined) return [];
      const lost = [
        ...needModel.filter((name) => driver.attributes.has(name)),
        ...['host', 'guest'].filter((name) => childOf(driver, name)).map((name) => `<${name}> offloads`),
      ];
      if (lost.length === 0) return [];
      const message = `libvirt drops ${lost.join(', ')} without a word, because <model type='virtio'/> is missing`;
      return [atNode(subject, driver, message, { fix: "add <model type='virtio'/>" })];
    }),
  },
  {
    code: 'validate.libvirt-model',
    severity: 'error',
    appliesTo: libvirtKinds,
    asks: 'is the model virtio?',
    source: 'libvirt src/qemu/qemu_validate.c: qemuValidateDomainDeviceDefNetwork(); QEMU net/vhost-vdpa.c',
    check: onInterfaces((node, subject) => {
      const element = childOf(node, 'model');
      const model = element?.attributes.get('type');
      if (!element || model === undefined || model === 'virtio') return [];
      if (models.includes(model)) {
        const message = `model ${model} on a vDPA interface is refused by libvirt 9.0 and accepted by 11.3`;
        return [atNode(subject, element, message, { severity: 'warning', fix: "<model type='virtio'/>", at: 'type' })];
      }
      const message = `model of a vDPA interface must be virtio, or libvirt refuses it; got ${quoted(model)}`;
      return [atNode(subject, element, message, { fix: "<model type='virtio'/>", at: 'type' })];
    }),
  },
  {
    code: 'validate.libvirt-mtu',
    severity: 'error',
    appliesTo: libvirtKinds,
    asks: 'is there no <mtu>?',
    source: 'libvirt src/qemu/qemu_validate.c: qemuValidateDomainDeviceDefNetwork()',
    check: onElement(
      'mtu',
      'libvirt refuses <mtu> on an interface of type vdpa: "setting MTU on interface type vdpa is not supported yet"',
      'give the device its MTU (vdpa dev add .. mtu N), or set host_mtu by <qemu:override>',
    ),
  },
  {
    code: 'validate.libvirt-coalesce',
    severity: 'error',
    appliesTo: libvirtKinds,
    asks: 'is there no <coalesce>?',
    source: 'libvirt src/qemu/qemu_validate.c: qemuValidateDomainDeviceDefNetwork()',
    check: onElement(
      'coalesce',
      'libvirt refuses <coalesce> on an interface of type vdpa: there is no tap device to set it on',
      'remove it',
    ),
  },
  {
    code: 'validate.libvirt-vlan',
    severity: 'error',
    appliesTo: libvirtKinds,
    asks: 'is there no <vlan>?',
    source: 'libvirt src/conf/domain_validate.c: virDomainActualNetDefValidate()',
    check: onElement(
      'vlan',
      'libvirt defines a vDPA interface with <vlan> and refuses to start it: "vlan tag not supported for this connection type"',
      "set the VLAN on the parent's port (bridge, switchdev representor)",
    ),
  },
  {
    code: 'validate.libvirt-teaming',
    severity: 'error',
    appliesTo: libvirtKinds,
    asks: 'is the interface not the transient one of a team?',
    source:
      "libvirt src/conf/domain_validate.c: \"virtio-net teaming transient interface must be type='hostdev', not 'vdpa'\"",
    check: onInterfaces((node, subject) => {
      const teaming = childOf(node, 'teaming');
      if (teaming?.attributes.get('type') !== 'transient') return [];
      const message = 'libvirt takes teaming of type transient only on interfaces of type hostdev and network';
      return [atNode(subject, teaming, message, { at: 'type' })];
    }),
  },
  {
    code: 'validate.libvirt-no-effect',
    severity: 'warning',
    appliesTo: libvirtKinds,
    asks: 'does everything that is written have an effect?',
    source: 'libvirt src/qemu/qemu_command.c: qemuBuildInterfaceCommandLine(), src/util/virnetdev.c',
    check: onInterfaces((node, subject) => {
      const driver = driverOf(node);
      const [bandwidth, backend, target] = ['bandwidth', 'backend', 'target'].map((name) => childOf(node, name));
      return [
        ...(bandwidth ? [atNode(subject, bandwidth, 'libvirt does not apply <bandwidth> to a vDPA interface')] : []),
        ...(backend ? [atNode(subject, backend, '<backend> has no effect on a vDPA interface')] : []),
        ...(target ? [atNode(subject, target, 'there is no host interface that <target> could name')] : []),
        ...(driver?.attributes.has('name') === true
          ? [atNode(subject, driver, 'name of <driver> has no effect on a vDPA interface', { at: 'name' })]
          : []),
      ];
    }),
  },
  {
    code: 'validate.libvirt-switch',
    severity: 'error',
    appliesTo: libvirtKinds,
    asks: 'are switches written on or off?',
    source: 'libvirt src/util/virxml.c: virXMLPropTristateSwitch(); domaincommon.rng: virOnOff',
    check: onInterfaces((node, subject) => {
      const driver = driverOf(node);
      if (!driver) return [];
      const groups = [driver, childOf(driver, 'host'), childOf(driver, 'guest')].filter((one) => one !== undefined);
      return groups.flatMap((group) => {
        const names = group === driver ? switches : [...group.attributes.keys()];
        return names.flatMap((name) => {
          const value = group.attributes.get(name);
          if (value === undefined || value === 'on' || value === 'off') return [];
          const meant = ['yes', 'true', '1'].includes(value)
            ? 'on'
            : ['no', 'false', '0'].includes(value)
              ? 'off'
              : undefined;
          const message = `${name} must be on or off, or libvirt refuses it; got ${quoted(value)}`;
          return [atNode(subject, group, message, { at: name, fix: meant && `${name}='${meant}'` })];
        });
      });
    }),
  },
  {
    code: 'validate.libvirt-attribute',
    severity: 'error',
    appliesTo: libvirtKinds,
    asks: 'does libvirt know the attributes of <driver>?',
    source:
      'libvirt src/conf/schemas/domaincommon.rng: interface-options; without --validate the parser passes over others',
    check: onInterfaces((node, subject) => {
      const driver = driverOf(node);
      return [...(driver?.attributes.keys() ?? [])]
        .filter((name) => !driverAttributes.has(name))
        .map((name) => {
          const meant =
            (Object.hasOwn(libvirtNames, name) ? libvirtNames[name] : undefined) ?? name.replaceAll('-', '_');
          const fix = driverAttributes.has(meant) ? `write ${meant}` : undefined;
          const message = `libvirt knows no attribute ${quoted(name)} of <driver>, and drops it without a word`;
          return atNode(subject, driver ?? node, message, { at: name, fix });
        });
    }),
  },
  {
    code: 'validate.libvirt-queues',
    severity: 'error',
    appliesTo: libvirtKinds,
    asks: 'is queues a number that says something?',
    source: 'libvirt src/conf/domain_conf.c: virDomainNetDefParseXMLDriver() stores 1 as none',
    check: onInterfaces((node, subject) => {
      const driver = driverOf(node);
      const queues = driver?.attributes.get('queues');
      if (!driver || queues === undefined) return [];
      if (queues === '1' || queues === '0') {
        const message = `queues="${queues}" is the same to libvirt as no queues at all`;
        return [atNode(subject, driver, message, { severity: 'info', at: 'queues' })];
      }
      if (/^[0-9]{1,5}$/.test(queues)) return [];
      const message = `queues must be a whole number, or libvirt refuses it; got ${quoted(queues)}`;
      return [atNode(subject, driver, message, { at: 'queues' })];
    }),
  },
  {
    code: 'validate.libvirt-source',
    severity: 'error',
    appliesTo: libvirtKinds,
    asks: "does <source dev='..'/> name the device, and nothing of vhost-user?",
    source: 'libvirt src/conf/domain_conf.c: virDomainNetDefParseXML(): virXMLPropStringRequired(source_node, "dev")',
    check: onInterfaces((node, subject) => {
      const [source, ...more] = childrenOf(node, 'source');
      const given = [...(source?.attributes.keys() ?? [])];
      if (given.some((name) => ['path', 'mode', 'type'].includes(name))) {
        const message = `<source ${given.join(', ')}> is of an interface of type vhostuser: vhost-vdpa is a character device, not a socket`;
        return [atNode(subject, source ?? node, message, { fix: "<source dev='/dev/vhost-vdpa-0'/>" })];
      }
      if (source?.attributes.get('dev') !== undefined && more.length === 0) return [];
      const found = source ? (more.length > 0 ? `${more.length + 1} <source>` : '<source> without dev') : 'no <source>';
      const message = `a vDPA interface must have one <source dev='/dev/vhost-vdpa-N'/>, or libvirt refuses it; got ${found}`;
      return [atNode(subject, source ?? node, message)];
    }),
  },
];

/** QEMU's names of what libvirt calls otherwise. */
const libvirtNames: Readonly<Record<string, string>> = {
  iommu_platform: 'iommu',
  pagepervq: 'page_per_vq',
  'rx-queue-size': 'rx_queue_size',
  hash: 'rss_hash_report',
  mq: 'queues',
};

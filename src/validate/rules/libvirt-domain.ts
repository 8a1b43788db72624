import { bytesOf } from '../../import/libvirt-board.ts';
import { knownText } from '../../import/option.ts';
import { childOf, childrenOf, type XmlNode } from '../../import/xml-document.ts';
import { isKnown } from '../../model/fact.ts';
import type { Hit, ValidationRule } from '../rule.ts';
import type { Subject } from '../subject.ts';
import { atNode, quoted } from './hits.ts';

function onVdpaDisks(check: (node: XmlNode, subject: Subject) => readonly Hit[]): ValidationRule['check'] {
  return (subject) =>
    subject.elements.disks
      .filter(({ attributes }) => attributes.get('type') === 'vhostvdpa')
      .flatMap((node) => check(node, subject));
}

/** <disk type='vhostvdpa'>, and what else libvirt makes of vDPA outside of interfaces. */
export const libvirtDomainRules: readonly ValidationRule[] = [
  {
    code: 'validate.libvirt-disk-memory',
    severity: 'error',
    appliesTo: ['libvirt'],
    asks: 'is guest memory shared, where there is a vDPA disk?',
    source: 'libvirt src/qemu/qemu_validate.c: "\'vhostvdpa\' requires shared memory"',
    check: onVdpaDisks((node, subject) => {
      if (isShared(subject.document.xml)) return [];
      const message =
        "libvirt refuses a disk of type vhostvdpa without shared memory: 'vhostvdpa' requires shared memory";
      const fix = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>";
      return [atNode(subject, node, message, { fix })];
    }),
  },
  {
    code: 'validate.libvirt-disk-cache',
    severity: 'error',
    appliesTo: ['libvirt'],
    asks: 'is the cache of a vDPA disk none or directsync?',
    source: "libvirt src/qemu/qemu_validate.c: \"disk type 'vhostvdpa' requires cache mode 'directsync' or 'none'\"",
    check: onVdpaDisks((node, subject) => {
      const driver = childOf(node, 'driver');
      const cache = driver?.attributes.get('cache');
      if (cache === 'none' || cache === 'directsync') return [];
      const found = cache === undefined ? 'none is given' : `got ${quoted(cache)}`;
      const message = `cache of a disk of type vhostvdpa must be none or directsync, or libvirt refuses it; ${found}`;
      return [
        atNode(subject, driver ?? node, message, { at: 'cache', fix: "<driver name='qemu' type='raw' cache='none'/>" }),
      ];
    }),
  },
  {
    code: 'validate.libvirt-disk-source',
    severity: 'error',
    appliesTo: ['libvirt'],
    asks: "does <source dev='..'/> of a vDPA disk name the device?",
    source: 'libvirt src/conf/schemas/domaincommon.rng: diskSourceVHostVDPA',
    check: onVdpaDisks((node, subject) => {
      const source = childOf(node, 'source');
      if (source?.attributes.has('dev') === true) return [];
      return [atNode(subject, source ?? node, "a disk of type vhostvdpa must have <source dev='/dev/vhost-vdpa-N'/>")];
    }),
  },
  {
    code: 'validate.libvirt-hostdev',
    severity: 'error',
    appliesTo: ['libvirt'],
    asks: "is there no <hostdev type='vdpa'>?",
    source: 'libvirt src/conf/schemas/domaincommon.rng: hostdev (11.3 has no such type; openEuler carries a patch)',
    check: (subject) =>
      subject.elements.hostdevs
        .filter(({ attributes }) => attributes.get('type') === 'vdpa')
        .map((node) =>
          atNode(subject, node, 'libvirt has no <hostdev> of type vdpa', {
            at: 'type',
            fix: "<interface type='vdpa'> for a NIC, <disk type='vhostvdpa'> for a disk",
          }),
        ),
  },
  {
    code: 'validate.libvirt-memlock',
    severity: 'error',
    appliesTo: ['libvirt'],
    asks: 'does libvirt raise the locked-memory limit for every vDPA device?',
    source:
      'libvirt src/qemu/qemu_domain.c: qemuDomainGetMemLockLimitBytes() counts its own interfaces and disks, not <qemu:commandline>',
    check: (subject) => {
      const { xml } = subject.document;
      const memory = childOf(xml, 'memory');
      if (!xml || !memory || childOf(childOf(xml, 'memtune'), 'hard_limit')) return [];
      if (childOf(childOf(xml, 'memoryBacking'), 'locked')) return [];
      const own = subject.options.filter(
        (option) =>
          (option.name === 'netdev' && knownText(option, 'type') === 'vhost-vdpa') ||
          (option.name === 'device' && knownText(option, 'driver')?.startsWith('vhost-vdpa-device-pci') === true),
      );
      const [first] = own;
      if (!first) return [];
      const bytes = bytesOf(memory);
      const all = own.length + subject.elements.interfaces.length;
      const need = isKnown(bytes) ? Math.ceil((all * bytes + 2 ** 30) / 1024) : undefined;
      const message = `libvirt does not count the ${own.length} vDPA devices of <qemu:commandline> for the locked-memory limit: QEMU could not pin guest memory for them`;
      const fix = need === undefined ? undefined : `<memtune><hard_limit unit='KiB'>${need}</hard_limit></memtune>`;
      return [{ path: '/domain/qemu:commandline', place: first.place, message, fix }];
    },
  },
];

/**
 * As libvirt asks it (qemuValidateDomainDefVhostUserRequireSharedMemory()): each NUMA cell by its own memAccess, or else
 * <access>. That memfd is shared memory anyway does not count.
 */
function isShared(domain: XmlNode | undefined): boolean {
  const usual = childOf(childOf(domain, 'memoryBacking'), 'access')?.attributes.get('mode');
  const cells = childrenOf(childOf(childOf(domain, 'cpu'), 'numa'), 'cell');
  const access = cells.map(({ attributes }) => attributes.get('memAccess') ?? usual);
  return (access.length === 0 ? [usual] : access).every((mode) => mode === 'shared');
}

import { knowledgeOf } from '../../doorbell/parents.ts';
import { parentDriverOf } from '../../doorbell/parent-driver.ts';
import { childOf } from '../../import/xml-document.ts';
import { isKnown } from '../../model/fact.ts';
import type { VdpaDevice } from '../../model/generated/host-report.ts';
import { sizeText } from '../../model/units.ts';
import { lockedMemoryBytes } from '../../plan/binding.ts';
import { guestKinds, type Hit, type ValidationRule } from '../rule.ts';
import type { Subject, SubjectDevice } from '../subject.ts';
import { atDevice, onEachBacking } from './hits.ts';

/** Memory that the devices must reach, and QEMU's abilities. */
export const resourceRules: readonly ValidationRule[] = [
  {
    code: 'validate.locked-memory',
    severity: 'error',
    appliesTo: guestKinds,
    asks: 'is the locked-memory limit enough for every vDPA device?',
    source:
      'Linux drivers/vhost/vdpa.c: vhost_vdpa_pa_map(): each device pins all guest RAM; libvirt src/qemu/qemu_domain.c: <hard_limit> wins over what libvirt reckons',
    check: lockedMemory,
  },
  {
    code: 'validate.memory-not-shared',
    severity: 'error',
    appliesTo: guestKinds,
    needsHost: true,
    asks: 'is guest RAM a shared mapping, where the parent driver works on virtual addresses?',
    source: 'Linux drivers/vhost/vdpa.c: vhost_vdpa_va_map() skips memory that is not, without a word',
    check: ({ devices, document }) => {
      if (document.kind === 'libvirt-interface' || document.configuration?.binding.memoryShared !== false) return [];
      return devices.flatMap((device) =>
        onEachBacking(device, ({ device: vdpa }) =>
          worksOnVirtual(vdpa)
            ? [
                atDevice(
                  device,
                  `${device.label}: guest RAM is not shared memory, and the parent driver of ${vdpa.name} skips such memory: no DMA would work`,
                  {
                    fix: "memory-backend-memfd with share=on; <source type='memfd'/><access mode='shared'/> in libvirt",
                  },
                ),
              ]
            : [],
        ),
      );
    },
  },
  {
    code: 'validate.qemu-lacks',
    severity: 'error',
    appliesTo: guestKinds,
    needsHost: true,
    asks: 'has the QEMU of the host what the device needs?',
    source: 'QEMU query-qmp-schema, device-list-properties',
    check: ({ devices, hosts }) =>
      devices.flatMap((device) =>
        hosts.flatMap(({ qemu, report }): Hit[] => {
          if (!qemu) return [];
          const { version, netdevVhostVdpa, blockdevVirtioBlkVhostVdpa, deviceProperties } = qemu.capabilities;
          const lacks = {
            net: netdevVhostVdpa === null ? '-netdev vhost-vdpa' : undefined,
            block: blockdevVirtioBlkVhostVdpa ? undefined : 'block driver virtio-blk-vhost-vdpa',
            generic: deviceProperties['vhost-vdpa-device-pci'] === null ? 'vhost-vdpa-device-pci' : undefined,
          }[device.kind];
          if (lacks === undefined) return [];
          return [atDevice(device, `${device.label}: QEMU ${version} on host ${report.host.name} has no ${lacks}`)];
        }),
      ),
  },
];

function lockedMemory(subject: Subject): Hit[] {
  const { configuration, kind } = subject.document;
  const memory = configuration?.guest.memoryBytes;
  const pinning = subject.devices.filter(pins);
  if (
    !configuration ||
    kind === 'libvirt-interface' ||
    memory === undefined ||
    !isKnown(memory) ||
    pinning.length === 0
  ) {
    return [];
  }
  const limit = configuration.binding.lockedMemoryBytes;
  const least = pinning.length * memory;
  const need = lockedMemoryBytes(memory, pinning.length);
  const place = limitPlace(subject);
  if (limit !== null && isKnown(limit)) {
    if (limit >= need) return [];
    const short = limit < least;
    const what = `${pinning.length} vDPA ${pinning.length === 1 ? 'device pins' : 'devices pin'} ${sizeText(memory)} of guest RAM${pinning.length === 1 ? '' : ' each'}`;
    const bound = short
      ? `must be at least ${least} bytes`
      : `leaves less than the 1 GiB of slack that libvirt adds: ${need} bytes`;
    const message = `${what}: the locked-memory limit ${bound}; got ${limit}`;
    const fix =
      kind === 'libvirt'
        ? `<hard_limit unit='KiB'>${Math.ceil(need / 1024)}</hard_limit>, or none: libvirt sets one`
        : `${need}`;
    return [{ ...place, message, fix, ...(short ? {} : { severity: 'warning' as const }) }];
  }
  if (kind === 'libvirt') return [];
  return subject.hosts.flatMap(({ report }): Hit[] => {
    const { lockedMemoryLimit, name } = report.host;
    if (!isKnown(lockedMemoryLimit) || lockedMemoryLimit === 'unlimited' || lockedMemoryLimit >= need) return [];
    const message = `QEMU has to lock up to ${need} bytes on host ${name}, and the limit of the process that probed it is ${lockedMemoryLimit}`;
    return [{ ...place, message, severity: 'warning', fix: `prlimit --memlock=${need}:${need}` }];
  });
}

/** A parent that works on virtual addresses locks nothing; one that is not known may. */
function pins({ backings }: SubjectDevice): boolean {
  return backings.length === 0 || !backings.every(({ device }) => worksOnVirtual(device));
}

function worksOnVirtual(device: VdpaDevice): boolean {
  return knowledgeOf(parentDriverOf(device))?.usesVirtualAddress === true;
}

function limitPlace({ document, elements, options }: Subject): Pick<Hit, 'path' | 'place'> {
  const limit = childOf(childOf(document.xml, 'memtune'), 'hard_limit') ?? document.xml;
  if (limit) return { path: elements.pathOf(limit), place: limit.place };
  const memory = options.findLast(({ name }) => name === 'm')?.place;
  return { path: memory?.word === undefined ? '/memoryBytes' : `/${memory.word - 1}`, place: memory };
}

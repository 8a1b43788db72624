import { knowledgeOf } from '../../doorbell/parents.ts';
import { parentDriverOf } from '../../doorbell/parent-driver.ts';
import { isKnown } from '../../model/fact.ts';
import { lockedMemoryBytes } from '../../plan/binding.ts';
import type { Migration, Pair } from '../migration.ts';
import { memoryDevices, memorySpan } from '../memory-span.ts';
import type { Hit, MigrationRule } from '../rule.ts';

/** Memory that the device at the destination must reach. */
export const resourceRules: readonly MigrationRule[] = [
  {
    code: 'migration.locked-memory',
    severity: 'warning',
    effect: 'unknown',
    asks: 'may QEMU lock the guest RAM once per device (libvirt raises the limit by itself)?',
    source:
      'Linux drivers/vhost/vdpa.c: vhost_vdpa_pa_map(); QEMU 10.0 prints "vhost vdpa map fail!" and goes on, and no DMA works (seen in the lab)',
    check: lockedMemory,
  },
  {
    code: 'migration.memory-not-shared',
    severity: 'error',
    effect: 'state-lost',
    asks: 'is guest RAM a shared mapping, where the parent driver works on virtual addresses?',
    source: 'Linux drivers/vhost/vdpa.c: vhost_vdpa_va_map() skips memory that is not',
    check: ({ source, target, pairs }) => {
      const { guest, binding } = target ?? source;
      const { memoryShared } = binding;
      const added = memoryDevices(guest).length > 0;
      if (memoryShared === true && !added) return [];
      return pairs.flatMap(({ path, label, to }): Hit[] => {
        const knowledge = to && knowledgeOf(parentDriverOf(to));
        if (!to || knowledge?.usesVirtualAddress === false) return [];
        const sure = memoryShared === false && knowledge !== undefined;
        const whose = memoryShared === true ? 'RAM of a memory device' : 'guest RAM';
        const what = sure ? 'is not shared memory' : 'may not be shared memory';
        return [
          {
            path,
            unknown: !sure,
            message: `${label}: ${whose} ${what}, and the parent driver of ${to.name} skips such memory: no DMA would work`,
            fix: "memory-backend-memfd with share=on; <access mode='shared'/> in libvirt",
          },
        ];
      });
    },
  },
  {
    code: 'migration.iova-range',
    severity: 'error',
    effect: 'state-lost',
    asks: 'does the IOVA range of the device cover the guest RAM, to its last address? What does not fit below their hole pc and q35 put behind 4 GiB, memory devices come last, and virt begins at 1 GiB',
    source:
      'QEMU hw/virtio/vhost-vdpa.c: vhost_vdpa_listener_skipped_section(); hw/i386/pc_q35.c: pc_q35_init(); hw/i386/pc_piix.c: pc_init1(); hw/arm/virt.c: base_memmap',
    check: iovaRange,
  },
];

function iovaRange({ source, target, pairs }: Migration): Hit[] {
  const { guest } = target ?? source;
  const span = memorySpan(guest);
  if (!span) return [];
  return pairs.flatMap(({ path, label, to }): Hit[] => {
    const range = to?.identity.iovaRange;
    if (!to || range === undefined || !isKnown(range)) return [];
    const [first, last] = [BigInt(range.first), BigInt(range.last)];
    if (first <= span.first && last >= span.last) return [];
    const surely = first > span.first || last < span.lastAtLeast;
    return [
      {
        path,
        unknown: !surely,
        message: `${label}: ${to.name} reaches ${range.first} to ${range.last}, and the RAM of the guest ${surely ? 'lies' : 'may lie'} at ${hex(span.first)} to ${hex(surely ? span.lastAtLeast : span.last)}`,
      },
    ];
  });
}

const hex = (address: bigint): string => `0x${address.toString(16)}`;

function lockedMemory({ source, target, to, pairs }: Migration): Hit[] {
  const configuration = target ?? source;
  if (configuration.origin === 'libvirt') return [];
  const pinning = pairs.filter(pins);
  const { memoryBytes } = configuration.guest;
  const { lockedMemoryLimit, name } = to.report.host;
  if (pinning.length === 0 || !isKnown(memoryBytes) || !isKnown(lockedMemoryLimit) || lockedMemoryLimit === 'unlimited')
    return [];
  const need = lockedMemoryBytes(memoryBytes, pinning.length);
  if (lockedMemoryLimit >= need) return [];
  return [
    {
      path: '/memoryBytes',
      unknown: true,
      evidence: { need, limit: lockedMemoryLimit },
      message: `QEMU has to lock up to ${need} bytes on host ${name}, and the limit of the process that probed it is ${lockedMemoryLimit}: with that limit the guest would run without DMA`,
      fix: `start QEMU with prlimit --memlock=${need}:${need}, and probe with it as well`,
    },
  ];
}

/** A parent that works on virtual addresses locks nothing. */
function pins({ to }: Pair): boolean {
  return to !== undefined && knowledgeOf(parentDriverOf(to))?.usesVirtualAddress !== true;
}

import type { GuestConfiguration } from '../../model/generated/guest-configuration.ts';
import type { Hit, MigrationRule } from '../rule.ts';

/** What the images of disks are. What is in them no report tells. */
export const blockRules: readonly MigrationRule[] = [
  {
    code: 'migration.block-format',
    severity: 'error',
    effect: 'refused',
    asks: 'has a disk an image of a format that QEMU does not migrate (vmdk, vdi, vpc, vhdx, qcow, parallels, a writable vvfat)? Where none is given, the name of the file may tell of one',
    source: 'QEMU block/{vmdk,vdi,vpc,vhdx,qcow,parallels,vvfat}.c: migrate_add_blocker()',
    check: ({ source }) =>
      // a running QEMU has told it itself
      source.running === null ? (source.binding.images ?? []).flatMap(format) : [],
  },
  {
    code: 'migration.disk-snapshot',
    severity: 'error',
    effect: 'state-lost',
    asks: 'is what the guest writes to a disk kept in a temporary file (snapshot=on, -snapshot, <transient/>)?',
    source: 'QEMU block.c: bdrv_append_temp_snapshot(): the file is of the source alone',
    check: ({ source }) =>
      (source.binding.images ?? []).flatMap((image): Hit[] =>
        image.temporary
          ? [{ path: '', message: `${nameOf(image)}: what the guest wrote is in a temporary file of the source` }]
          : [],
      ),
  },
];

type Image = NonNullable<GuestConfiguration['binding']['images']>[number];

const blocked: ReadonlySet<string> = new Set(['vmdk', 'vdi', 'vpc', 'vhdx', 'qcow', 'parallels', 'vvfat']);

/** Endings that such images mostly have. */
const endings = /\.(vmdk|vdi|vpc|vhd|vhdx|qcow|hdd|hds)$/i;

function format(image: Image): Hit[] {
  const fix = 'convert it to raw or qcow2 (qemu-img convert)';
  if (image.format !== null) {
    if (!blocked.has(image.format)) return [];
    return [{ path: '', message: `${nameOf(image)}: QEMU does not migrate format ${image.format}`, fix }];
  }
  if (!endings.test(image.file ?? '')) return [];
  return [
    {
      path: '',
      unknown: true,
      message: `${nameOf(image)}: no format is given, and QEMU does not migrate that of which the file has the name`,
      fix: 'write its format=, or convert it to raw or qcow2',
    },
  ];
}

function nameOf({ name, file }: Image): string {
  return `disk image ${file ?? name ?? 'without a name'}`;
}

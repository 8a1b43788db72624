import { isUnknown, type Fact } from '../model/fact.ts';
import { OptionReader, type Complaint, type Option } from './option.ts';

type Complain = (complaint: Complaint) => void;

/**
 * Whether the guest may write to a -drive or a block node. `media=cdrom` takes it away (blockdev.c: drive_new()).
 * auto-read-only does not: QEMU refuses a disk whose node came up read-only by it.
 */
export function isReadOnly(block: Option, complain: Complain): Fact<boolean> {
  const media = block.name === 'drive' ? block.values.get('media') : undefined;
  if (media !== undefined && isUnknown(media)) return media;
  return media === 'cdrom' || new OptionReader(block, complain).boolean('read-only', false, 'readonly');
}

/** Modes of cache= that write through (block.c: bdrv_parse_cache_mode()). */
const through: ReadonlySet<string> = new Set(['writethrough', 'directsync']);

/** Whether a -drive has a write cache; cache.writeback= counts before cache= (blockdev.c: drive_new()). */
export function hasWriteCache(drive: Option, complain: Complain): Fact<boolean> {
  const mode = drive.values.get('cache');
  const own = new OptionReader(drive, complain).boolean('cache.writeback', undefined);
  if (own !== undefined) return own;
  return mode !== undefined && isUnknown(mode) ? mode : !through.has(String(mode));
}

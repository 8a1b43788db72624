/** A guest that should be running: looks at it, so far apart in its own time that it must have done something. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { L1 } from '../l1.ts';
import { guestReport, type GuestReport } from './report.ts';

/**
 * Two looks, more than half a second of the guest's time apart. Not the very first: buffers that were given back at the
 * source are collected on arrival, and are no sign of life of the device here. Undefined when the guest does not run.
 */
export async function twoLooks(
  l1: L1,
  socket: string,
): Promise<{ before: GuestReport; after: GuestReport } | undefined> {
  const arrival = await guestReport(l1, socket).catch(() => undefined);
  if (arrival === undefined) return undefined;
  const before = await beating(l1, socket, arrival, 10);
  const after = before === undefined ? undefined : await beating(l1, socket, before, 30);
  return before === undefined || after === undefined ? undefined : { before, after };
}

/** The guest after so many more beats; of a disk also without, for its guest waits for a device that does not answer. */
async function beating(l1: L1, socket: string, since: GuestReport, beats: number): Promise<GuestReport | undefined> {
  const patience = since.kind === 'block' ? 8_000 : 30_000;
  let now: GuestReport | undefined = since;
  for (const end = Date.now() + patience; Date.now() < end && now !== undefined;) {
    await sleep(300);
    now = await guestReport(l1, socket).catch(() => undefined);
    if (now !== undefined && now.heartbeat >= since.heartbeat + beats) return now;
  }
  return since.kind === 'block' ? now : undefined;
}

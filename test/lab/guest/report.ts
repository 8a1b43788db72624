/**
 * What the guest of the migration cells (driver.c) says of itself, read from its memory by the monitor of its QEMU.
 * Reading does not stop the guest, and works on either side of a migration.
 */
import type { L1 } from '../l1.ts';
import { qmpReturn } from '../witness.ts';

export interface PairReport {
  readonly sent: number;
  /** How often each of three transmit buffers came back. */
  readonly sentBack: readonly number[];
  readonly received: number;
  /** Of those, frames to the guest's own MAC address. */
  readonly receivedOwn: number;
  /** Heads given back that were not under way. */
  readonly badIds: number;
  readonly duplicates: number;
  /** Receive buffers that do not come back while others do. */
  readonly stale: number;
  /** Replies of a real network to an ARP request. */
  readonly answers: number;
}

export interface GuestReport {
  readonly kind: 'net' | 'block';
  readonly running: boolean;
  /** 0, or where driver.c gave up. */
  readonly error: number;
  /** Rises 50 times a second while the guest's CPU runs; of a disk, while its requests are answered. */
  readonly heartbeat: number;
  /** virtio device status as the guest reads it; 15 is ACKNOWLEDGE, DRIVER, FEATURES_OK and DRIVER_OK. */
  readonly status: number;
  /** How often it was not 15. */
  readonly statusBad: number;
  readonly offered: string;
  readonly negotiated: string;
  readonly queues: number;
  readonly ringSize: number;
  readonly doorbellMultiplier: number;
  /** Read now, not when the driver started. */
  readonly config: Readonly<Record<string, string | number>>;
  readonly cpuid: string;
  readonly control: { readonly sent: number; readonly answered: number; readonly refused: number };
  readonly pairs: readonly PairReport[];
  readonly block: { readonly read: number; readonly good: number; readonly wrong: number; readonly errors: number };
}

const address = 0x400000;
const magic = 0x61706476;
const words = 160;

/** Undefined before the guest has started. */
export async function guestReport(l1: L1, socket: string): Promise<GuestReport | undefined> {
  const command = { 'command-line': `xp /${words}wx ${address}` };
  const text = String(await qmpReturn(l1, socket, { execute: 'human-monitor-command', arguments: command }));
  const memory = [...text.matchAll(/ 0x([0-9a-f]{8})/g)].map(([, word]) => parseInt(word ?? '', 16));
  return memory[0] === magic && memory.length === words ? decode(memory) : undefined;
}

/** The numbers are those of the enum in driver.c. */
function decode(memory: readonly number[]): GuestReport {
  const at = (index: number): number => memory[index] ?? 0;
  const wide = (low: number): string => `0x${((BigInt(at(low + 1)) << 32n) | BigInt(at(low))).toString(16)}`;
  const kind = at(11) === 2 ? 'block' : 'net';
  const pairs = Array.from({ length: 8 }, (_, pair) => {
    const count = (index: number): number => at(64 + 12 * pair + index);
    return {
      ...{ sent: count(0), sentBack: [count(1), count(2), count(3)], received: count(4), receivedOwn: count(5) },
      ...{ badIds: count(6), duplicates: count(7), answers: count(9), stale: count(10) },
    };
  });
  return {
    kind,
    running: at(1) === 4,
    error: at(3),
    heartbeat: at(2),
    status: at(8),
    statusBad: at(9),
    offered: wide(36),
    negotiated: wide(6),
    queues: at(10),
    ringSize: at(38),
    doorbellMultiplier: at(43),
    config: kind === 'net' ? netConfig(memory.slice(20, 28)) : { sectors: at(20) + at(21) * 2 ** 32 },
    cpuid: [at(32), at(33), at(34)].map((word) => word.toString(16).padStart(8, '0')).join(' '),
    control: { sent: at(39), answered: at(40) + at(41), refused: at(41) },
    pairs: pairs.filter((pair, index) => index === 0 || pair.sent > 0),
    block: { read: at(44), good: at(45), wrong: at(46), errors: at(47) },
  };
}

function netConfig([low = 0, high = 0, mtu = 0, link = 0, maxPairs = 0]: readonly number[]): GuestReport['config'] {
  const bytes = [low, low >>> 8, low >>> 16, low >>> 24, high, high >>> 8].map((word) => word & 0xff);
  const mac = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
  return { mac, mtu, link, maxPairs };
}

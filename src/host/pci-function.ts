import path from 'node:path';
import { isUnknown, unknown, type Fact } from '../model/fact.ts';
import type { PciFunction, Unknown } from '../model/generated/host-report.ts';
import { readBytes, readText } from './files.ts';
import { parseCapabilities } from './pci-config.ts';

/** include/linux/ioport.h */
const IORESOURCE_IO = 0x100n;
const IORESOURCE_MEM = 0x200n;
const IORESOURCE_UNSET = 0x20000000n;
const BARS = 6;

/**
 * One PCI function from its sysfs directory: identity, BARs and capabilities. Reads only; reading config space of an
 * idle function may wake it from runtime suspend, nothing else.
 */
export function readPciFunction(directory: string): PciFunction | Unknown {
  const address = path.basename(directory).toLowerCase();
  if (!/^[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/.test(address)) {
    return unknown('not-supported', `not a PCI address with a 16-bit domain: ${address}`);
  }
  const vendor = readId(path.join(directory, 'vendor'));
  const device = readId(path.join(directory, 'device'));
  if (typeof vendor !== 'string') return vendor;
  if (typeof device !== 'string') return device;
  const resource = readText(path.join(directory, 'resource'));
  const config = readBytes(path.join(directory, 'config'));
  return {
    address,
    vendor,
    device,
    bars: isUnknown(resource) ? resource : parseResource(resource),
    capabilities: isUnknown(config) ? config : parseCapabilities(config),
  };
}

/**
 * The assigned BARs of sysfs `resource` (drivers/pci/pci-sysfs.c: resource_show()): line n is BAR n as
 * `start end flags` in hex, zeros where there is none; further lines are the ROM and bridge windows. Pure.
 */
export function parseResource(text: string): PciFunction['bars'] {
  const bars: Exclude<PciFunction['bars'], { unknown: string }> = [];
  for (const [index, line] of text.split('\n').slice(0, BARS).entries()) {
    const match = /^0x([0-9a-f]{1,16}) 0x([0-9a-f]{1,16}) 0x([0-9a-f]{1,16})$/i.exec(line.trim());
    if (match === null) return unknown('malformed', `line ${index + 1} of resource: ${line}`);
    const [start = 0n, end = 0n, flags = 0n] = match.slice(1).map((word) => BigInt(`0x${word}`));
    const kind = (flags & IORESOURCE_MEM) !== 0n ? 'memory' : (flags & IORESOURCE_IO) !== 0n ? 'io' : undefined;
    const isAssigned = (flags & IORESOURCE_UNSET) === 0n && end >= start && end !== 0n;
    const size = end - start + 1n;
    if (kind === undefined || !isAssigned || size > 0xffffffffffffffffn) continue;
    bars.push({ index, start: `0x${start.toString(16)}`, size: `0x${size.toString(16)}`, kind });
  }
  return bars;
}

/** `0x1af4`, without leading zeros. */
function readId(file: string): Fact<string> {
  const text = readText(file);
  if (isUnknown(text)) return text;
  return /^0x[0-9a-f]{1,8}$/i.test(text) ? `0x${BigInt(text).toString(16)}` : unknown('malformed', `${file}: ${text}`);
}

import { assessDevice, type AssessOptions } from '../doorbell/assess.ts';
import { isKnown } from '../model/fact.ts';
import type { HostReport, PciFunction, VdpaDevice } from '../model/generated/host-report.ts';
import { obstaclesOf } from '../plan/page-per-vq.ts';

/** What the doorbells of a device mean for page-per-vq, as src/plan/page-per-vq.ts decides it for one VM. */
export interface DoorbellView {
  /** usable: every data virtqueue is safe; fallback: eventfd there; unsafe, unknown: page-per-vq must stay off */
  readonly kind: 'usable' | 'fallback' | 'unsafe' | 'unknown';
  readonly reason: string;
}

/** A bound for what hosts may differ in. */
const mostViews = 4096;

/**
 * Judges doorbells, each kind of device once: the judgement follows from what a key holds, and of ten thousand hosts
 * most have the same few kinds.
 */
export class DoorbellViews {
  readonly #views = new Map<string, DoorbellView>();
  readonly #numbers = new Numbers();
  readonly #options: AssessOptions;

  constructor(options: AssessOptions) {
    this.#options = options;
  }

  of(report: HostReport, device: VdpaDevice): DoorbellView {
    const key = keyOf(report, device, this.#numbers);
    const known = this.#views.get(key);
    if (known) return known;
    const view = judge(report, device, this.#options);
    if (this.#views.size < mostViews) this.#views.set(key, view);
    return view;
  }
}

function judge(report: HostReport, device: VdpaDevice, options: AssessOptions): DoorbellView {
  const assessment = assessDevice(report.host, device, options);
  const { obstacle, danger } = obstaclesOf(
    { host: { name: report.host.name, report, qemu: [] }, device, assessment },
    'netdev',
  );
  const blocking = danger ?? obstacle;
  if (!blocking) return { kind: 'usable', reason: assessment.summary };
  const reason = blocking.reasons[0]?.message ?? assessment.summary;
  if (!danger) return { kind: 'fallback', reason };
  return { kind: danger.verdict === 'unsafe' ? 'unsafe' : 'unknown', reason };
}

/**
 * A number for each different value. Reports may share their parts (src/report/report-reader.ts): a shared one is looked
 * at once.
 */
class Numbers {
  readonly #byObject = new WeakMap<object, number>();
  readonly #byText = new Map<string, number>();

  of(value: object | string | number | null | undefined): number {
    if (typeof value !== 'object' || value === null)
      return this.#ofText(value === undefined ? '' : JSON.stringify(value));
    const known = this.#byObject.get(value);
    if (known !== undefined) return known;
    const number = this.#ofText(JSON.stringify(value));
    this.#byObject.set(value, number);
    return number;
  }

  #ofText(text: string): number {
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    this.#byText.set(text, this.#byText.size);
    return this.#byText.size - 1;
  }
}

/** Everything but names, addresses and what a guest is told (MAC, capacity): a verdict does not depend on those. */
function keyOf({ host }: HostReport, device: VdpaDevice, numbers: Numbers): string {
  const { parent, managementDevice, open, identity, virtqueues, pci } = device;
  const { virtioId, features, backendFeatures, negotiation, vqCount, addressSpaceCount, config } = identity;
  const ofPci =
    isKnown(pci) && pci !== null
      ? [pci.vendor, pci.device, numbers.of(pci.capabilities), barsOf(pci)]
      : [numbers.of(pci)];
  return [
    numbers.of(host.pageSize),
    host.architecture,
    numbers.of(host.kernelRelease),
    numbers.of(host.kernelVersion),
    isKnown(parent) && parent !== null ? `${parent.bus} ${String(parent.driver)}` : numbers.of(parent),
    // the name is that of the PCI device where there is a parent
    isKnown(parent) && parent?.driver ? '' : numbers.of(managementDevice),
    numbers.of(open),
    numbers.of(virtioId),
    numbers.of(features),
    numbers.of(backendFeatures),
    numbers.of(negotiation),
    numbers.of(vqCount),
    numbers.of(addressSpaceCount),
    isKnown(config) && config.class === 'net' ? config.maxVirtqueuePairs : '',
    numbers.of(virtqueues),
    ...ofPci,
  ].join('|');
}

function barsOf({ bars }: PciFunction): string {
  if (!isKnown(bars)) return bars.unknown;
  return bars.map(({ index, start, size, kind }) => `${index} ${placeOf(start)} ${size} ${kind}`).join(',');
}

/** Wider than every page size: two BARs that begin at the same place within it share their pages alike. */
const digits = 5;

/** The last five hex digits of an address. */
function placeOf(start: string): string {
  return start
    .slice(2)
    .slice(-digits)
    .replace(/^0+(?=.)/, '');
}

import { judgeDevice, type AssessOptions } from '../doorbell/assess.ts';
import { KernelClasses } from '../doorbell/kernel-class.ts';
import { parentDriverOf } from '../doorbell/parent-driver.ts';
import { classOf, controlVirtqueueOf, queuePairsOf } from '../doorbell/virtqueue-role.ts';
import { isKnown, type Fact } from '../model/fact.ts';
import type { Host, HostReport, PciFunction, Unknown, VdpaDevice, Virtqueue } from '../model/generated/host-report.ts';
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
 * Judges doorbells, each kind of device once: whether a doorbell is usable follows from what a key holds, and of ten
 * thousand hosts most have the same few kinds. The reason is that of the first device of a kind, which alone is told: it
 * may name its kernel, or the words with which a fact was not known.
 */
export class DoorbellViews {
  readonly #views = new Map<string, DoorbellView>();
  readonly #kernels: KernelClasses;
  readonly #options: AssessOptions;
  readonly #byName: boolean;
  #last: { readonly host: Host | undefined; readonly key: string } = { host: undefined, key: '' };

  constructor(options: AssessOptions) {
    this.#options = options;
    this.#kernels = new KernelClasses(options.parents);
    this.#byName = options.parents?.some(({ device }) => device !== undefined) ?? false;
  }

  of(report: HostReport, device: VdpaDevice): DoorbellView {
    const key = `${this.#hostKey(report.host)}\n${this.#byName ? device.name : ''}\n${keyOf(device)}`;
    const known = this.#views.get(key);
    if (known) return known;
    const view = judge(report, device, this.#options);
    if (this.#views.size < mostViews) this.#views.set(key, view);
    return view;
  }

  #hostKey(host: Host): string {
    if (this.#last.host !== host) {
      const { pageSize, architecture } = host;
      this.#last = { host, key: `${wordOf(pageSize, String)} ${architecture} ${this.#kernels.of(host)}` };
    }
    return this.#last.key;
  }
}

function judge(report: HostReport, device: VdpaDevice, options: AssessOptions): DoorbellView {
  const assessment = judgeDevice(report.host, device, options);
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
 * All that a judge asks of a device. Not names, addresses and what a guest is told (MAC, capacity); of the features no
 * more than which virtqueues they make.
 */
function keyOf(device: VdpaDevice): string {
  const { parent, identity, virtqueues, pci, open } = device;
  const bus = wordOf(parent, (known) => known?.bus ?? '');
  return `${bus}
${parentDriverOf(device) ?? '\t'}
${classOf(device)} ${queuePairsOf(device)} ${controlVirtqueueOf(device)} ${isKnown(open)} ${isKnown(identity.negotiation)} ${wordOf(identity.vqCount, String)}
${wordOf(virtqueues, wordOfVirtqueues)}
${wordOf(pci, (known) => (known === null ? '' : wordOfPci(known)))}`;
}

/** A fact in few words. No text of a report holds the tabs and newlines that part them. */
function wordOf<T>(fact: Fact<T>, known: (value: Exclude<T, Unknown>) => string): string {
  return isKnown(fact) ? known(fact) : `\t${(fact as Unknown).unknown}`;
}

function wordOfVirtqueues(virtqueues: readonly Virtqueue[]): string {
  let words = '';
  for (const { index, doorbell } of virtqueues) {
    const answer = typeof doorbell === 'string' ? doorbell : 'refused' in doorbell ? doorbell.refused : '?';
    words += `${index} ${answer},`;
  }
  return words;
}

function wordOfPci({ vendor, device, capabilities, bars }: PciFunction): string {
  return `${vendor} ${device} ${wordOf(capabilities, wordOfCapabilities)} ${wordOf(bars, wordOfBars)}`;
}

function wordOfCapabilities({ virtio, msix }: Exclude<PciFunction['capabilities'], Unknown>): string {
  let words = msix
    ? `${msix.vectors} ${msix.tableBar} ${msix.tableOffset} ${msix.pbaBar} ${msix.pbaOffset}`
    : 'no msix';
  for (const { type, bar, offset, length, notifyOffMultiplier } of virtio) {
    words += `,${type} ${bar} ${offset} ${length} ${notifyOffMultiplier}`;
  }
  return words;
}

function wordOfBars(bars: Exclude<PciFunction['bars'], Unknown>): string {
  let words = '';
  for (const { index, start, size, kind } of bars) words += `${index} ${placeOf(start)} ${size} ${kind},`;
  return words;
}

/** The last five hex digits of an address. Wider than every page size: two BARs that begin at the same place within it share their pages alike. */
function placeOf(start: string): string {
  return start.length >= 7 ? start.slice(-5) : start.slice(2).padStart(5, '0');
}

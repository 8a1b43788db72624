/**
 * Host reports for tests: the one that was captured in the lab (kernel 6.12.107, QEMU 10.0.13, libvirt 11.3; devices
 * vp0 with a page per doorbell, vp1 with 4 bytes, sim0, blk0), with one typed edit each. Every result is checked
 * against the schema, so that no test speaks of a report that `probe` could not have written.
 */
import { readFileSync } from 'node:fs';
import { isKnown, unknown } from '../src/model/fact.ts';
import type {
  Host,
  HostReport,
  Identity,
  PciFunction,
  QemuCapabilities,
  Unknown,
  VdpaDevice,
  Virtqueue,
} from '../src/model/generated/host-report.ts';
import validate from '../src/model/generated/host-report.validate.js';

export const capturedFile = 'examples/quickstart/host.json';

const captured = JSON.parse(readFileSync(capturedFile, 'utf8')) as HostReport;

/** One change of a report. */
export type Edit = (report: HostReport) => void;

export type Known<T> = Exclude<T, Unknown>;
export type Capabilities = Known<PciFunction['capabilities']>;
export type NetConfig = Extract<Identity['config'], { class: 'net' }>;
type Doorbell = Virtqueue['doorbell'];

/** The captured report with the edits made to it. */
export function reportWith(...edits: Edit[]): HostReport {
  const report = structuredClone(captured);
  for (const edit of edits) edit(report);
  if (!validate(report)) throw new Error(`the edited report breaches the schema: ${JSON.stringify(validate.errors)}`);
  return report;
}

export const refused = (errno: string): Doorbell => ({ refused: errno });

export function host(changes: Partial<Host>): Edit {
  return (report) => void Object.assign(report.host, changes);
}

export function deviceOf(report: HostReport, name: string): VdpaDevice {
  const device = report.devices.find((candidate) => candidate.name === name);
  if (!device) throw new Error(`no device ${name}`);
  return device;
}

export function onDevice(name: string, edit: (device: VdpaDevice) => void): Edit {
  return (report) => edit(deviceOf(report, name));
}

export function device(name: string, changes: Partial<VdpaDevice>): Edit {
  return onDevice(name, (found) => void Object.assign(found, changes));
}

export function identity(name: string, changes: Partial<Identity>): Edit {
  return onDevice(name, (found) => void Object.assign(found.identity, changes));
}

/** Changes the net config space; undefined takes a field away. */
export function netConfig(name: string, changes: { [K in keyof NetConfig]?: NetConfig[K] | undefined }): Edit {
  return onDevice(name, ({ identity: { config } }) => {
    if (!isKnown(config) || config.class !== 'net') throw new Error(`${name} is no net device`);
    Object.assign(config, changes);
    for (const [key, value] of Object.entries(changes)) if (value === undefined) Reflect.deleteProperty(config, key);
  });
}

/** The names of the features that the device offers; `bits` is left as it is, nothing of what is tested reads it. */
export function features(name: string, edit: (names: string[]) => string[]): Edit {
  return onDevice(name, ({ identity: { features: set } }) => {
    if (!isKnown(set)) throw new Error(`the features of ${name} are not known`);
    set.names = edit(set.names);
  });
}

export const withFeature = (name: string, feature: string): Edit => features(name, (names) => [...names, feature]);
export const withoutFeature = (name: string, feature: string): Edit =>
  features(name, (names) => names.filter((other) => other !== feature));

/** The parent driver, on a PCI parent as captured. */
export function parentDriver(name: string, driver: string | null): Edit {
  return onDevice(name, (found) => {
    if (!isKnown(found.parent) || found.parent === null) throw new Error(`${name} has no parent`);
    found.parent.driver = driver;
  });
}

/** Gives the device one virtqueue per answer to mmap. */
export function doorbells(name: string, ...answers: Doorbell[]): Edit {
  return onDevice(name, (found) => {
    const [first] = virtqueuesOf(found);
    found.virtqueues = answers.map((doorbell, index) => ({ ...structuredClone(first), index, doorbell }));
    found.identity.vqCount = answers.length;
  });
}

export function virtqueuesOf({ name, virtqueues }: VdpaDevice): Virtqueue[] {
  if (!isKnown(virtqueues)) throw new Error(`the virtqueues of ${name} are not known`);
  return virtqueues;
}

/** A net device with so many queue pairs and a control virtqueue, each virtqueue with the same answer to mmap. */
export function queuePairs(name: string, pairs: number, answer: Doorbell = 'mapped'): Edit {
  return (report) => {
    doorbells(name, ...Array.from({ length: 2 * pairs + 1 }, () => answer))(report);
    netConfig(name, { maxVirtqueuePairs: pairs })(report);
    withFeature(name, 'VIRTIO_NET_F_MQ')(report);
  };
}

export function pciOf(report: HostReport, name: string): PciFunction & { capabilities: Capabilities } {
  const { pci } = deviceOf(report, name);
  if (!isKnown(pci) || pci === null || !isKnown(pci.capabilities)) throw new Error(`${name} is no known PCI function`);
  return { ...pci, capabilities: pci.capabilities };
}

export function capabilities(name: string, edit: (known: Capabilities) => void): Edit {
  return (report) => edit(pciOf(report, name).capabilities);
}

type Capability = Capabilities['virtio'][number];

/** Changes the virtio capability of a type. */
export function capability(name: string, type: Capability['type'], changes: Partial<Capability>): Edit {
  return capabilities(
    name,
    ({ virtio }) =>
      void Object.assign(
        virtio.find((cap) => cap.type === type)!,
        changes,
      ),
  );
}

export function addCapability(name: string, added: Capability): Edit {
  return capabilities(name, ({ virtio }) => void virtio.push(added));
}

export function msix(name: string, changes: Partial<NonNullable<Capabilities['msix']>>): Edit {
  return capabilities(name, ({ msix: found }) => void Object.assign(found!, changes));
}

type Bar = Known<PciFunction['bars']>[number];

export function bar(name: string, index: number, changes: Partial<Bar>): Edit {
  return (report) => {
    const { bars } = pciOf(report, name);
    if (!isKnown(bars)) throw new Error(`the BARs of ${name} are not known`);
    Object.assign(
      bars.find((found) => found.index === index)!,
      changes,
    );
  };
}

export function pci(name: string, changes: Partial<PciFunction>): Edit {
  return onDevice(name, (found) => {
    if (!isKnown(found.pci) || found.pci === null) throw new Error(`${name} is no PCI function`);
    Object.assign(found.pci, changes);
  });
}

export function qemu(changes: Partial<QemuCapabilities>): Edit {
  return (report) => {
    const known = report.qemu[0]?.capabilities;
    if (known === undefined || !isKnown(known)) throw new Error('no QEMU is known');
    Object.assign(known, changes);
  };
}

export const withoutQemu: Edit = (report) => void (report.qemu = []);

/** As on a host whose devices VMs use: nothing was opened. */
export function busy(name: string, errno = 'EBUSY'): Edit {
  const why = unknown(errno, `/dev/vhost-vdpa-0: ${errno}`);
  return device(name, { open: why, virtqueues: why });
}

export const named = (name: string): Edit => host({ name });

/** An arm64 host with a QEMU for it. */
export const arm: Edit = (report) => {
  host({ architecture: 'aarch64' })(report);
  qemu({
    target: 'aarch64',
    machines: [
      { name: 'virt-9.2', deprecated: false },
      { name: 'virt-10.0', alias: 'virt', deprecated: false },
    ],
  })(report);
  report.qemu[0]!.path = '/usr/bin/qemu-system-aarch64';
};

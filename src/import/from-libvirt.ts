import { VdpaQemuError } from '../model/error.ts';
import { isKnown, isUnknown, unknown, type Fact } from '../model/fact.ts';
import { fromOptions, type Imported } from './from-options.ts';
import { markOfElements } from './content-mark.ts';
import { boardOptions, bytesOf, directBoot } from './libvirt-board.ts';
import { deviceElements } from './libvirt-devices.ts';
import { bootFromOs } from './libvirt-disk.ts';
import { implicitDevices, powerManagement } from './libvirt-implicit.ts';
import { maxDevices, refuseMore } from './limits.ts';
import { notRead } from './libvirt-not-read.ts';
import { knownText, type Complaint, type Option } from './option.ts';
import { booleanOf, integerOf, type Scalar } from './option-values.ts';
import { commandLineOf } from './qemu-options.ts';
import { childOf, elementText, type XmlNode } from './xml-document.ts';
import type { HostReport } from '../model/generated/host-report.ts';

const qemuNamespace = 'http://libvirt.org/schemas/domain/qemu/1.0';

/** Elements of <domain> that are read, or that only the host sees. */
const understood: ReadonlySet<string> = new Set(
  'name uuid title description metadata memory currentMemory maxMemory memoryBacking memtune vcpu vcpus iothreads iothreadids defaultiothread cputune numatune blkiotune resource os features cpu clock on_poweroff on_reboot on_crash on_lockfailure pm perf devices seclabel'.split(
    ' ',
  ),
);
const understoodOs: ReadonlySet<string> = new Set(['type', 'boot', 'bootmenu', 'bios', ...directBoot.keys()]);
const understoodFeatures: ReadonlySet<string> = new Set(
  'acpi apic pae gic smm vmport ras hyperv kvm pvspinlock xen pmu ps2'.split(' '),
);

/**
 * What a libvirt domain XML shows to the guest: as the options that libvirt 11.3 would give to QEMU. What libvirt
 * chooses only when the domain is defined (addresses, a MAC, the default CPU) is undetermined.
 * @throws VdpaQemuError bad-input where the root element is no <domain>, or there are more devices than a guest has
 */
export function fromLibvirt(domain: XmlNode, label: string, reports: readonly HostReport[] = []): Imported {
  if (domain.name !== 'domain' || domain.namespace !== null) {
    throw new VdpaQemuError('bad-input', `${label}: the root element is ${elementText(domain)}, not <domain>`);
  }
  const complaints: Complaint[] = [];
  const complain = (complaint: Complaint): void => void complaints.push(complaint);
  const devices = childOf(domain, 'devices');
  refuseMore(devices?.children.length ?? 0, maxDevices, 'devices', label);
  const own = deviceOptions(devices, complain).map((option) => (isX86(domain) ? option : withoutVga(option)));
  const read = bootFromOs(childOf(domain, 'os'), devices, own);
  const extra = commandLine(domain, label);
  const options = override(domain, [
    ...boardOptions(domain),
    ...powerManagement(domain),
    ...read,
    ...implicitDevices(domain, devices),
    ...extra.options,
  ]);
  const imported = fromOptions({
    origin: 'libvirt',
    options,
    emulator: childOf(devices, 'emulator')?.text ?? null,
    architecture:
      childOf(childOf(domain, 'os'), 'type')?.attributes.get('arch') ??
      unknown('not-present', 'no architecture is given: libvirt takes that of its host'),
    name: childOf(domain, 'name')?.text ?? null,
    lockedMemoryBytes: lockedMemory(domain, options),
    incomplete: notUnderstood(domain),
    reports,
  });
  return { ...imported, complaints: [...complaints, ...extra.complaints, ...imported.complaints] };
}

function deviceOptions(devices: XmlNode | undefined, complain: (complaint: Complaint) => void): Option[] {
  return (devices?.children ?? []).flatMap((node) => {
    if (node.namespace !== null) return [];
    const read = Object.hasOwn(deviceElements, node.name) ? deviceElements[node.name] : undefined;
    return read ? read(node, complain) : [notRead(node)];
  });
}

function isX86(domain: XmlNode): boolean {
  const arch = childOf(childOf(domain, 'os'), 'type')?.attributes.get('arch');
  return arch === undefined || arch === 'x86_64' || arch === 'i686';
}

/** Other boards have no VGA: there libvirt takes the model without it. */
function withoutVga(option: Option): Option {
  if (option.name !== 'device' || knownText(option, 'driver') !== 'virtio-vga') return option;
  return { ...option, values: new Map([...option.values, ['driver', 'virtio-gpu-pci']]) };
}

/** <qemu:commandline>: arguments that libvirt adds at the end. */
function commandLine(domain: XmlNode, label: string): ReturnType<typeof commandLineOf> {
  const own = domain.children.filter(({ name, namespace }) => name === 'commandline' && namespace === qemuNamespace);
  const args = own.flatMap(({ children }) =>
    children.filter(({ name, namespace }) => name === 'arg' && namespace === qemuNamespace),
  );
  const words = args.map((arg) => ({ text: arg.attributes.get('value') ?? '', place: arg.place }));
  return commandLineOf(words, label);
}

/** <qemu:override>: properties of devices, by alias. */
function override(domain: XmlNode, options: readonly Option[]): Option[] {
  const of = (parents: readonly XmlNode[], name: string): XmlNode[] =>
    parents.flatMap(({ children }) =>
      children.filter((child) => child.name === name && child.namespace === qemuNamespace),
    );
  const changes = of(of([domain], 'override'), 'device').map((device) => ({
    alias: device.attributes.get('alias'),
    properties: of(of([device], 'frontend'), 'property'),
  }));
  return options.map((option) => {
    const mine = changes.filter(
      ({ alias }) => alias !== undefined && option.name === 'device' && alias === knownText(option, 'id'),
    );
    if (mine.length === 0) return option;
    const values = new Map(option.values);
    for (const { properties } of mine) for (const property of properties) apply(values, property);
    return { ...option, values };
  });
}

function apply(values: Map<string, Fact<Scalar>>, { attributes }: XmlNode): void {
  const [name, type, value] = [attributes.get('name') ?? '', attributes.get('type'), attributes.get('value') ?? ''];
  if (name === 'unknown' || name === '') return;
  if (type === 'remove') values.delete(name);
  else if (type === 'bool') values.set(name, booleanOf(value) ?? value);
  else values.set(name, type === 'string' ? value : (integerOf(value) ?? value));
}

/**
 * The limit that libvirt sets: hard_limit, or guest memory once per vDPA device that it knows and 1 GiB (qemu_domain.c:
 * qemuDomainGetMemLockLimitBytes(), since 8.7). null: none, or no limit at all.
 */
function lockedMemory(domain: XmlNode, options: readonly Option[]): Fact<number | null> {
  const limit = childOf(childOf(domain, 'memtune'), 'hard_limit');
  if (limit) return bytesOf(limit);
  if (childOf(childOf(domain, 'memoryBacking'), 'locked')) return null;
  const memory = childOf(domain, 'memory');
  const count = options.filter(
    ({ name, values }) =>
      (name === 'netdev' && values.get('type') === 'vhost-vdpa') ||
      (name === 'blockdev' && values.get('driver') === 'virtio-blk-vhost-vdpa'),
  ).length;
  const bytes = memory ? bytesOf(memory) : unknown('not-present', 'no <memory> is given');
  if (count === 0) return null;
  return isKnown(bytes) && !isUnknown(bytes) ? count * bytes + 2 ** 30 : bytes;
}

/** Why the options that the guest sees may not be all. */
function notUnderstood(domain: XmlNode): string | undefined {
  const strange = (parent: XmlNode | undefined, known: ReadonlySet<string>): XmlNode[] =>
    (parent?.children ?? []).filter(({ name, namespace }) => namespace === null && !known.has(name));
  const os = childOf(domain, 'os');
  const numa = childOf(childOf(domain, 'cpu'), 'numa');
  const nodes = [
    ...strange(domain, understood),
    ...strange(os, understoodOs),
    ...strange(childOf(domain, 'features'), understoodFeatures),
    ...(os?.attributes.has('firmware') === true ? [os] : []),
    ...(numa ? [numa] : []),
  ];
  if (nodes.length === 0) return undefined;
  const names = nodes.map((node) => (node === os ? 'os firmware' : node.name));
  const shown = [...new Set(names)].sort().join('>, <').slice(0, 500);
  return `what libvirt makes of <${shown}> is not known here (${markOfElements(nodes)})`;
}

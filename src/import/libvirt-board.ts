import { isKnown, unknown, type Fact } from '../model/fact.ts';
import { optionOf, type Properties } from './libvirt-node.ts';
import type { Option } from './option.ts';
import type { Scalar } from './option-values.ts';
import { childOf, childrenOf, type XmlNode } from './xml-document.ts';

/** What is outside of <devices>, as QEMU's options. */
export function boardOptions(domain: XmlNode): Option[] {
  const os = childOf(domain, 'os');
  const type = childOf(os, 'type');
  const arm = type?.attributes.get('arch') === 'aarch64';
  const ram = arm ? 'mach-virt.ram' : 'pc.ram';
  const numa = childOf(childOf(domain, 'cpu'), 'numa');
  const block = numa ? unknown('not-supported', 'NUMA cells are not read here: each has a RAM block of its own') : ram;
  return [
    optionOf(
      'machine',
      {
        type:
          type?.attributes.get('machine') ??
          unknown('not-present', 'no machine type is given: libvirt takes the default of its QEMU'),
        accel: acceleratorOf(domain),
        'memory-backend': block,
        ...machineFeatures(domain),
        ...timers(domain),
        'confidential-guest-support': childOf(domain, 'launchSecurity') ? 'lsec0' : undefined,
      },
      type ?? domain,
    ),
    ...(numa ? [] : [memoryObject(domain, ram)]),
    memory(domain),
    cpu(domain),
    topology(domain),
    optionOf('nodefaults', {}, domain),
    optionOf('boot', bootOptions(os), os ?? domain),
    ...directBootOptions(os),
    ...clockOptions(domain),
    ...(childOf(domain, 'uuid')
      ? [optionOf('uuid', {}, childOf(domain, 'uuid') ?? domain, childOf(domain, 'uuid')?.text)]
      : [noUuid(domain)]),
  ];
}

/** Element of <os> -> option of QEMU, whose text libvirt hands on with its blanks (qemuBuildBootCommandLine()). */
export const directBoot: ReadonlyMap<string, string> = new Map([
  ['kernel', 'kernel'],
  ['initrd', 'initrd'],
  ['cmdline', 'append'],
  ['dtb', 'dtb'],
]);

function directBootOptions(os: XmlNode | undefined): Option[] {
  return [...directBoot].flatMap(([element, option]) => {
    const node = childOf(os, element);
    return node ? [optionOf(option, {}, node, node.content)] : [];
  });
}

function noUuid(domain: XmlNode): Option {
  return optionOf('uuid', { uuid: unknown('not-present', 'no UUID is given: libvirt makes one up') }, domain);
}

function acceleratorOf(domain: XmlNode): Fact<string> {
  const type = domain.attributes.get('type');
  if (type === 'kvm') return 'kvm';
  return type === 'qemu' ? 'tcg' : unknown('not-supported', `domain type ${type ?? 'none'} is not known here`);
}

/** Without <acpi/> libvirt turns ACPI off (qemu_command.c: qemuAppendDomainFeaturesMachineParam()). */
function machineFeatures(domain: XmlNode): Properties {
  const features = childOf(domain, 'features');
  const state = (name: string): string | undefined => {
    const node = childOf(features, name);
    return node && (node.attributes.get('state') ?? 'on');
  };
  return {
    acpi: childOf(features, 'acpi') !== undefined,
    'gic-version': childOf(features, 'gic')?.attributes.get('version'),
    smm: state('smm'),
    vmport: state('vmport'),
    ras: state('ras'),
  };
}

function timers(domain: XmlNode): Properties {
  const hpet = timer(domain, 'hpet')?.attributes.get('present');
  return { hpet: hpet === undefined ? undefined : hpet === 'yes' };
}

function timer(domain: XmlNode, name: string): XmlNode | undefined {
  return childrenOf(childOf(domain, 'clock'), 'timer').find((one) => one.attributes.get('name') === name);
}

function clockOptions(domain: XmlNode): Option[] {
  const [rtc, pit] = [timer(domain, 'rtc'), timer(domain, 'pit')];
  const slew = rtc?.attributes.get('tickpolicy') === 'catchup';
  const delay = pit?.attributes.get('tickpolicy') === 'delay';
  return [
    ...(slew ? [optionOf('rtc', { driftfix: 'slew' }, rtc)] : []),
    ...(delay ? [optionOf('global', {}, pit, 'kvm-pit.lost_tick_policy=delay')] : []),
  ];
}

function bootOptions(os: XmlNode | undefined): Properties {
  const [menu, bios] = [childOf(os, 'bootmenu')?.attributes, childOf(os, 'bios')?.attributes];
  const enabled = menu?.get('enable');
  return {
    menu: enabled === undefined ? undefined : enabled === 'yes',
    'splash-time': enabled === 'yes' ? menu?.get('timeout') : undefined,
    'reboot-timeout': bios?.get('rebootTimeout'),
    strict: true,
  };
}

function memoryObject(domain: XmlNode, id: string): Option {
  const backing = childOf(domain, 'memoryBacking');
  const source = childOf(backing, 'source')?.attributes.get('type') ?? 'anonymous';
  const access = childOf(backing, 'access')?.attributes.get('mode');
  const kinds: Readonly<Record<string, string>> = { memfd: 'memory-backend-memfd', file: 'memory-backend-file' };
  return optionOf(
    'object',
    {
      'qom-type': (Object.hasOwn(kinds, source) ? kinds[source] : undefined) ?? 'memory-backend-ram',
      id,
      share: access === undefined ? undefined : access === 'shared',
      // libvirt writes it for machine types that have the long name by default
      'x-use-canonical-path-for-ramblock-id': false,
    },
    backing ?? domain,
  );
}

/** libvirt rounds guest memory up to 1 MiB (qemu_domain.c: qemuDomainGetMemorySizeAlignment()). */
function memory(domain: XmlNode): Option {
  const [size, most] = [childOf(domain, 'memory'), childOf(domain, 'maxMemory')];
  const mebibytes = (node: XmlNode): Fact<Scalar> => {
    const bytes = bytesOf(node);
    return isKnown(bytes) ? `${Math.ceil(bytes / 2 ** 20)}M` : bytes;
  };
  return optionOf(
    'm',
    {
      size: size ? mebibytes(size) : unknown('not-present', 'no <memory> is given'),
      slots: most?.attributes.get('slots'),
      maxmem: most && mebibytes(most),
    },
    size ?? domain,
  );
}

const units: Readonly<Record<string, number>> = {
  b: 1,
  bytes: 1,
  kb: 1e3,
  k: 2 ** 10,
  kib: 2 ** 10,
  mb: 1e6,
  m: 2 ** 20,
  mib: 2 ** 20,
  gb: 1e9,
  g: 2 ** 30,
  gib: 2 ** 30,
  tb: 1e12,
  t: 2 ** 40,
  tib: 2 ** 40,
};

/** A scaled integer; KiB where no unit is given (docs/formatdomain.rst). */
export function bytesOf(node: XmlNode): Fact<number> {
  const factor = units[(node.attributes.get('unit') ?? 'KiB').toLowerCase()];
  const bytes = Number(/^[0-9]{1,16}$/.test(node.text) ? node.text : NaN) * (factor ?? NaN);
  if (Number.isSafeInteger(bytes)) return bytes;
  return unknown(
    'malformed',
    `<${node.name}> is no memory size: ${node.text.slice(0, 40)} ${node.attributes.get('unit') ?? ''}`,
  );
}

function topology(domain: XmlNode): Option {
  const vcpu = childOf(domain, 'vcpu');
  const most = vcpu?.text ?? '1';
  const now = vcpu?.attributes.get('current') ?? most;
  const given = childOf(childOf(domain, 'cpu'), 'topology')?.attributes;
  const shape = given
    ? Object.fromEntries(['sockets', 'dies', 'clusters', 'cores', 'threads'].map((level) => [level, given.get(level)]))
    : { sockets: most, cores: 1, threads: 1 };
  return optionOf('smp', { cpus: now, maxcpus: most, ...shape }, vcpu ?? domain);
}

/** <cpu> as -cpu (qemu_command.c: qemuBuildCpuCommandLine()). */
function cpu(domain: XmlNode): Option {
  const node = childOf(domain, 'cpu');
  const model = cpuText(domain, node);
  return typeof model === 'string'
    ? optionOf('cpu', {}, node ?? domain, model)
    : optionOf('cpu', { model }, node ?? domain);
}

/** Switches of -cpu that stand elsewhere in the XML. */
const cpuFeatures = ['hyperv', 'kvm', 'pvspinlock', 'xen', 'pmu'] as const;

function cpuText(domain: XmlNode, node: XmlNode | undefined): Fact<string> {
  const none = unknown('not-present', 'no CPU model is given: libvirt takes the default of its QEMU');
  const elsewhere = cpuFeatures.find((name) => childOf(childOf(domain, 'features'), name));
  if (elsewhere !== undefined) return unknown('not-supported', `<${elsewhere}>: its CPU switches are not read here`);
  const clock = ['kvmclock', 'hypervclock', 'tsc'].find((name) => timer(domain, name));
  if (clock !== undefined) return unknown('not-supported', `timer ${clock}: its CPU switches are not read here`);
  if (!node) return none;
  if (domain.attributes.has('id') && node.attributes.get('check') === 'full') {
    return unknown(
      'not-present',
      'XML of a running domain lists the CPU that QEMU made of it; use virsh dumpxml --migratable',
    );
  }
  const unread = node.children.find(({ name }) => ['cache', 'maxphysaddr', 'vendor'].includes(name));
  if (unread) return unknown('not-supported', `<${unread.name}> of <cpu> is not read here`);
  const model = childOf(node, 'model');
  const base = baseModel(node, model);
  if (base === undefined) return none;
  if (typeof base !== 'string') return base;
  const switches = childrenOf(node, 'feature').map((feature) => {
    const policy = feature.attributes.get('policy') ?? 'require';
    const name = feature.attributes.get('name') ?? '';
    return policy === 'optional'
      ? undefined
      : `${qemuName(name)}=${policy === 'disable' || policy === 'forbid' ? 'off' : 'on'}`;
  });
  if (switches.includes(undefined)) return unknown('not-present', 'an optional CPU feature depends on the host');
  const migratable = node.attributes.get('migratable') === 'off' ? ['migratable=off'] : [];
  // behind all others (qemu_command.c: qemuBuildCpuCommandLine())
  const eoi = childOf(childOf(domain, 'features'), 'apic')?.attributes.get('eoi');
  return [base, ...migratable, ...switches, ...(eoi === undefined ? [] : [`kvm-pv-eoi=${eoi}`])].join(',');
}

function baseModel(node: XmlNode, model: XmlNode | undefined): Fact<string> | undefined {
  switch (node.attributes.get('mode') ?? 'custom') {
    case 'host-passthrough':
      return 'host';
    case 'maximum':
      return 'max';
    case 'host-model':
      return unknown('not-present', 'host-model is another CPU on another host; use virsh dumpxml --migratable');
    default:
      if (model?.attributes.has('vendor_id') === true) return unknown('not-supported', 'vendor_id is not read here');
      return model?.text === '' ? undefined : model?.text;
  }
}

/** libvirt has its own name for one (qemu_capabilities.c: virQEMUCapsCPUFeatures). Others differ in _ and - alone. */
function qemuName(feature: string): string {
  return feature === 'pclmuldq' ? 'pclmulqdq' : feature;
}

import { unknown } from '../model/fact.ts';
import { optionOf, type Properties } from './libvirt-node.ts';
import type { Option } from './option.ts';
import { childOf, childrenOf, type XmlNode } from './xml-document.ts';

/**
 * Devices that libvirt adds where the XML does not speak of them (qemu_domain.c: qemuDomainDefAddDefaultDevices(),
 * domain_postparse.c: virDomainDefAddImplicitDevices()). It chooses their addresses when the domain is defined, and
 * with them root ports: what was read is not all of the guest.
 */
export function implicitDevices(domain: XmlNode, devices: XmlNode | undefined): Option[] {
  const device = (what: string, driver?: string): Option => {
    const why = unknown('not-present', `libvirt adds ${what}, and chooses its address`);
    return optionOf('device', { driver: driver ?? why, bus: why, addr: why }, devices ?? domain);
  };
  const has = (name: string): boolean => childOf(devices, name) !== undefined;
  const q35 = machineOf(domain).includes('q35');
  const usb = childrenOf(devices, 'controller').some(({ attributes }) => attributes.get('type') === 'usb');
  return [
    // addITCOWatchdog, since 9.1: what other watchdogs there are does not matter
    ...(q35 ? [optionOf('global', {}, devices ?? domain, 'ICH9-LPC.noreboot=off')] : []),
    ...(has('memballoon') ? [] : [device('a memory balloon', 'virtio-balloon-pci')]),
    ...(usb || isArm(domain) ? [] : [device('a USB controller')]),
    ...(has('graphics') && !has('video') ? [device('a display adapter')] : []),
    ...(has('console') && !has('serial') && consoleIsSerial(devices) ? [device('a serial port')] : []),
  ];
}

function isArm(domain: XmlNode): boolean {
  return childOf(childOf(domain, 'os'), 'type')?.attributes.get('arch') === 'aarch64';
}

function machineOf(domain: XmlNode): string {
  return childOf(childOf(domain, 'os'), 'type')?.attributes.get('machine') ?? '';
}

/** The first console is a serial port where no other type is written. */
function consoleIsSerial(devices: XmlNode | undefined): boolean {
  const type = childOf(childOf(devices, 'console'), 'target')?.attributes.get('type');
  return type === undefined || type === 'serial';
}

/** <pm> (qemu_command.c: qemuBuildPMCommandLine()): whether the guest's ACPI tables have S3 and S4. */
export function powerManagement(domain: XmlNode): Option[] {
  const pm = childOf(domain, 'pm');
  const chip = machineOf(domain).includes('q35') ? 'ICH9-LPC' : 'PIIX4_PM';
  const states = { 'suspend-to-mem': 'disable_s3', 'suspend-to-disk': 'disable_s4' };
  return Object.entries(states).flatMap(([name, property]) => {
    const node = childOf(pm, name);
    const enabled = node?.attributes.get('enabled');
    if (!node || enabled === undefined) return [];
    const none: Properties = {};
    return [optionOf('global', none, node, `${chip}.${property}=${enabled === 'no' ? 1 : 0}`)];
  });
}

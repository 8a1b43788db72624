/** What libvirt adds by itself: the command lines of test/lab/fidelity.lab.test.ts show it. */
import { describe, expect, test } from 'vitest';
import { isUnknown } from '../../src/model/fact.ts';
import { importText } from './importing.ts';

const none = "<controller type='usb' model='none'/><memballoon model='none'/>";
const domain = (devices: string, { top = '', arch = 'x86_64', machine = 'pc-q35-10.0', features = '' } = {}): string =>
  `<domain type='kvm'><name>a</name><uuid>0228fc7c-a8ec-514a-8c77-cf394863f9b1</uuid><memory>1048576</memory>
<vcpu>1</vcpu><os><type arch='${arch}' machine='${machine}'>hvm</type></os><features><acpi/>${features}</features>
<cpu mode='custom'><model>qemu64</model></cpu>${top}<devices>${devices}</devices></domain>`;

const others = (xml: string): unknown[] =>
  importText(xml).guest.otherDevices.map(({ driver }) => (isUnknown(driver) ? driver.detail : driver));

describe('devices', () => {
  test('none where the XML speaks of all', () => {
    expect(importText(domain(none)).guest.otherDevices).toEqual([]);
    expect(importText(domain(none)).digest).not.toBeNull();
  });

  test.each([
    ["<memballoon model='none'/>", /^libvirt adds a USB controller/],
    [`${none}<graphics type='vnc'/>`, /^libvirt adds a display adapter/],
    [`${none}<console type='pty'/>`, /^libvirt adds a serial port/],
    [`${none}<console type='pty'><target type='serial' port='0'/></console>`, /^libvirt adds a serial port/],
    ["<controller type='usb' model='none'/>", /^virtio-balloon-pci$/],
  ])('%s', (devices, added) => {
    const xml = domain(devices);
    expect(others(xml)).toEqual([expect.stringMatching(added)]);
    expect(importText(xml).digest).toBeNull();
  });

  test('Arm boards get no USB controller', () => {
    expect(others(domain("<memballoon model='none'/>", { arch: 'aarch64', machine: 'virt-10.0' }))).toEqual([]);
  });

  test('a display adapter, or none, and a serial port that are given', () => {
    expect(others(domain(`${none}<graphics type='vnc'/><video><model type='none'/></video>`))).toEqual([]);
    expect(others(domain(`${none}<console type='pty'/><serial type='pty'><target port='0'/></serial>`))).toEqual([
      'isa-serial',
    ]);
  });
});

describe('options', () => {
  const globals = (top: string, machine?: string): unknown => {
    const { otherOptions } = importText(domain(none, { top, ...(machine === undefined ? {} : { machine }) })).guest;
    return isUnknown(otherOptions) ? otherOptions : otherOptions['global'];
  };
  test('q35 of 7.2 and before gets its watchdog, once, whatever the XML says of watchdogs', () => {
    for (const more of ['', "<watchdog model='itco'/>", "<watchdog model='i6300esb'/>"]) {
      const { otherOptions } = importText(domain(`${none}${more}`, { machine: 'pc-q35-7.2' })).guest;
      expect(otherOptions).toMatchObject({ global: ['ICH9-LPC.noreboot=off'] });
    }
    expect(globals('', 'pc-q35-8.0')).toBeUndefined();
    expect(globals('', 'pc-i440fx-7.2')).toBeUndefined();
  });

  const pm = (mem: string, disk: string): string => `<pm><suspend-to-mem ${mem}/><suspend-to-disk ${disk}/></pm>`;

  test('sleep states', () => {
    expect(globals(pm("enabled='no'", "enabled='yes'"))).toEqual(['ICH9-LPC.disable_s3=1', 'ICH9-LPC.disable_s4=0']);
    expect(globals(pm("enabled='no'", "enabled='no'"), 'pc-i440fx-10.0')).toEqual([
      'PIIX4_PM.disable_s3=1',
      'PIIX4_PM.disable_s4=1',
    ]);
    expect(globals(pm('', ''))).toBeUndefined();
  });

  test('the end-of-interrupt switch of the APIC is one of the CPU', () => {
    expect(importText(domain(none, { features: "<apic eoi='on'/>" })).guest.cpu.model).toBe('qemu64,kvm-pv-eoi=on');
  });
});

/**
 * The decision that the tool is for. page-per-vq is guest ABI, one value for all hosts; QEMU maps whatever the kernel
 * lets it map where it is on.
 */
import { describe, expect, test } from 'vitest';
import { unknown } from '../../src/model/fact.ts';
import type { HostReport } from '../../src/model/generated/host-report.ts';
import {
  busy,
  capability,
  doorbells,
  host,
  identity,
  msix,
  parentDriver,
  refused,
  reportWith,
  type Edit,
} from '../report-builder.ts';
import { findingsOf, planOf, sameMac, soundPlan, twoHosts } from './planning.ts';

const safe: Edit[] = [];
const unavailable: Edit[] = [doorbells('vp0', refused('EINVAL'), refused('EINVAL'), refused('EINVAL'))];
const unsafe: Edit[] = [parentDriver('vp0', 'octep_vdpa')];
const notKnown: Edit[] = [doorbells('vp0', unknown('EBUSY', 'in use'), unknown('EBUSY', 'in use'), 'mapped')];
const states = { safe, unavailable, unsafe, unknown: notKnown } as const;
type State = keyof typeof states;

const why: Record<State, string> = {
  safe: '',
  unavailable:
    "the doorbell's address is not a multiple of the host's page size of 4096 (PCI: BAR 4 + 0x3000, 4096 bytes per virtqueue)",
  unsafe:
    'octep_vdpa: the interrupt cause byte of the queue lies at doorbell + 4, in the exported page (drivers/vdpa/octeon_ep/octep_vdpa_main.c: octep_get_vq_notification(); octep_vdpa_hw.c: cb_notify_addr, octep_pci_caps_read())',
  unknown: 'the kernel was not asked for this doorbell: in use',
};

const nic = (policy: string): string => `interfaces: [{id: net0, vdpa: vp0, hostNotifier: "${policy}"}]`;
const place = '/interfaces/0/hostNotifier';
const off = (state: 'unsafe' | 'unknown', name: string): string =>
  `warning plan.doorbell-${state} ${place}: page-per-vq stays off: the doorbell of vp0 on ${name} virtqueue 0 (rx0) is ${state}: ${why[state]}`;
const fallback = (good: string, bad: string): string =>
  `warning plan.host-notifier-fallback ${place}: page-per-vq is on for the sake of vp0 on ${good}; on vp0 on ${bad} kicks will go through eventfd: ${why.unavailable}`;
const required = (state: State, name: string): string =>
  `error plan.host-notifier-required ${place}: hostNotifier is require, but vp0 on ${name} virtqueue 0 (rx0) is ${state}: ${why[state]}`;

type Wanted = [pagePerVq: boolean | 'error', findings: string[]];

function outcome(policy: string, reports: HostReport[]): Wanted {
  const { plan } = planOf(nic(policy), reports, reports[0]?.host.name);
  return [
    plan ? plan.guestAbi.interfaces[0]!.pagePerVq : 'error',
    findingsOf(nic(policy), reports, reports[0]?.host.name),
  ];
}

describe('one host', () => {
  test.each<[policy: string, state: State, ...Wanted]>([
    ['auto', 'safe', true, []],
    ['auto', 'unavailable', false, []],
    ['auto', 'unsafe', false, [off('unsafe', 'l1')]],
    ['auto', 'unknown', false, [off('unknown', 'l1')]],
    ['require', 'safe', true, []],
    ['require', 'unavailable', 'error', [required('unavailable', 'l1')]],
    ['require', 'unsafe', 'error', [required('unsafe', 'l1')]],
    ['require', 'unknown', 'error', [required('unknown', 'l1')]],
    ['off', 'safe', false, []],
    ['off', 'unavailable', false, []],
    ['off', 'unsafe', false, []],
    ['off', 'unknown', false, []],
  ])('%s, %s: %s', (policy, state, pagePerVq, findings) => {
    expect(outcome(policy, [reportWith(...states[state])])).toEqual([pagePerVq, findings]);
  });
});

describe('two hosts', () => {
  test.each<[policy: string, a: State, b: State, ...Wanted]>([
    ['auto', 'safe', 'safe', true, []],
    ['auto', 'safe', 'unavailable', true, [fallback('hostA', 'hostB')]],
    ['auto', 'unavailable', 'safe', true, [fallback('hostB', 'hostA')]],
    ['auto', 'safe', 'unsafe', false, [off('unsafe', 'hostB')]],
    ['auto', 'unsafe', 'safe', false, [off('unsafe', 'hostA')]],
    ['auto', 'safe', 'unknown', false, [off('unknown', 'hostB')]],
    ['auto', 'unavailable', 'unavailable', false, []],
    ['auto', 'unavailable', 'unsafe', false, [off('unsafe', 'hostB')]],
    ['auto', 'unavailable', 'unknown', false, [off('unknown', 'hostB')]],
    ['auto', 'unsafe', 'unknown', false, [off('unsafe', 'hostA')]],
    ['auto', 'unknown', 'unknown', false, [off('unknown', 'hostA')]],
    ['require', 'safe', 'safe', true, []],
    ['require', 'safe', 'unavailable', 'error', [required('unavailable', 'hostB')]],
    ['require', 'unavailable', 'unsafe', 'error', [required('unavailable', 'hostA'), required('unsafe', 'hostB')]],
    ['require', 'safe', 'unknown', 'error', [required('unknown', 'hostB')]],
    ['off', 'safe', 'unsafe', false, []],
  ])('%s, %s and %s: %s', (policy, a, b, pagePerVq, findings) => {
    expect(outcome(policy, twoHosts(states[a], states[b]))).toEqual([pagePerVq, findings]);
  });

  test('each host may have a device of its own name; what the other host falls back to is told', () => {
    const body = 'interfaces: [{id: net0, vdpa: {hostA: vp0, hostB: vp1}}]';
    expect(findingsOf(body, twoHosts([], [sameMac]), 'hostA')).toEqual([
      `warning plan.host-notifier-fallback ${place}: page-per-vq is on for the sake of vp0 on hostA; on vp1 on hostB kicks will go through eventfd: the doorbell area is not exactly one host page (PCI: BAR 4 + 0x3000, 4 bytes per virtqueue)`,
    ]);
    for (const [name, expected] of [
      ['hostA', [0, 1]],
      ['hostB', []],
    ] as const) {
      const plan = soundPlan(body, twoHosts([], [sameMac]), name);
      expect(plan.guestAbi.interfaces[0]!.pagePerVq).toBe(true);
      expect(plan.binding.interfaces[0]!.expectedHostNotifiers).toEqual(expected);
    }
  });
});

describe('virtqueues', () => {
  const control = capability('vp0', 'notify', { length: 0x3000 });
  const tableBehind = msix('vp0', { tableBar: 4, tableOffset: 0x5800 });

  test('a control virtqueue that is refused does not matter: QEMU maps it by itself', () => {
    expect(outcome('require', [reportWith(doorbells('vp0', 'mapped', 'mapped', refused('ENOTSUPP')))])).toEqual([
      true,
      [],
    ]);
  });

  test.each<[policy: string, pagePerVq: boolean | 'error', finding: string]>([
    [
      'auto',
      false,
      `warning plan.doorbell-unsafe ${place}: page-per-vq stays off: the doorbell of vp0 on l1 virtqueue 2 (control) is unsafe: the page at BAR 4 + 0x5000 also holds the MSI-X table at BAR 4 + 0x5800`,
    ],
    [
      'require',
      'error',
      `error plan.host-notifier-required ${place}: hostNotifier is require, but vp0 on l1 virtqueue 2 (control) is unsafe: the page at BAR 4 + 0x5000 also holds the MSI-X table at BAR 4 + 0x5800`,
    ],
  ])('a control virtqueue that is unsafe does: QEMU would map it, too (%s)', (policy, pagePerVq, finding) => {
    expect(outcome(policy, [reportWith(control, tableBehind)])).toEqual([pagePerVq, [finding]]);
  });

  test('of several the worst is named', () => {
    const edits = [doorbells('vp0', unknown('EBUSY', 'in use'), 'mapped', 'mapped'), tableBehind];
    expect(findingsOf(nic('auto'), [reportWith(...edits)])[0]).toMatch(/virtqueue 2 \(control\) is unsafe/);
  });

  test('where no virtqueue is known, the device as a whole is not', () => {
    // the class is known by netlink, the virtqueues are not
    expect(outcome('auto', [reportWith(busy('vp0'))])).toEqual([
      false,
      [
        `warning plan.doorbell-unknown ${place}: page-per-vq stays off: the doorbell of vp0 on l1 virtqueue 0 (any) is unknown: not known, so not to be trusted: /dev/vhost-vdpa-0: EBUSY`,
      ],
    ]);
    expect(outcome('require', [reportWith(busy('vp0'))])[0]).toBe('error');
  });

  test('a host with 64 KiB pages never gets a host notifier, and is no danger', () => {
    const body = nic('auto');
    const reports = twoHosts([], [host({ pageSize: 65536 })]);
    expect(soundPlan(body, reports, 'hostB').guestAbi.interfaces[0]!.pagePerVq).toBe(true);
    expect(soundPlan(body, reports, 'hostB').binding.interfaces[0]!.expectedHostNotifiers).toEqual([]);
    expect(findingsOf(body, reports, 'hostA')).toHaveLength(1);
  });
});

describe('vhost-vdpa-device-pci maps all virtqueues or none', () => {
  const generic = (policy: string): string => `vdpaDevices: [{id: dev0, vdpa: vp0, hostNotifier: "${policy}"}]`;
  const noControl = doorbells('vp0', 'mapped', 'mapped', refused('ENOTSUPP'));
  const migratable = (lines: string[]): string[] => lines.filter((line) => !line.includes('plan.not-migratable'));

  test('so a refused control virtqueue takes all with it, and require says so', () => {
    expect(migratable(findingsOf(generic('require'), [reportWith(noControl)]))).toEqual([
      'error plan.host-notifier-required /vdpaDevices/0/hostNotifier: hostNotifier is require, but vp0 on l1 virtqueue 2 (control) is unavailable: the doorbell area is not exactly one host page (PCI: BAR 4 + 0x5000, 4096 bytes per virtqueue)',
    ]);
  });

  test('.. and auto leaves page-per-vq off, which would have no effect', () => {
    const plan = soundPlan(generic('auto'), [reportWith(noControl)]);
    expect(plan.guestAbi.vdpaDevices[0]!.pagePerVq).toBe(false);
    expect(plan.binding.vdpaDevices[0]!.expectedHostNotifiers).toEqual([]);
  });

  test.each([
    ['auto', true, [0, 1]],
    ['require', true, [0, 1]],
    ['off', false, []],
  ])('all mapped, %s: %s', (policy, pagePerVq, expected) => {
    const plan = soundPlan(generic(policy), [reportWith(identity('vp0', {}))]);
    expect(plan.guestAbi.vdpaDevices[0]!.pagePerVq).toBe(pagePerVq);
    expect(plan.binding.vdpaDevices[0]!.expectedHostNotifiers).toEqual(expected);
  });
});

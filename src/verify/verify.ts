import { isKnown, isUnknown } from '../model/fact.ts';
import { sortFindings, type Finding } from '../model/finding.ts';
import type { ObservedDevice, Observation } from '../model/generated/observation.ts';
import type { DeviceVerification, Verification, VirtqueueVerification } from '../model/generated/verification.ts';
import { assessed, contextOf, idOf, type DeviceContext, type Evidence } from './context.ts';
import { driftOf, type DriftOptions } from './drift.ts';
import { isInstalled, judgeVirtqueue } from './judge-virtqueue.ts';
import { fitted } from './limits.ts';

export interface VerifyOptions extends Evidence, DriftOptions {
  /** devices whose data virtqueues must all have an active host notifier: their ids, or all of them; default none */
  readonly require?: 'all' | readonly string[] | undefined;
}

/**
 * Judges an observation: is the host notifier of each virtqueue active, and if not, why? Where a plan is given, also:
 * is the VM what was planned? Pure.
 *
 * Errors among the findings are what blocks: a required host notifier that is not active, a plan that the VM differs
 * from, a doorbell that is mapped although the host's report calls it unsafe.
 */
export function verifyVm(observation: Observation, options: VerifyOptions = {}): Verification {
  const devices: DeviceVerification[] = [];
  const findings: Finding[] = [...observation.notes];
  for (const [index, device] of observation.devices.entries()) {
    const context = contextOf(device, observation, options);
    const verified = verifyDevice(device, context, observation);
    devices.push(verified);
    findings.push(...findingsOn(verified, device, context, index, options));
  }
  findings.push(...missingRequired(observation, options.require));
  if (options.plan) findings.push(...driftOf(observation, options.plan, options));
  const verification = {
    schemaVersion: 1,
    kind: 'Verification',
    qemu: observation.qemu.version,
    machine: isKnown(observation.machine) ? observation.machine : null,
    runState: observation.runState,
    devices,
    findings: sortFindings(findings),
  } satisfies Omit<Verification, 'observation'>;
  return { ...fitted<Omit<Verification, 'observation'>>(verification), observation };
}

/** True where every device's driver is up, or a host notifier shows that it is; false where it may still come. */
export function driversReady({ devices }: Observation): boolean {
  return devices.every(
    ({ attachment, status, virtqueues }) =>
      attachment === 'blockdev' ||
      (isKnown(status) && status.includes('DRIVER_OK')) ||
      (isKnown(virtqueues) && virtqueues.some(({ hostNotifier }) => hostNotifier !== null)),
  );
}

function verifyDevice(device: ObservedDevice, context: DeviceContext, observation: Observation): DeviceVerification {
  const { path, frontend, attachment, backend, pagePerVq, status, virtqueueCount, virtqueues } = device;
  const judged = isKnown(virtqueues)
    ? virtqueues.map((virtqueue) => judgeVirtqueue(virtqueue, device, context, observation))
    : [];
  const data = judged.filter(({ role }) => role !== 'control');
  const verdict = overall(data, isKnown(virtqueueCount));
  return {
    device: idOf(device) ?? path,
    path,
    frontend,
    attachment,
    backend,
    charDevice: context.charDevice,
    pagePerVq: isKnown(pagePerVq) ? pagePerVq : null,
    driverReady: isKnown(status) ? status.includes('DRIVER_OK') : null,
    verdict,
    summary: isUnknown(virtqueues)
      ? `the virtqueues are not known: ${virtqueues.detail}`
      : summaryOf(verdict, data, virtqueueCount),
    virtqueues: judged,
  };
}

const notStarted = 'verify.vhost-not-started';

/** @param complete whether `data` are all that the device has */
function overall(data: readonly VirtqueueVerification[], complete: boolean): DeviceVerification['verdict'] {
  const verdicts = new Set(data.map(({ verdict }) => verdict));
  if (verdicts.size === 0 || verdicts.has('unknown')) return 'unknown';
  if (verdicts.has('active') && verdicts.size > 1) return 'partial';
  if (verdicts.has('active')) return complete ? 'active' : 'unknown';
  return verdicts.has('not-yet') ? 'not-yet' : 'inactive';
}

function summaryOf(
  verdict: DeviceVerification['verdict'],
  data: readonly VirtqueueVerification[],
  count: ObservedDevice['virtqueueCount'],
): string {
  const first = data.find((one) => one.verdict !== 'active')?.reasons[0];
  const why = first?.message ?? '';
  if (first?.code === notStarted) return why;
  switch (verdict) {
    case 'active':
      return `the guest's kicks go straight to the doorbell on all ${data.length} data virtqueues`;
    case 'partial': {
      const active = data.filter((one) => one.verdict === 'active').length;
      return `${active} of ${data.length} data virtqueues have an active host notifier; ${why}`;
    }
    case 'inactive':
      return `the guest's kicks go through eventfds: ${why}`;
    case 'not-yet':
      return `not running yet: ${why}`;
    case 'unknown':
      if (data.length > 0 && first === undefined && isUnknown(count)) {
        return `${data.length} virtqueues have an active host notifier, and whether there are more virtqueues is not known: ${count.detail}`;
      }
      return data.length === 0 ? 'no virtqueue was seen' : `it could not be told: ${why}`;
  }
}

function findingsOn(
  verified: DeviceVerification,
  device: ObservedDevice,
  context: DeviceContext,
  index: number,
  { require, report }: VerifyOptions,
): Finding[] {
  const findings: Finding[] = [];
  const path = `/devices/${index}`;
  const name = verified.device;
  if (verified.verdict !== 'active' && isRequired(device, require)) {
    findings.push({
      code: 'verify.required-not-active',
      severity: 'error',
      path,
      message: `${name}: host notifiers are required, but the verdict is ${verified.verdict}: ${verified.summary}`,
    });
  }
  const reason = verified.virtqueues[0]?.reasons[0];
  if (reason?.code === notStarted) {
    findings.push({ code: notStarted, severity: 'warning', path, message: `${name}: ${reason.message}` });
  }
  for (const virtqueue of isUnknown(device.virtqueues) ? [] : device.virtqueues) {
    const { index: number, role } = virtqueue;
    const doorbell = assessed(context, virtqueue);
    // whatever the guest does with it now: it decides by itself to use it
    if (!isInstalled(virtqueue) || doorbell?.verdict !== 'unsafe') continue;
    findings.push({
      code: 'verify.unsafe-doorbell',
      severity: 'error',
      path: `${path}/virtqueues/${number}`,
      message: `${name}: QEMU has mapped the doorbell of virtqueue ${number} (${role}) for the guest, and on ${report?.host.name ?? 'this host'} that is unsafe: ${doorbell.reasons[0]?.message ?? ''}`,
      fix: 'stop the VM and start it with page-per-vq=off',
    });
  }
  return [...findings, ...expectationOf(verified, context, path)];
}

/** What the plan expected once the driver is up. */
function expectationOf(verified: DeviceVerification, { binding }: DeviceContext, path: string): Finding[] {
  if (!binding || verified.driverReady !== true || verified.verdict === 'not-yet') return [];
  const data = verified.virtqueues.filter(({ role }) => role !== 'control');
  const active = data.filter(({ verdict }) => verdict === 'active').map(({ index }) => index);
  const expected = new Set(binding.expectedHostNotifiers);
  const missing = data.filter(({ index, verdict }) => expected.has(index) && verdict !== 'active');
  const surplus = active.filter((index) => !expected.has(index));
  const name = verified.device;
  return [
    ...(missing.length === 0
      ? []
      : [
          finding(
            'verify.expected-not-active',
            path,
            `${name}: the plan expects host notifiers on virtqueues ${missing.map(({ index }) => index).join(', ')}, and they are not active: ${missing[0]?.reasons[0]?.message ?? ''}`,
          ),
        ]),
    ...(surplus.length === 0
      ? []
      : [
          finding(
            'verify.active-unexpectedly',
            path,
            `${name}: host notifiers are active on virtqueues ${surplus.join(', ')}, which the plan did not expect`,
          ),
        ]),
  ];
}

function finding(code: string, path: string, message: string): Finding {
  return { code, severity: 'warning', path, message };
}

function isRequired(device: ObservedDevice, require: VerifyOptions['require']): boolean {
  if (require === 'all') return hasDoorbells(device);
  return require?.includes(idOf(device) ?? device.path) === true;
}

/** A disk over a host block driver has none, whatever is done: of it nobody can mean to require them by `all`. */
function hasDoorbells({ attachment }: ObservedDevice): boolean {
  return attachment !== 'blockdev';
}

/** A device that must have host notifiers has none where it is not there. */
function missingRequired({ devices }: Observation, require: VerifyOptions['require']): Finding[] {
  if (require === undefined) return [];
  const absent =
    require === 'all'
      ? devices.some(hasDoorbells)
        ? []
        : ['any vDPA device that has doorbells']
      : require.filter((id) => !devices.some((device) => (idOf(device) ?? device.path) === id));
  return absent.map((id) => ({
    code: 'verify.required-not-active',
    severity: 'error',
    path: '/devices',
    message: `host notifiers are required of ${id}, and the VM has no such vDPA device`,
  }));
}

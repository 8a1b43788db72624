import { isKnown, isUnknown } from '../model/fact.ts';
import type { ObservedDevice, Observation } from '../model/generated/observation.ts';
import { migrating } from './migrating.ts';

/**
 * Whether QEMU leaves the devices alone in a run state. A guest that sleeps (S3) is `suspended`: only its virtual CPUs
 * stand still (system/runstate.c: qemu_system_suspend()), and no device is told.
 */
export function keepsDevices(runState: string): boolean {
  return runState === 'running' || runState === 'suspended';
}

/**
 * What speaks against an installed host notifier being in use: QEMU takes them all away in each of these states, so
 * that the answers are of two moments, or QEMU is not what it is taken for. Empty: nothing does.
 */
export function contradictions(device: ObservedDevice, { runState, migration }: Observation): string[] {
  const { status, vhostStarted, pagePerVq, disableModern, shadowVirtqueues, backend } = device;
  const isVdpa = backend === 'vhost-vdpa';
  return [
    ...(keepsDevices(runState)
      ? []
      : [runState === 'unknown' ? 'whether the VM runs is not known' : `the VM is ${runState}`]),
    ...(isUnknown(status) || status.includes('DRIVER_OK') ? [] : ['the guest driver is not up']),
    ...(isKnown(vhostStarted) && !vhostStarted ? ['QEMU has not started the vDPA device'] : []),
    ...(isKnown(pagePerVq) && !pagePerVq ? ['page-per-vq is off'] : []),
    ...(isKnown(disableModern) && disableModern ? ['disable-modern is on'] : []),
    ...(isVdpa && isKnown(shadowVirtqueues) && shadowVirtqueues ? ['x-svq is on'] : []),
    // QEMU goes over to shadow virtqueues at the end of `setup` (net/vhost-vdpa.c: vdpa_net_migration_state_notifier()).
    ...(isVdpa &&
    typeof migration.status === 'string' &&
    migrating.has(migration.status) &&
    migration.status !== 'setup'
      ? [`a migration is under way (${migration.status})`]
      : []),
  ];
}

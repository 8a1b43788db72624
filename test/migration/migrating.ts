/** Guests and hosts for tests of migrations: one simulated NIC, which migrates cleanly, with one typed edit each. */
import { fromPlan } from '../../src/import/from-plan.ts';
import { checkMigration, type MigrationOptions } from '../../src/migration/check-migration.ts';
import type { GuestConfiguration } from '../../src/model/generated/guest-configuration.ts';
import type { HostReport } from '../../src/model/generated/host-report.ts';
import type { Destination } from '../../src/model/generated/migration-check.ts';
import validate from '../../src/model/generated/migration-check.validate.js';
import { featureSet } from '../../src/model/virtio-features.ts';
import { planVm } from '../../src/plan/plan-vm.ts';
import { host, named, onDevice, reportWith, type Edit } from '../report-builder.ts';
import { specOf } from '../spec-builder.ts';

/** Only the device of that name. */
export const only =
  (name: string): Edit =>
  (report) =>
    void (report.devices = report.devices.filter((device) => device.name === name));

/** QEMU may lock what it needs. */
const unlimited = host({ lockedMemoryLimit: 'unlimited' });

export const simHost = (...edits: Edit[]): HostReport => reportWith(unlimited, only('sim0'), ...edits);

/** A card whose driver neither suspends nor tells virtqueue state, without what shadow virtqueues refuse. */
export const vpHost = (...edits: Edit[]): HostReport =>
  reportWith(unlimited, only('vp0'), offers('vp0', 0x300878020n), ...edits);

/** Provisions a device with features. */
export function offers(name: string, word: bigint): Edit {
  return onDevice(name, ({ identity }) => {
    identity.features = featureSet(word, 'net');
    identity.negotiation = featureSet(word, 'net');
  });
}

/** The guest that `gen` makes on a host from a spec with these keys. */
export function guestOn(report: HostReport, body: string): GuestConfiguration {
  const { plan, findings } = planVm(specOf(body), [report]);
  if (!plan) throw new Error(findings.map(({ message }) => message).join('; '));
  return fromPlan(plan);
}

export const simGuest: GuestConfiguration = guestOn(simHost(), 'interfaces: [{id: net0, vdpa: sim0}]\n');
export const vpGuest: GuestConfiguration = guestOn(
  vpHost(),
  'interfaces: [{id: net0, vdpa: vp0, hostNotifier: auto}]\n',
);

/** The same guest with an edit. */
export function changed(guest: GuestConfiguration, edit: (copy: GuestConfiguration) => void): GuestConfiguration {
  const copy = structuredClone(guest);
  edit(copy);
  return copy;
}

/** The guest as a running QEMU shows it. */
export function running(guest: GuestConfiguration, negotiated: bigint, blocked: string[] = []): GuestConfiguration {
  return changed(guest, (copy) => {
    copy.running = {
      qemuVersion: '10.0.13 (Debian 1:10.0.13)',
      runState: 'running',
      migrationBlockedReasons: blocked,
      devices: [
        {
          device: '/interfaces/0',
          id: 'net0',
          negotiatedFeatures: `0x${negotiated.toString(16)}`,
          deviceFeatures: { unknown: 'not-asked', detail: 'not asked' },
          driverOk: true,
          virtqueues: [],
        },
      ],
    };
  });
}

/** Checks a migration to one host; the answer must satisfy its schema. */
export function check(
  source: GuestConfiguration,
  to: HostReport,
  options: MigrationOptions = { from: simHost() },
): Destination {
  const result = checkMigration(source, [to], options);
  if (!validate(result)) throw new Error(JSON.stringify(validate.errors));
  return result.destinations[0]!;
}

/** `lost migration.page-per-vq-differs`, worst first, without notes. */
export function reasons({ findings }: Destination): string[] {
  return findings.filter(({ severity }) => severity !== 'info').map(({ effect, code }) => `${effect} ${code}`);
}

export const there: Edit = named('l2');

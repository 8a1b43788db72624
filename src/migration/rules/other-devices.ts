import { isKnown } from '../../model/fact.ts';
import { deviceModelOf } from '../device-models.ts';
import type { Migration } from '../migration.ts';
import type { Hit, MigrationRule } from '../rule.ts';

/** Of all that is not over vDPA: what QEMU cannot migrate, or would find another back end for. */
export const otherDeviceRules: readonly MigrationRule[] = [
  {
    code: 'migration.other-device',
    severity: 'error',
    effect: 'refused',
    asks: 'has the guest another device that QEMU cannot migrate? A running QEMU is asked itself (migration.blocked)',
    source: 'QEMU migration/savevm.c: qemu_savevm_state_blocked(); migration/migration.c: migrate_add_blocker()',
    check: ({ source }) => (source.running === null ? [...source.guest.otherDevices.flatMap(modelHits)] : []),
  },
  {
    code: 'migration.confidential-guest',
    severity: 'error',
    effect: 'refused',
    asks: 'is the memory of the guest encrypted?',
    source: 'QEMU target/i386/sev.c: sev_launch_finish() adds a blocker',
    check: ({ source }) =>
      source.running === null && Object.hasOwn(source.guest.machineOptions, 'confidential-guest-support')
        ? [
            {
              path: '/machineOptions/confidential-guest-support',
              message: 'the guest has encrypted memory, which QEMU does not migrate',
            },
          ]
        : [],
  },
];

/** For people. */
export function otherDeviceName(id: string | null, driver: string): string {
  return id === null ? driver : `${id} (${driver})`;
}

function modelHits({ driver, id }: Migration['source']['guest']['otherDevices'][number], index: number): Hit[] {
  const model = isKnown(driver) ? deviceModelOf(driver) : undefined;
  if (!model || !isKnown(driver)) return [];
  const path = `/otherDevices/${index}`;
  const name = otherDeviceName(id, driver);
  return model.migrates === 'no'
    ? [{ path, message: `QEMU cannot migrate ${name} (${model.why})` }]
    : [{ path, unknown: true, message: `whether QEMU migrates ${name} is not known here: ${model.why}` }];
}

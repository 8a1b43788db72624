import { deviceTypeOf } from '../../model/device-type.ts';
import { isKnown, isUnknown } from '../../model/fact.ts';
import type { Migration } from '../migration.ts';
import type { Hit, MigrationRule } from '../rule.ts';
import { isSameQemu } from '../same-qemu.ts';
import { otherDeviceName } from './other-devices.ts';

/** What the QEMU of the destination must have for the rest of the guest: distributions leave models out, or apart. */
export const vocabularyRules: readonly MigrationRule[] = [
  {
    code: 'migration.device-type-missing',
    severity: 'error',
    effect: 'no-start',
    asks: 'has that QEMU the types of all other devices? The report tells of some 120 types',
    source: 'QEMU device-list-properties; system/qdev-monitor.c: qdev_get_device_class()',
    check: deviceTypes,
  },
  {
    code: 'migration.cpu-model-missing',
    severity: 'error',
    effect: 'no-start',
    asks: 'has it the CPU model?',
    source: 'QEMU query-cpu-definitions; hw/core/cpu-common.c: parse_cpu_option()',
    check: cpuModel,
  },
];

function deviceTypes(migration: Migration): Hit[] {
  const { source, target, to } = migration;
  if (to.qemu === undefined) return [];
  const { deviceTypes: known, version } = to.qemu.capabilities;
  // a report of an older version did not ask
  if (known === undefined) return [];
  const same = isSameQemu(migration);
  const { otherDevices } = (target ?? source).guest;
  return otherDevices.flatMap(({ id, driver }, index): Hit[] => {
    if (!isKnown(driver)) return [];
    const type = deviceTypeOf(driver);
    const there = isUnknown(known) || !Object.hasOwn(known, type) ? undefined : known[type];
    if (there === true || (there === undefined && same)) return [];
    const path = `/otherDevices/${index}`;
    const name = otherDeviceName(id, driver);
    const qemu = `QEMU ${version} of host ${to.report.host.name}`;
    if (there === false) return [{ path, message: `${name}: ${qemu} has no such type of device`, fix: fixFor(type) }];
    const why = isUnknown(known) ? known.detail : 'its report does not tell of this type';
    return [{ path, unknown: true, message: `${name}: whether ${qemu} has it is not known: ${why}` }];
  });
}

function fixFor(type: string): string {
  return `install the package that has it there (qemu-system-... -device ${type},help tells), or take the device out of the guest`;
}

function cpuModel({ source, target, to }: Migration): Hit[] {
  if (to.qemu === undefined) return [];
  const { cpuModels: known, version } = to.qemu.capabilities;
  const { model } = (target ?? source).guest.cpu;
  if (known === undefined || !isKnown(model)) return [];
  const [name = ''] = model.split(',');
  const path = '/cpu/model';
  const qemu = `QEMU ${version} of host ${to.report.host.name}`;
  if (isUnknown(known)) {
    return [{ path, unknown: true, message: `whether ${qemu} has CPU model ${name} is not known: ${known.detail}` }];
  }
  return known.includes(name) ? [] : [{ path, message: `${qemu} has no CPU model ${name}` }];
}

import type { MigrationRule } from '../rule.ts';
import { acceleratorRules } from './accelerator.ts';
import { backEndRules } from './back-ends.ts';
import { blockRules } from './block.ts';
import { configurationRules } from './configuration.ts';
import { controlRules } from './control-virtqueue.ts';
import { cpuRules } from './cpu.ts';
import { deviceRules } from './device.ts';
import { doorbellRules } from './doorbell.ts';
import { featureRules } from './features.ts';
import { guestAbiRules } from './guest-abi.ts';
import { machineRules } from './machine.ts';
import { nicBackEndRules } from './nic-back-end.ts';
import { notKnownRules } from './not-known.ts';
import { optionRomRules } from './option-rom.ts';
import { otherDeviceRules } from './other-devices.ts';
import { queueRules } from './queues.ts';
import { resourceRules } from './resources.ts';
import { migratabilityRules } from './source.ts';
import { vocabularyRules } from './vocabulary.ts';

/** The rules that the vDPA device at the destination decides. */
export const pairRules: readonly MigrationRule[] = [
  ...deviceRules,
  ...featureRules,
  ...configurationRules,
  ...queueRules,
  ...controlRules,
  ...doorbellRules,
];

/** All rules, in the order of docs/migration.md. */
export const rules: readonly MigrationRule[] = [
  ...migratabilityRules,
  ...machineRules,
  ...acceleratorRules,
  ...cpuRules,
  ...vocabularyRules,
  ...guestAbiRules,
  ...otherDeviceRules,
  ...backEndRules,
  ...nicBackEndRules,
  ...optionRomRules,
  ...notKnownRules,
  ...blockRules,
  ...pairRules,
  ...resourceRules,
];

import type { ValidationRule } from '../rule.ts';
import { commandLineRules } from './command-line.ts';
import { deviceRules } from './device.ts';
import { devicePathRules } from './device-path.ts';
import { doorbellRules } from './doorbell.ts';
import { libvirtDomainRules } from './libvirt-domain.ts';
import { libvirtInterfaceRules } from './libvirt-interface.ts';
import { machineRules } from './machine.ts';
import { propertyRules } from './properties.ts';
import { queueRules } from './queues.ts';
import { reportRules } from './report.ts';
import { resourceRules } from './resources.ts';
import { unreadRules } from './unread.ts';
import { vhostUserRules } from './vhost-user.ts';

/** Every rule, in the order of the documentation (docs/validate.md). */
export const validationRules: readonly ValidationRule[] = [
  ...libvirtInterfaceRules,
  ...libvirtDomainRules,
  ...commandLineRules,
  ...vhostUserRules,
  ...unreadRules,
  ...propertyRules,
  ...machineRules,
  ...doorbellRules,
  ...queueRules,
  ...devicePathRules,
  ...deviceRules,
  ...resourceRules,
  ...reportRules,
];

import { uncheckedBackEnds } from '../guest-devices.ts';
import type { MigrationRule } from '../rule.ts';

/** A device over vDPA of which nobody knows that it is one would be checked by no other rule. */
export const backEndRules: readonly MigrationRule[] = [
  {
    code: 'migration.backend-unknown',
    severity: 'warning',
    effect: 'unknown',
    asks: 'is there a device that is over vDPA, or may be, and that cannot be checked: its netdev is not in the configuration, or it is not on PCI?',
    source: 'QEMU net/vhost-vdpa.c: net_init_vhost_vdpa(): what vhostdev= opens decides what the guest has',
    check: ({ source, target }) => [
      ...uncheckedBackEnds(source).map(({ path, why }) => ({ path, unknown: true, message: why })),
      ...(target ? uncheckedBackEnds(target) : []).map(({ why }) => ({
        path: '',
        unknown: true,
        message: `at the destination: ${why}`,
      })),
    ],
  },
];

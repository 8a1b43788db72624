/** States of a migration that is neither over nor not begun (qapi/migration.json: MigrationStatus). */
export const migrating: ReadonlySet<string> = new Set([
  'setup',
  'cancelling',
  'active',
  'postcopy-device',
  'postcopy-active',
  'postcopy-paused',
  'postcopy-recover-setup',
  'postcopy-recover',
  'pre-switchover',
  'device',
  'wait-unplug',
  'colo',
]);

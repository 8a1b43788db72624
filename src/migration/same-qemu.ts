import type { Migration } from './migration.ts';

/** The same version of the same package at both ends: what a package brings along is the same, too. */
export function isSameQemu({ sourceQemu, from, to }: Migration): boolean {
  const [here, there] = [from?.qemu?.capabilities, to.qemu?.capabilities];
  return (
    there !== undefined &&
    here?.version === there.version &&
    here.package === there.package &&
    sourceQemu === there.version
  );
}

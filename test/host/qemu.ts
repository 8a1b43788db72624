import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** The QEMU that the tests run against, or undefined. */
export const qemu = await findInPath('qemu-system-x86_64');

/** For a title: why the tests below it are skipped. */
export const needsQemu = qemu === undefined ? ' (skipped: no qemu-system-x86_64 in PATH)' : '';

async function findInPath(name: string): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    if (
      await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return undefined;
}

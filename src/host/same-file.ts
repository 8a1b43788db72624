import fs from 'node:fs';
import path from 'node:path';

/** Whether two names, by whatever links, would be written to one file; neither has to be there yet. */
export function isSameFile(one: string, other: string): boolean {
  return placeOf(one) === placeOf(other);
}

function placeOf(file: string): string {
  const absolute = path.resolve(file);
  return (
    realPathOf(absolute) ??
    path.join(realPathOf(path.dirname(absolute)) ?? path.dirname(absolute), path.basename(absolute))
  );
}

function realPathOf(file: string): string | undefined {
  try {
    return fs.realpathSync(file);
  } catch {
    // it is not there, or is not to be seen
    return undefined;
  }
}

/** What a `-` on the command line becomes: a file name that no file can have. */
export const standardInput = '\0stdin';

/** How a document's origin is called in messages. */
export function documentLabel(file: string): string {
  return file === standardInput ? 'standard input' : file;
}

/** docs/truth/doorbell.md: a section per platform, a table in each. */

/** The text of each platform, by its label. */
export function sectionsOf(text: string): ReadonlyMap<string, string> {
  const sections = text.split(/^(?=## )/m).slice(1);
  return new Map(sections.map((section) => [/^## (.*)$/m.exec(section)?.[1] ?? '', `${section.trimEnd()}\n`]));
}

/** Rows of one platform's table that its section does not have: what another platform has found is no excuse. */
export function newLines(table: string, section: string): string[] {
  const known = new Set(section.split('\n').map(withoutQemu));
  return table.split('\n').filter((line) => line.startsWith('| ') && !known.has(withoutQemu(line)));
}

/** The column of QEMU may be left out. */
function withoutQemu(line: string): string {
  return line
    .split('|')
    .map((cell) => cell.trim())
    .filter((_, index) => index !== 6)
    .join('|');
}

/**
 * Quotes one argument for a POSIX shell (POSIX.1-2024, XCU 2.2.2). The result is for people to paste; nothing of ours
 * ever goes through a shell.
 */
export function shellQuote(argument: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(argument)) return argument;
  return `'${argument.replaceAll("'", `'\\''`)}'`;
}

/** A command, one option per line, ready to paste. An option is a word that begins with a dash, and its value. */
export function renderCommand(argv: readonly string[]): string {
  const lines: string[] = [];
  for (const [index, argument] of argv.entries()) {
    if (index === 0 || argument.startsWith('-')) lines.push(shellQuote(argument));
    else lines.push(`${lines.pop() ?? ''} ${shellQuote(argument)}`);
  }
  return `${lines.join(' \\\n  ')}\n`;
}

/**
 * Quotes one argument for a POSIX shell (POSIX.1-2024, XCU 2.2.2). The result is for people to paste; nothing of ours
 * ever goes through a shell.
 */
export function shellQuote(argument: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(argument)) return argument;
  return `'${argument.replaceAll("'", `'\\''`)}'`;
}

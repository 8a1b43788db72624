import { shellQuote } from '../model/shell-quote.ts';

/** A command, one option per line, ready to paste. An option is a word that begins with a dash, and its value. */
export function renderCommand(argv: readonly string[]): string {
  const lines: string[] = [];
  for (const [index, argument] of argv.entries()) {
    if (index === 0 || argument.startsWith('-')) lines.push(shellQuote(argument));
    else lines.push(`${lines.pop() ?? ''} ${shellQuote(argument)}`);
  }
  return `${lines.join(' \\\n  ')}\n`;
}

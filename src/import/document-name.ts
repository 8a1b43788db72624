/** Name of the root element of an XML text, by what stands before it; nothing is parsed, and nothing is believed. */
export function rootElementOf(text: string): string | undefined {
  const tag = /\s*<([A-Za-z_][\w:.-]*)/y;
  const blank = /\s*/y;
  for (let at = 0; ;) {
    blank.lastIndex = at;
    blank.exec(text);
    at = blank.lastIndex;
    const end = text.startsWith('<!--', at) ? '-->' : text.startsWith('<?', at) ? '?>' : undefined;
    if (end === undefined) {
      tag.lastIndex = at;
      return tag.exec(text)?.[1];
    }
    const closed = text.indexOf(end, at + 2);
    if (closed < 0) return undefined;
    at = closed + end.length;
  }
}

/** The kind that a document of our own gives itself; in a JSON object the member of the root counts. */
export function documentNameOf(start: string): unknown {
  if (/^\[\s*\{/.test(start)) return /"kind"\s*:\s*"(HostReport)"/.exec(start)?.[1];
  if (!start.startsWith('{')) return /^kind:[ \t]*["']?(HostReport)["']?[ \t]*\r?$/m.exec(start)?.[1];
  try {
    return (JSON.parse(start) as { kind?: unknown }).kind;
  } catch {
    // many documents, one a line; YAML in flow style; or broken
    return /["']?kind["']?\s*:\s*["']?(HostReport|VmPlan|GuestConfiguration)\b/.exec(start)?.[1];
  }
}

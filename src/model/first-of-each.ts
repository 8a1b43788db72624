/** Nobody reads more of one kind, and a hostile text of 1 MiB is wrong in a hundred thousand places. */
export const mostOfEach = 100;

interface Kind {
  readonly code: string;
  readonly severity: string;
}

/**
 * Collects findings, or complaints, and keeps the first hundred of each code and severity. The others are counted in one
 * more, of the same code and severity: neither a verdict nor an exit code is another for it.
 */
export class FirstOfEach<T extends Kind & { readonly message: string }> {
  readonly #kept: T[] = [];
  readonly #kinds = new Map<string, { count: number; next: T; at: number }>();

  /** @param make is not asked where the finding is not kept */
  add(kind: Kind, make: () => T): void {
    const key = `${kind.code} ${kind.severity}`;
    const seen = this.#kinds.get(key);
    if (seen && seen.count > mostOfEach) {
      seen.count++;
      return;
    }
    const one = make();
    this.#kinds.set(key, { count: (seen?.count ?? 0) + 1, next: one, at: this.#kept.length });
    this.#kept.push(one);
  }

  /** In the order in which they were added. One too many is told itself, not counted: so a list can be cut twice. */
  list(): T[] {
    const kept = [...this.#kept];
    for (const { count, next, at } of this.#kinds.values()) {
      const more = count - mostOfEach;
      if (more > 1)
        kept[at] = { ...without(next), message: `${more} more of this kind: only the first ${mostOfEach} are told` };
    }
    return kept;
  }
}

/** The first hundred of each code and severity, and how many more there are. */
export function firstOfEach<T extends Kind & { readonly message: string }>(items: Iterable<T>): T[] {
  const first = new FirstOfEach<T>();
  for (const item of items) first.add(item, () => item);
  return first.list();
}

/** What is said of one says nothing of the others. */
function without<T extends object>(item: T): T {
  const copy = { ...item };
  for (const key of ['fix', 'evidence']) Reflect.deleteProperty(copy, key);
  return copy;
}

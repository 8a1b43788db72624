import type { HostSample } from '../model/generated/baseline.ts';

/** How many hosts a sample names; of the others only the number is told. */
const mostNames = 16;

/** The names of the hosts, by the number that each gets as it comes. */
export class HostTable {
  readonly #names: string[] = [];
  readonly #known = new Set<string>();

  /** @returns its number; undefined where a host of that name was there before */
  add(name: string): number | undefined {
    if (this.#known.has(name)) return undefined;
    this.#known.add(name);
    return this.#names.push(name) - 1;
  }

  get count(): number {
    return this.#names.length;
  }

  get all(): HostSample {
    return { count: this.count, names: this.#names.slice(0, mostNames) };
  }

  nameOf(host: number): string {
    return this.#names[host] ?? '';
  }

  /** @param hosts numbers, in any order, each perhaps more than once */
  sample(hosts: Iterable<number>): HostSample {
    const marks = new Uint8Array(this.count);
    let count = 0;
    for (const host of hosts) {
      if (marks[host] === 0) count += 1;
      marks[host] = 1;
    }
    const names: string[] = [];
    for (let host = marks.indexOf(1); host >= 0 && names.length < mostNames; host = marks.indexOf(1, host + 1)) {
      names.push(this.nameOf(host));
    }
    return { count, names };
  }
}

/** `a, b and 14 more` */
export function hostsText({ count, names }: HostSample, most = 4): string {
  const shown = names.slice(0, most);
  const more = count - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}

/** Which values a property has, and on which hosts. */
export class Tally<T> {
  readonly #rows = new Map<T, number[]>();

  /** Hosts come one after the other, each with all its devices. */
  add(value: T, host: number): void {
    const row = this.#rows.get(value);
    if (!row) this.#rows.set(value, [host]);
    else if (row[row.length - 1] !== host) row.push(host);
  }

  /** In the order in which they came. */
  get values(): T[] {
    return [...this.#rows.keys()];
  }

  /** Numbers of the hosts with a value that the test accepts; a host with several values may come several times. */
  hostsWhere(test: (value: T) => boolean): number[] {
    const found: number[] = [];
    for (const [value, hosts] of this.#rows) if (test(value)) for (const host of hosts) found.push(host);
    return found;
  }
}

/** Equal lists as one, so that a tally counts them as one value. */
export class Lists {
  readonly #seen = new WeakMap<readonly string[], readonly string[]>();
  readonly #byText = new Map<string, readonly string[]>();

  the(list: readonly string[]): readonly string[] {
    const seen = this.#seen.get(list);
    if (seen) return seen;
    const text = JSON.stringify(list);
    const first = this.#byText.get(text) ?? list;
    if (first === list) this.#byText.set(text, list);
    this.#seen.set(list, first);
    return first;
  }
}

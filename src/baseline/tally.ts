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
    const distinct = [...new Set(hosts)].sort((a, b) => a - b);
    return { count: distinct.length, names: distinct.slice(0, mostNames).map((host) => this.nameOf(host)) };
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
    return [...this.#rows].flatMap(([value, hosts]) => (test(value) ? hosts : []));
  }
}

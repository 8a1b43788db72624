/** The doorbell zoo of the lab kernel's vdpa_sim, driven from L0: see zoo/doorbell-zoo.c. */
import type { ZooLayout } from './devices.ts';
import type { L1 } from './l1.ts';

const parameter = '/sys/module/vdpa_sim/parameters/zoo';

export interface ZooState {
  readonly layout: ZooLayout;
  /** Stores to doorbells that the device has served while its driver was up. */
  readonly stores: number;
  /** Bytes of its doorbell memory that are not the pattern: stores that nobody has served. */
  readonly changed: number;
}

/** Gives the simulated device of that name, which may not exist yet, a doorbell layout and a fresh pattern. */
export async function setZoo(l1: L1, name: string, layout: ZooLayout): Promise<void> {
  await l1.writeFile(parameter, `${name}=${layout}`);
}

export async function zooState(l1: L1, name: string): Promise<ZooState> {
  const text = await l1.readFile(parameter);
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  const [, layout, stores, changed] = /^\S+ (\S+) stores=(\d+) changed=(\d+)$/.exec(line ?? '') ?? [];
  if (layout === undefined) throw new Error(`the zoo does not know ${name}: ${text}`);
  return { layout: layout as ZooLayout, stores: Number(stores), changed: Number(changed) };
}

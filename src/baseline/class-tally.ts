import { parentDriverOf } from '../doorbell/parent-driver.ts';
import { knowledgeOf } from '../doorbell/parents.ts';
import { isKnown } from '../model/fact.ts';
import type { HostReport, VdpaDevice } from '../model/generated/host-report.ts';
import { hasFeature } from '../model/virtio-features.ts';
import { controlIsolation } from '../doorbell/control-isolation.ts';
import type { DoorbellView, DoorbellViews } from './doorbell-view.ts';
import { Tally } from './tally.ts';

/** An attribute of `vdpa dev add`. */
export type Attribute = 'mac' | 'mtu' | 'max_vqp' | 'device_features';

/** A property of a device: its value; null: the device does not have it; undefined: it is not known. */
type Value<T> = T | null | undefined;

/** What has to be remembered of each device until the baseline is known. */
export interface DeviceRecord {
  readonly host: number;
  readonly name: string;
  readonly management: string | undefined;
  readonly features: string | undefined;
  readonly mac: string | undefined;
  readonly mtu: Value<number>;
  readonly queuePairs: number | undefined;
  readonly doorbells: DoorbellView['kind'] | undefined;
  /** undefined: nothing is known of the parent driver */
  readonly accepts: readonly Attribute[] | undefined;
}

/** What the devices of one class have, over all hosts so far. */
export class ClassTally {
  /** feature words in hex; undefined: not known */
  readonly features: Tally<string | undefined> = new Tally<string | undefined>();
  readonly queuePairs: Tally<number | undefined> = new Tally<number | undefined>();
  readonly queues: Tally<number | undefined> = new Tally<number | undefined>();
  readonly ringSize: Tally<number | undefined> = new Tally<number | undefined>();
  readonly mtu: Tally<Value<number>> = new Tally<Value<number>>();
  readonly capacity: Tally<string | undefined> = new Tally<string | undefined>();
  readonly doorbells: Tally<DoorbellView> = new Tally<DoorbellView>();
  readonly suspend: Tally<boolean | undefined> = new Tally<boolean | undefined>();
  readonly control: Tally<'isolated' | 'shared' | 'none' | undefined> = new Tally<
    'isolated' | 'shared' | 'none' | undefined
  >();
  readonly records: DeviceRecord[] = [];
  readonly #accepts = new Map<string | null, { readonly of: readonly Attribute[] | undefined }>();
  /** hosts that have at least one such device */
  readonly hosts: Tally<true> = new Tally<true>();

  /** @param host its number */
  add(report: HostReport, device: VdpaDevice, host: number, views: DoorbellViews): void {
    const { features, backendFeatures, vqSizeMax, config } = device.identity;
    const net = isKnown(config) && config.class === 'net' ? config : undefined;
    const block = isKnown(config) && config.class === 'block' ? config : undefined;
    const word = isKnown(features) ? features.bits : undefined;
    const mtu = net ? (net.mtu ?? null) : undefined;
    this.hosts.add(true, host);
    this.features.add(word, host);
    this.queuePairs.add(net?.maxVirtqueuePairs, host);
    this.queues.add(block?.queueCount, host);
    this.ringSize.add(isKnown(vqSizeMax) ? vqSizeMax : undefined, host);
    this.mtu.add(mtu, host);
    this.capacity.add(block?.capacity, host);
    const doorbells = net && views.of(report, device);
    if (doorbells) this.doorbells.add(doorbells, host);
    this.suspend.add(
      isKnown(backendFeatures) ? hasFeature(backendFeatures, 'VHOST_BACKEND_F_SUSPEND') : undefined,
      host,
    );
    const isolation = controlIsolation(device);
    this.control.add(isKnown(isolation) ? isolation : undefined, host);
    this.records.push({
      host,
      name: device.name,
      management: isKnown(device.managementDevice) ? device.managementDevice : undefined,
      features: word,
      mac: net?.mac,
      mtu,
      queuePairs: net?.maxVirtqueuePairs,
      doorbells: doorbells?.kind,
      accepts: this.#acceptedBy(parentDriverOf(device)),
    });
  }

  #acceptedBy(driver: string | null): readonly Attribute[] | undefined {
    let accepts = this.#accepts.get(driver);
    if (!accepts) {
      accepts = { of: knowledgeOf(driver)?.accepts };
      this.#accepts.set(driver, accepts);
    }
    return accepts.of;
  }
}

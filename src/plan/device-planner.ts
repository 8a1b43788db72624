import type { VdpaDevice } from '../model/generated/host-report.ts';
import type { VdpaReference } from '../model/generated/vm-spec.ts';
import type { VmPlan } from '../model/generated/vm-plan.ts';
import type { CompleteDisk, CompleteGenericVdpa, CompleteInterface } from '../spec/defaults.ts';
import { bindDevice } from './binding.ts';
import { checkBlockdevPolicy, chooseAttachment } from './disk.ts';
import type { PlanFindings } from './findings.ts';
import { planGenericDevice, type GenericDevice } from './generic-device.ts';
import type { Host, HostDevice } from './host.ts';
import { locateDevices } from './locate-devices.ts';
import { planInterface } from './net-device.ts';

type Sections = 'interfaces' | 'disks' | 'vdpaDevices';

/**
 * Plans a VM's devices one by one: each as guest ABI over all hosts, and bound to the device of one host. A device
 * that cannot be planned is left out of both, with an error among the findings.
 */
export class DevicePlanner {
  readonly guest: Pick<VmPlan['guestAbi'], Sections> = { interfaces: [], disks: [], vdpaDevices: [] };
  readonly binding: Pick<VmPlan['binding'], Sections> = { interfaces: [], disks: [], vdpaDevices: [] };
  /** the vDPA devices of the target host that the VM will hold open */
  readonly bound: HostDevice[] = [];
  /** true once a disk goes over the virtio-blk-vhost-vdpa block driver */
  overBlockDriver = false;
  readonly #hosts: readonly Host[];
  readonly #target: Host;
  readonly #portOf: ReadonlyMap<string, number>;
  readonly #findings: PlanFindings;
  readonly #users = new Map<VdpaDevice, string>();

  /**
   * @param hosts all hosts of the migration domain
   * @param target the one that is bound to
   * @param portOf root port of each guest device, by id
   */
  constructor(hosts: readonly Host[], target: Host, portOf: ReadonlyMap<string, number>, findings: PlanFindings) {
    this.#hosts = hosts;
    this.#target = target;
    this.#portOf = portOf;
    this.#findings = findings;
  }

  /** @param path JSON pointer of the interface in the spec */
  addInterface(net: CompleteInterface, path: string): void {
    const devices = this.#locate(net.id, net.vdpa, path);
    const planned = planInterface(net, path, this.#port(net.id), devices, this.#findings);
    const found = this.#bind(devices);
    if (!planned || !found) return;
    this.guest.interfaces.push(planned);
    this.binding.interfaces.push(bindDevice(net.id, found, planned.pagePerVq, 'netdev'));
  }

  /** @param queues request queues, as many as the VM has CPUs */
  addDisk(disk: CompleteDisk, path: string, queues: number): void {
    const { id, readOnly, bootIndex } = disk;
    const guest = { id, rootPort: this.#port(id), queues, readOnly, bootIndex };
    if ('file' in disk) {
      this.guest.disks.push(guest);
      this.binding.disks.push({ id, file: disk.file, format: disk.format });
      return;
    }
    const devices = this.#locate(id, disk.vdpa, path);
    const attachment = devices.length === 0 ? undefined : chooseAttachment(disk, path, devices, this.#findings);
    if (attachment === 'device') this.#addGeneric({ ...disk, queueSize: null }, path, devices);
    if (attachment !== 'blockdev') return;
    checkBlockdevPolicy(disk, path, this.#findings);
    this.overBlockDriver = true;
    const found = this.#bind(devices);
    if (!found) return;
    this.guest.disks.push(guest);
    this.binding.disks.push(bindDevice(id, found, false, 'device'));
  }

  addGenericDevice(device: CompleteGenericVdpa, path: string): void {
    const devices = this.#locate(device.id, device.vdpa, path);
    if (devices.length > 0) this.#addGeneric(device, path, devices);
  }

  #addGeneric(spec: GenericDevice, path: string, devices: readonly HostDevice[]): void {
    const device = planGenericDevice(spec, path, this.#port(spec.id), devices, this.#findings);
    const found = this.#bind(devices);
    if (!found) return;
    this.guest.vdpaDevices.push(device);
    this.binding.vdpaDevices.push(bindDevice(spec.id, found, device.pagePerVq, 'device'));
  }

  #port(id: string): number {
    return this.#portOf.get(id) ?? 0;
  }

  /** The device on each host; one that another guest device has already is an error. */
  #locate(id: string, reference: VdpaReference, path: string): HostDevice[] {
    const devices = locateDevices(reference, path, this.#hosts, this.#findings);
    for (const { host, device } of devices) {
      const other = this.#users.get(device);
      if (other === undefined) this.#users.set(device, id);
      else {
        this.#findings.error(
          'plan.device-taken',
          `${path}/vdpa`,
          `vDPA device ${device.name} on host ${host.name} is taken by ${other} already: /dev/vhost-vdpa-N can be opened once`,
        );
      }
    }
    return devices;
  }

  #bind(devices: readonly HostDevice[]): HostDevice | undefined {
    const found = devices.find(({ host }) => host === this.#target);
    if (found) this.bound.push(found);
    return found;
  }
}

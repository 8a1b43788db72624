import type { DeviceAssessment } from '../model/generated/assessment.ts';
import type {
  DeviceBinding,
  GuestConfiguration,
  GuestDisk,
  GuestInterface,
  GuestVdpaDevice,
  RunningDevice,
} from '../model/generated/guest-configuration.ts';
import type { HostReport, VdpaDevice } from '../model/generated/host-report.ts';
import type { Assignment } from '../model/generated/migration-check.ts';
import type { KnownQemu } from '../plan/host.ts';

/** One end of a migration: the host, and the QEMU that runs or would run there. */
export interface End {
  readonly report: HostReport;
  /** undefined: its report knows no such QEMU */
  readonly qemu: KnownQemu | undefined;
}

/** A guest device over vhost-vdpa, with its configuration at the destination (the same where none is given). */
export type GuestVdpa =
  | { readonly kind: 'net'; readonly guest: GuestInterface; readonly then: GuestInterface }
  | { readonly kind: 'block'; readonly guest: GuestDisk; readonly then: GuestDisk }
  | { readonly kind: 'generic'; readonly guest: GuestVdpaDevice; readonly then: GuestVdpaDevice };

/** A guest device, and the vDPA devices behind it at both ends. */
export type Pair = GuestVdpa & {
  /** JSON pointer into guest of the source */
  readonly path: string;
  /** for people: its id, or its place */
  readonly label: string;
  readonly binding: DeviceBinding;
  /** at the destination; the source's where no configuration is given for it */
  readonly bindingThen: DeviceBinding;
  readonly running: RunningDevice | undefined;
  /** undefined: no report of the source, or the device is not in it */
  readonly from: VdpaDevice | undefined;
  /** undefined: none could be chosen */
  readonly to: VdpaDevice | undefined;
  readonly fromDoorbells: DeviceAssessment | undefined;
  readonly toDoorbells: DeviceAssessment | undefined;
  readonly assignment: Assignment;
  /** the spec demands active host notifiers */
  readonly required: boolean;
};

/** All that the rules see of one migration to one host. */
export interface Migration {
  readonly source: GuestConfiguration;
  /** what the destination would start with; undefined: the same */
  readonly target: GuestConfiguration | undefined;
  /** undefined: no report of the source was given */
  readonly from: End | undefined;
  readonly to: End;
  /** version of the QEMU that runs or would run the source; undefined: not known */
  readonly sourceQemu: string | undefined;
  readonly pairs: readonly Pair[];
}

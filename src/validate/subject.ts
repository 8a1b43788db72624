import { posix } from 'node:path';
import { assessDevice } from '../doorbell/assess.ts';
import type { Option } from '../import/option.ts';
import { withGlobals } from '../import/settings.ts';
import type { TextPlace } from '../import/text-place.ts';
import type { XmlNode } from '../import/xml-document.ts';
import { guestDevices, type GuestDevice } from '../migration/guest-devices.ts';
import { findDevice } from '../migration/assign.ts';
import { qemuOn } from '../migration/qemu-on.ts';
import { isKnown } from '../model/fact.ts';
import type { DeviceAssessment } from '../model/generated/assessment.ts';
import type { HostReport, VdpaDevice } from '../model/generated/host-report.ts';
import type { KnownQemu } from '../plan/host.ts';
import type { Against, ValidatedDocument } from './document.ts';
import { elementsOf, type LibvirtElements } from './libvirt-elements.ts';

/** A host on which the configuration is to run. */
export interface SubjectHost {
  readonly report: HostReport;
  /** undefined: its report knows none */
  readonly qemu: KnownQemu | undefined;
  /** the device paths of the document are those of this host */
  readonly own: boolean;
}

/** The vDPA device behind a guest device, on one host. */
export interface Backing {
  readonly host: SubjectHost;
  readonly device: VdpaDevice;
  readonly doorbells: DeviceAssessment;
  /** another host than the document is for: the device has the same name there, and may be another */
  readonly assumed: boolean;
}

/** A guest device over vhost-vdpa. */
export type SubjectDevice = GuestDevice & {
  /** its -device; undefined: not from a command line */
  readonly option: Option | undefined;
  /** its element; undefined: not from XML */
  readonly node: XmlNode | undefined;
  readonly place: TextPlace | undefined;
  /** on each host that has the device, the document's own first; empty without a host report, or where none has it */
  readonly backings: readonly Backing[];
};

/** All that the rules see of one document. */
export interface Subject {
  readonly document: ValidatedDocument;
  readonly elements: LibvirtElements;
  /** of a QEMU command line, or of <qemu:commandline>; devices have what -set and -global give them */
  readonly options: readonly Option[];
  readonly devices: readonly SubjectDevice[];
  readonly hosts: readonly SubjectHost[];
  /** several hosts were given: the guest is to move between them */
  readonly isDomain: boolean;
}

/** What the rules see of a document. */
export function subjectOf(document: ValidatedDocument, { reports, on, parents }: Against): Subject {
  const { configuration } = document;
  const bound = on ?? configuration?.binding.host ?? undefined;
  const isBound = reports.some(({ host }) => host.name === bound);
  const hosts = configuration
    ? reports
        .map((report) => ({
          report,
          qemu: qemuOn(report, configuration),
          own: !isBound || report.host.name === bound,
        }))
        .sort((a, b) => Number(b.own) - Number(a.own))
    : [];
  const options = withGlobals(document.commandLine?.options ?? []);
  const elements = elementsOf(document);
  const optionAt = byPlace(options.filter(({ name }) => name === 'device'));
  const nodeAt = byPlace([...elements.interfaces, ...elements.disks]);
  return {
    document,
    elements,
    options,
    hosts,
    isDomain: new Set(reports.map(({ host }) => host.name)).size > 1,
    devices: configuration
      ? guestDevices(configuration, undefined).map((device) => {
          const place = document.placeOf(device.path);
          return {
            ...device,
            place,
            option: place && optionAt.get(keyOf(place)),
            node: place && nodeAt.get(keyOf(place)),
            backings: backingsOn(hosts, device, parents),
          };
        })
      : [],
  };
}

function byPlace<T extends { readonly place: TextPlace }>(items: readonly T[]): ReadonlyMap<string, T> {
  return new Map(items.map((item) => [keyOf(item.place), item]));
}

/** The same for two places of one text. */
function keyOf({ word, line, column }: TextPlace): string {
  return [word, line, column].join(':');
}

/** Paths are numbered anew on each host: on another than its own a device is looked for by the name that it has there. */
function backingsOn(
  hosts: readonly SubjectHost[],
  { binding: { vdpa, charDevice } }: GuestDevice,
  parents: Against['parents'],
): Backing[] {
  const backingOn = (host: SubjectHost, name: string | null, assumed: boolean): Backing[] => {
    const device = name === null ? undefined : findDevice(host.report, name);
    return device ? [{ host, device, doorbells: assessDevice(host.report.host, device, { parents }), assumed }] : [];
  };
  const path = isKnown(charDevice) && charDevice !== null ? posix.normalize(charDevice) : null;
  const found = hosts.filter(({ own }) => own).flatMap((host) => backingOn(host, vdpa ?? path, false));
  const name = vdpa ?? found[0]?.device.name ?? null;
  return [...found, ...hosts.filter(({ own }) => !own).flatMap((host) => backingOn(host, name, true))];
}

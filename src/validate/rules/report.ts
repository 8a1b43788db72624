import { isKnown } from '../../model/fact.ts';
import type { HostReport, VdpaDevice } from '../../model/generated/host-report.ts';
import { bitOf, featureSet, vocabularyOf } from '../../model/virtio-features.ts';
import { queuePairsOf } from '../../doorbell/virtqueue-role.ts';
import type { Hit, ValidationRule } from '../rule.ts';

/** A rule on each report of a document; paths are below `/N` where there are several. */
function onReports(check: (report: HostReport, base: string) => readonly Hit[]): ValidationRule['check'] {
  return ({ document: { reports = [] } }) =>
    reports.flatMap((report, index) => check(report, reports.length === 1 ? '' : `/${index}`));
}

function onDevices(check: (device: VdpaDevice, path: string) => readonly Hit[]): ValidationRule['check'] {
  return onReports((report, base) =>
    report.devices.flatMap((device, index) => check(device, `${base}/devices/${index}`)),
  );
}

/** What a schema cannot say of a host report: whether its facts agree with each other. */
export const reportRules: readonly ValidationRule[] = [
  {
    code: 'validate.report-host-twice',
    severity: 'error',
    appliesTo: ['host-report'],
    asks: 'is each host reported once?',
    source: 'docs/design.md: hosts are told apart by name',
    check: ({ document: { reports = [] } }) => {
      const seen = new Set<string>();
      return reports.flatMap(({ host }, index): Hit[] => {
        const again = seen.has(host.name);
        seen.add(host.name);
        return again ? [{ path: `/${index}/host/name`, message: `host ${host.name} is reported twice` }] : [];
      });
    },
  },
  {
    code: 'validate.report-device-twice',
    severity: 'error',
    appliesTo: ['host-report'],
    asks: 'has each vDPA device a name and a character device of its own?',
    source: 'Linux drivers/vdpa/vdpa.c: vdpa_name_match(); drivers/vhost/vdpa.c: vhost_vdpa_probe()',
    check: onReports(({ devices }, base) => {
      const seen = new Set<string>();
      return devices.flatMap((device, index) =>
        [device.name, isKnown(device.charDevice) ? device.charDevice?.path : undefined].flatMap((name): Hit[] => {
          if (name === undefined) return [];
          const again = seen.has(name);
          seen.add(name);
          return again ? [{ path: `${base}/devices/${index}`, message: `${name} belongs to two devices` }] : [];
        }),
      );
    }),
  },
  {
    code: 'validate.report-features',
    severity: 'error',
    appliesTo: ['host-report'],
    asks: 'do the bits of each feature word and their names agree?',
    source: 'Linux include/uapi/linux/virtio_config.h, virtio_net.h, virtio_blk.h, vhost_types.h',
    check: onDevices(({ identity, name }, path) => {
      const { features, virtioId } = identity;
      if (!isKnown(features) || !isKnown(virtioId)) return [];
      const word = BigInt(features.bits);
      const set = featureSet(word, vocabularyOf(virtioId)).names;
      // a newer program may have names for bits that have none here
      const wrong = features.names.filter((one) => {
        const bit = bitOf(vocabularyOf(virtioId), one);
        return bit !== undefined && ((word >> BigInt(bit)) & 1n) === 0n;
      });
      if (wrong.length === 0 && set.length === features.names.length) return [];
      const found = wrong.length > 0 ? wrong.join(', ') : `${features.names.length} names`;
      const message = `${name}: features ${features.bits} are ${set.join(', ') || 'none'}; got ${found}`;
      return [
        {
          path: `${path}/identity/features`,
          message: message.slice(0, 2000),
          fix: 'do not edit it by hand: probe again',
        },
      ];
    }),
  },
  {
    code: 'validate.report-virtqueues',
    severity: 'error',
    appliesTo: ['host-report'],
    asks: 'has each device the virtqueues that it counts?',
    source: 'Linux drivers/vhost/vdpa.c: VHOST_VDPA_GET_VQS_COUNT',
    check: onDevices(({ identity, virtqueues, name }, path) => {
      if (!isKnown(virtqueues) || !isKnown(identity.vqCount)) return [];
      const wrong = virtqueues.length !== identity.vqCount || virtqueues.some(({ index }, at) => index !== at);
      if (!wrong) return [];
      const list = virtqueues.map(({ index }) => index).join(', ');
      return [
        {
          path: `${path}/virtqueues`,
          message: `${name}: ${identity.vqCount} virtqueues are counted; got ${list.slice(0, 200) || 'none'}`,
        },
      ];
    }),
  },
  {
    code: 'validate.report-queue-pairs',
    severity: 'warning',
    appliesTo: ['host-report'],
    asks: 'has each net device virtqueues for all its queue pairs?',
    source: 'QEMU 10.0.13 ends with a segmentation fault on such a device (seen in the lab)',
    check: onDevices((device, path) => {
      const pairs = queuePairsOf(device);
      const { vqCount, config } = device.identity;
      if (
        pairs === undefined ||
        !isKnown(vqCount) ||
        !isKnown(config) ||
        config.class !== 'net' ||
        2 * pairs <= vqCount
      )
        return [];
      const message = `${device.name}: it says it has ${pairs} queue pairs, but it has only ${vqCount} virtqueues: QEMU 10.0 crashes on it`;
      return [{ path: `${path}/identity/config`, message }];
    }),
  },
  {
    code: 'validate.report-incomplete',
    severity: 'warning',
    appliesTo: ['host-report'],
    asks: 'is everything known that a verdict needs?',
    source: 'docs/findings.md: probe.*; what is not known is never treated as safe',
    check: onDevices(({ open, virtqueues, name }, path) => {
      if (!isKnown(open)) {
        const message = `${name}: was not opened, so its doorbells are not known: ${open.detail}`;
        return [{ path: `${path}/open`, message, fix: 'probe it as root while it is idle' }];
      }
      if (isKnown(virtqueues)) return [];
      return [{ path: `${path}/virtqueues`, message: `${name}: its virtqueues are not known: ${virtqueues.detail}` }];
    }),
  },
];

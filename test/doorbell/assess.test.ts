import { describe, expect, test } from 'vitest';
import { assessDevice, assessHost, dataVirtqueues } from '../../src/doorbell/assess.ts';
import { parents } from '../../src/doorbell/parents.ts';
import { unknown } from '../../src/model/fact.ts';
import type { DeviceAssessment } from '../../src/model/generated/assessment.ts';
import type { Virtqueue } from '../../src/model/generated/host-report.ts';
import validate from '../../src/model/generated/assessment.validate.js';
import {
  busy,
  device,
  deviceOf,
  doorbells,
  features,
  host,
  identity,
  msix,
  netConfig,
  onDevice,
  parentDriver,
  queuePairs,
  refused,
  reportWith,
  virtqueuesOf,
  withFeature,
  withoutFeature,
  type Edit,
} from '../report-builder.ts';

const sharedPage = parents.find(({ area }) => area === 'shared-page')!;
const EBUSY = unknown('EBUSY', 'in use');
const no = refused('ENOTSUPP');
const yes = 'mapped';

function assess(name: string, ...edits: Edit[]): DeviceAssessment {
  const report = reportWith(...edits);
  return assessDevice(report.host, deviceOf(report, name));
}

/** What the kernel said of the virtqueues of vp0 with two pairs and a control virtqueue. */
function twoPairs(...answers: Virtqueue['doorbell'][]): Edit {
  return (report) => {
    queuePairs('vp0', 2)(report);
    doorbells('vp0', ...answers)(report);
  };
}

/** A control virtqueue in a group of its own, and a second address space to put it in. */
const isolated: Edit = (report) => {
  identity('vp0', { addressSpaceCount: 2, groupCount: 2 })(report);
  onDevice('vp0', (found) => {
    const queues = virtqueuesOf(found);
    for (const queue of queues) queue.group = queue.index === queues.length - 1 ? 1 : 0;
  })(report);
};

describe('assessHost on the captured host', () => {
  const assessment = assessHost(reportWith());

  test('is an Assessment by the schema', () => {
    expect(validate(assessment)).toBe(true);
    expect(assessment).toMatchObject({ schemaVersion: 1, kind: 'Assessment', host: 'l1' });
  });

  test('what the lab measured: QEMU installed host notifiers for vp0, and for none of the others', () => {
    const rows = assessment.devices.map(({ name, class: of, parentDriver: parent, layout, verdict }) =>
      [name, of, parent, layout, verdict].join(' '),
    );
    expect(rows).toEqual([
      'blk0 block vdpasim_blk none unavailable',
      'sim0 net vdpasim_net none unavailable',
      'vp0 net vp-vdpa page-per-vq safe',
      'vp1 net vp-vdpa per-vq-sub-page unavailable',
    ]);
    expect(assessment.devices.map(({ expectedHostNotifiers }) => expectedHostNotifiers)).toEqual([
      { netdev: [], device: [] },
      { netdev: [], device: [] },
      { netdev: [0, 1, 2], device: [0, 1, 2] },
      { netdev: [], device: [] },
    ]);
  });

  test('nothing to warn of', () => {
    expect(assessment.findings).toEqual([]);
  });
});

describe('findings', () => {
  test('an unsafe device is an error, an unknown one a warning; both point into the report', () => {
    const report = reportWith(parentDriver('vp0', 'octep_vdpa'), busy('vp1'));
    expect(assessHost(report).findings).toMatchObject([
      {
        code: 'assess.unsafe',
        severity: 'error',
        path: '/devices/2',
        message: expect.stringMatching(/^vp0: octep_vdpa: the interrupt cause byte/) as string,
        fix: 'hostNotifier: off for every VM that may run here, or keep this host out of the migration domain',
      },
      {
        code: 'assess.unknown',
        severity: 'warning',
        path: '/devices/3',
        message: 'vp1: not known, so not to be trusted: /dev/vhost-vdpa-0: EBUSY',
        fix: 'a VM uses the device: probe it while it is idle, or ask the running QEMU with `vdpa-qemu verify`',
      },
    ]);
  });

  test('without advice there is no fix', () => {
    const [finding] = assessHost(reportWith(doorbells('vp0', refused('ENOMEM')))).findings;
    expect(finding).toEqual({
      code: 'assess.unknown',
      severity: 'warning',
      path: '/devices/2',
      message: 'vp0: mmap failed with ENOMEM, which says nothing of the doorbell',
    });
  });

  const overrun = {
    code: 'host.kernel-index-overrun',
    severity: 'warning',
    path: '/host/kernelRelease',
    message:
      'kernel 6.12.96 does not check the virtqueue index of a doorbell mapping (CVE-2026-74312): whoever may open /dev/vhost-vdpa-N can read out of bounds',
    fix: 'update the kernel (fixed in 5.10.261, 5.15.212, 6.1.178, 6.6.145, 6.12.97, 6.18.40, 7.1.5, 7.2)',
  };

  test('CVE-2026-74312 is told where the kernel has it', () => {
    expect(assessHost(reportWith(host({ kernelRelease: '6.12.96' }))).findings).toEqual([overrun]);
    expect(assessHost(reportWith(host({ kernelRelease: '6.12.97' }))).findings).toEqual([]);
  });

  test('.. not where there is no vDPA device', () => {
    const none: Edit = (report) => void (report.devices = []);
    expect(assessHost(reportWith(host({ kernelRelease: '6.12.96' }), none)).findings).toEqual([]);
    expect(assessHost(reportWith(host({ kernelRelease: 'vendor' }), none)).findings).toEqual([]);
  });

  test.each(['5.14.0-427.el9.x86_64', '4.18.0-553.el8_10.x86_64', '6.8.0-31-generic', 'vendor'])(
    '.. and that it is not known where the version does not tell: %s',
    (kernelRelease) => {
      expect(assessHost(reportWith(host({ kernelRelease }))).findings).toEqual([
        {
          code: 'host.kernel-index-unknown',
          severity: 'info',
          path: '/host/kernelRelease',
          message: `whether kernel ${kernelRelease} checks the virtqueue index of a doorbell mapping (CVE-2026-74312) cannot be told from its version: ask its vendor`,
        },
      ]);
    },
  );
});

describe('the verdict of a device is the worst of its data virtqueues', () => {
  test.each<[what: string, edits: Edit[], verdict: string]>([
    ['all safe', [], 'safe'],
    ['one refused', [doorbells('vp0', yes, no)], 'unavailable'],
    ['one not tested, one refused', [doorbells('vp0', EBUSY, no)], 'unknown'],
    [
      'one unsafe, one not tested',
      [doorbells('vp0', yes, EBUSY), msix('vp0', { tableBar: 4, tableOffset: 0x3000 })],
      'unsafe',
    ],
    ['a refused control virtqueue does not count', [doorbells('vp0', yes, yes, no)], 'safe'],
    [
      '.. but is a data virtqueue where none is offered',
      [doorbells('vp0', yes, yes, no), withoutFeature('vp0', 'VIRTIO_NET_F_CTRL_VQ')],
      'unavailable',
    ],
    [
      'the first virtqueue counts where the device says that it has no pairs',
      [
        queuePairs('vp0', 1),
        netConfig('vp0', { maxVirtqueuePairs: 0 }),
        msix('vp0', { tableBar: 4, tableOffset: 0x3800 }),
      ],
      'unsafe',
    ],
    ['no virtqueues', [doorbells('vp0')], 'unknown'],
    ['virtqueues not known', [busy('vp0')], 'unknown'],
  ])('%s', (_, edits, verdict) => {
    expect(assess('vp0', ...edits).verdict).toBe(verdict);
  });

  test('dataVirtqueues leaves out the control virtqueue only', () => {
    const report = reportWith(queuePairs('vp0', 2));
    const found = deviceOf(report, 'vp0');
    const { virtqueues } = assessDevice(report.host, found);
    expect(dataVirtqueues(found, virtqueues).map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    const blk0 = deviceOf(report, 'blk0');
    const ofBlock = assessDevice(report.host, blk0).virtqueues;
    expect(dataVirtqueues(blk0, ofBlock)).toEqual(ofBlock);
  });
});

describe('expectedHostNotifiers: QEMU maps all or none of a vhost_dev', () => {
  test.each<[what: string, edits: Edit[], netdev: number[], device: number[]]>([
    ['two pairs and control, all mapped', [twoPairs(yes, yes, yes, yes, yes)], [0, 1, 2, 3, 4], [0, 1, 2, 3, 4]],
    [
      'one of the second pair refused: the pair goes, and the whole generic device',
      [twoPairs(yes, yes, yes, no, yes)],
      [0, 1, 4],
      [],
    ],
    ['one of the first pair refused', [twoPairs(no, yes, yes, yes, yes)], [2, 3, 4], []],
    ['the control virtqueue refused, as on mlx5', [twoPairs(yes, yes, yes, yes, no)], [0, 1, 2, 3], []],
    ['one of each pair not tested', [twoPairs(EBUSY, yes, yes, EBUSY, yes)], [4], []],
    [
      'an isolated control virtqueue is always shadowed',
      [twoPairs(yes, yes, yes, yes, yes), isolated],
      [0, 1, 2, 3],
      [0, 1, 2, 3, 4],
    ],
    [
      'one address space: control cannot be isolated',
      [twoPairs(yes, yes, yes, yes, yes), isolated, identity('vp0', { addressSpaceCount: 1 })],
      [0, 1, 2, 3, 4],
      [0, 1, 2, 3, 4],
    ],
    [
      'address spaces not known',
      [twoPairs(yes, yes, yes, yes, yes), isolated, identity('vp0', { addressSpaceCount: EBUSY })],
      [0, 1, 2, 3, 4],
      [0, 1, 2, 3, 4],
    ],
    [
      'no ASIDs in the IOTLB messages',
      [
        twoPairs(yes, yes, yes, yes, yes),
        isolated,
        identity('vp0', { backendFeatures: { bits: '0x2', names: ['VHOST_BACKEND_F_IOTLB_MSG_V2'] } }),
      ],
      [0, 1, 2, 3, 4],
      [0, 1, 2, 3, 4],
    ],
    [
      'backend features not known',
      [twoPairs(yes, yes, yes, yes, yes), isolated, identity('vp0', { backendFeatures: EBUSY })],
      [0, 1, 2, 3, 4],
      [0, 1, 2, 3, 4],
    ],
    [
      'control in the group of a data virtqueue',
      [twoPairs(yes, yes, yes, yes, yes), isolated, group(1, 1)],
      [0, 1, 2, 3, 4],
      [0, 1, 2, 3, 4],
    ],
    [
      'the group of control not known',
      [twoPairs(yes, yes, yes, yes, yes), isolated, group(4, EBUSY)],
      [0, 1, 2, 3, 4],
      [0, 1, 2, 3, 4],
    ],
    [
      'the group of a data virtqueue not known',
      [twoPairs(yes, yes, yes, yes, yes), isolated, group(0, EBUSY)],
      [0, 1, 2, 3, 4],
      [0, 1, 2, 3, 4],
    ],
    ['64 KiB pages: QEMU installs none', [twoPairs(yes, yes, yes, yes, yes), host({ pageSize: 65536 })], [], []],
    [
      'pairs not known',
      [twoPairs(yes, yes, yes, yes, yes), netConfig('vp0', { maxVirtqueuePairs: undefined })],
      [],
      [0, 1, 2, 3, 4],
    ],
    [
      'no control virtqueue',
      [twoPairs(yes, yes, yes, yes), withoutFeature('vp0', 'VIRTIO_NET_F_CTRL_VQ')],
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ],
    ['virtqueues not known', [busy('vp0')], [], []],
    [
      'unsafe pages are mapped all the same: QEMU asks only the kernel',
      [parentDriver('vp0', 'octep_vdpa')],
      [0, 1, 2],
      [0, 1, 2],
    ],
  ])('%s', (_, edits, netdev, generic) => {
    expect(assess('vp0', ...edits).expectedHostNotifiers).toEqual({ netdev, device: generic });
  });

  test('a device of another class has them as a generic device only', () => {
    const edits = [
      parentDriver('vp0', sharedPage.driver),
      identity('vp0', { virtioId: 2, config: { class: 'block' as const } }),
      features('vp0', () => ['VIRTIO_F_VERSION_1']),
    ];
    expect(assess('vp0', ...edits).expectedHostNotifiers).toEqual({ netdev: [], device: [0, 1, 2] });
  });
});

function group(index: number, value: Virtqueue['group']): Edit {
  return onDevice('vp0', (found) => void Object.assign(virtqueuesOf(found)[index]!, { group: value }));
}

test('a report of odd but legal facts is assessed without throwing', () => {
  const odd = reportWith(
    device('vp0', { parent: null, managementDevice: EBUSY, pci: EBUSY, charDevice: null, driver: null }),
    withFeature('vp1', 'bit51'),
  );
  expect(validate(assessHost(odd))).toBe(true);
});

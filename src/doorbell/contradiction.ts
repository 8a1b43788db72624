import { isKnown } from '../model/fact.ts';
import type { VirtqueueAssessment } from '../model/generated/assessment.ts';
import type { VdpaDevice, Virtqueue } from '../model/generated/host-report.ts';
import { refusalOf, type KnownParent } from './known-parent.ts';
import { predictMapping } from './predict.ts';
import { controlVirtqueueOf } from './virtqueue-role.ts';

type Reason = VirtqueueAssessment['reasons'][number];

/**
 * Compares the kernel's answer with what PCI config space, our table and the operator's rows let expect. The kernel's
 * answer counts; that they differ is worth knowing: the assumption on queue_notify_off, the table or the report is
 * wrong. Empty: they agree, or there is nothing to compare.
 */
export function contradictionsOf(
  device: VdpaDevice,
  { index, doorbell }: Virtqueue,
  known: KnownParent,
  pageSize: number | undefined,
): Reason[] {
  const answer = doorbell === 'mapped' ? 'mapped' : refusalOf(doorbell);
  if (answer === undefined) return [];
  const found: Reason[] = [];
  if (pageSize !== undefined) {
    // an operator's row does not silence what our own lets expect
    for (const area of new Set([known.area, known.table])) {
      const one = differing(device, index, { ...known, area }, pageSize, answer);
      if (one && !found.some(({ message }) => message === one.message)) found.push(one);
    }
  }
  const [disproved] = known.disproved;
  if (disproved && (answer === 'mapped' || answer === 'EINVAL')) {
    const { row, by } = disproved;
    const whose = by === 'table' ? 'our table says' : 'your row says';
    found.push(reason(by, `${whose} that ${row.driver} has no notification area (${row.source}), but ${told(answer)}`));
  }
  return found;
}

function differing(
  device: VdpaDevice,
  index: number,
  known: KnownParent,
  pageSize: number,
  answer: string,
): Reason | undefined {
  const expected = predictMapping(device, known, index, pageSize);
  if (!expected || expected.answer === answer) return undefined;
  if (answer !== 'mapped' && answer !== 'EINVAL' && answer !== 'ENOTSUPP') return undefined;
  // which virtqueues have an area depends on the negotiated features (mlx5_vnet.c: is_index_valid())
  if (expected.by !== 'pci-config' && !isKnown(device.identity.negotiation)) return undefined;
  // a size that is not one page and an area for data virtqueues only look alike
  if (index === controlVirtqueueOf(device) && expected.by !== 'pci-config' && answer === 'ENOTSUPP') return undefined;
  return reason(expected.by, `${expected.because}, so that ${wanted(expected.answer)}, but ${told(answer)}`);
}

/** Whose word a safe verdict rests on, where it is one that the kernel can prove wrong. */
const wordOf: Readonly<Record<VirtqueueAssessment['exclusivity'], Reason['by'] | undefined>> = {
  'pci-config': 'pci-config',
  'parent-driver': 'table',
  operator: undefined,
  none: undefined,
};

/**
 * Takes from a device's virtqueues each `safe` that rests on a witness whom the kernel proves wrong on another of them:
 * it maps what it should refuse there. What it refuses against expectation is in no guest's reach.
 */
export function withoutDisproved(virtqueues: readonly VirtqueueAssessment[]): readonly VirtqueueAssessment[] {
  const found = virtqueues
    .filter(({ kernel }) => kernel === 'mapped')
    .flatMap(({ index, role, reasons }) =>
      reasons.filter(({ code }) => code === 'doorbell.contradiction').map((one) => ({ index, role, ...one })),
    );
  if (found.length === 0) return virtqueues;
  return virtqueues.map((virtqueue) => {
    const against = virtqueue.verdict === 'safe' && found.find(({ by }) => by === wordOf[virtqueue.exclusivity]);
    if (!against) return virtqueue;
    const message = `who vouches for it is proven wrong on virtqueue ${against.index} (${against.role}): ${against.message}`;
    const witness = { code: 'doorbell.witness-disproved', by: against.by, message };
    return { ...virtqueue, verdict: 'unknown', exclusivity: 'none', reasons: [witness, ...virtqueue.reasons] };
  });
}

function wanted(answer: string): string {
  return answer === 'mapped' ? 'the kernel should map it' : `the kernel should refuse it with ${answer}`;
}

function told(answer: string): string {
  return answer === 'mapped'
    ? 'the running kernel maps it; its answer counts'
    : `the running kernel refuses it with ${answer}; its answer counts`;
}

function reason(by: Reason['by'], message: string): Reason {
  return { code: 'doorbell.contradiction', by, message };
}

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
 * wrong. undefined: they agree, or there is nothing to compare.
 */
export function contradictionOf(
  device: VdpaDevice,
  { index, doorbell }: Virtqueue,
  known: KnownParent,
  pageSize: number | undefined,
): Reason | undefined {
  const answer = doorbell === 'mapped' ? 'mapped' : refusalOf(doorbell);
  if (answer === undefined) return undefined;
  const [disproved] = known.disproved;
  if (disproved && (answer === 'mapped' || answer === 'EINVAL')) {
    const { row, by } = disproved;
    const whose = by === 'table' ? 'our table says' : 'your row says';
    return reason(by, `${whose} that ${row.driver} has no notification area (${row.source}), but ${told(answer)}`);
  }
  if (pageSize === undefined) return undefined;
  const expected = predictMapping(device, known, index, pageSize);
  if (!expected || expected.answer === answer) return undefined;
  if (answer !== 'mapped' && answer !== 'EINVAL' && answer !== 'ENOTSUPP') return undefined;
  // which virtqueues have an area depends on the negotiated features (mlx5_vnet.c: is_index_valid())
  if (expected.by !== 'pci-config' && !isKnown(device.identity.negotiation)) return undefined;
  // a size that is not one page and an area for data virtqueues only look alike
  if (index === controlVirtqueueOf(device) && expected.by !== 'pci-config' && answer === 'ENOTSUPP') return undefined;
  return reason(expected.by, `${expected.because}, so that ${wanted(expected.answer)}, but ${told(answer)}`);
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

import type { VirtqueueAssessment } from '../model/generated/assessment.ts';

/** What is said of one doorbell, and why. */
export type Judgement = Pick<VirtqueueAssessment, 'verdict' | 'exclusivity' | 'reasons'>;
export type Reason = VirtqueueAssessment['reasons'][number];

export function reason(code: string, by: Reason['by'], message: string): Reason {
  return { code, by, message };
}

/** One that rests on a single reason. */
export function verdict(word: Judgement['verdict'], code: string, by: Reason['by'], message: string): Judgement {
  return { verdict: word, exclusivity: 'none', reasons: [reason(code, by, message)] };
}

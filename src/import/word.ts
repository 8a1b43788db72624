import type { TextPlace } from './text-place.ts';

/** One word of a command line. */
export interface Word {
  readonly text: string;
  readonly place: TextPlace;
}

/** What a command may do with the world, besides src/host. The library itself never prints, exits or reads `process`. */
export interface Io {
  /** the result */
  readonly out: (text: string) => void;
  /** the talk */
  readonly err: (text: string) => void;
  /** true where `out` is a terminal that takes colour */
  readonly color: boolean;
}

/** Options that every command has. */
export interface GlobalOptions {
  readonly json: boolean;
  readonly output: string | undefined;
  readonly color: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
}

/** 0 done, nothing blocking; 1 ran and found what blocks; 2 could not run. */
export type ExitCode = 0 | 1 | 2;

/** Largest file that a command reads whole: a host report has some 100 KiB, a file may hold many. */
export const maxReportBytes = 256 * 2 ** 20;

import type { Finding, Severity } from '../model/finding.ts';

/** Collects findings while a plan is made; they stay in the order in which they were found. */
export class PlanFindings {
  readonly all: Finding[] = [];

  error(code: string, path: string, message: string, fix?: string): void {
    this.add('error', code, path, message, fix);
  }

  warning(code: string, path: string, message: string, fix?: string): void {
    this.add('warning', code, path, message, fix);
  }

  info(code: string, path: string, message: string, fix?: string): void {
    this.add('info', code, path, message, fix);
  }

  get failed(): boolean {
    return this.all.some(({ severity }) => severity === 'error');
  }

  private add(severity: Severity, code: string, path: string, message: string, fix: string | undefined): void {
    this.all.push({ code, severity, path, message, ...(fix === undefined ? {} : { fix }) });
  }
}

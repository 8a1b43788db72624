/** Runs the command line in this process, as bin.ts does. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import { main } from '../../src/cli.ts';
import type { ExitCode } from '../../src/commands/io.ts';
import type { HostReport } from '../../src/model/generated/host-report.ts';
import { temporaryDirectory } from '../host/fixtures.ts';

export interface Ran {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
}

export async function runWith(color: boolean, ...argv: string[]): Promise<Ran> {
  let [out, err] = ['', ''];
  const code = await main(argv, { out: (text) => void (out += text), err: (text) => void (err += text), color });
  return { code, out, err };
}

export const run = (...argv: string[]): Promise<Ran> => runWith(false, ...argv);

/** A directory of the test's own, with the files that a command reads. */
export class Files {
  readonly directory: string = temporaryDirectory();

  at(name: string): string {
    return path.join(this.directory, name);
  }

  write(name: string, text: string): string {
    writeFileSync(this.at(name), text);
    return this.at(name);
  }

  report(name: string, ...reports: HostReport[]): string {
    return this.write(name, reports.map((report) => JSON.stringify(report)).join('\n'));
  }

  spec(body: object): string {
    return this.write(
      'vm.yaml',
      stringify({ schemaVersion: 1, name: 'web1', machine: 'pc-q35-10.0', memory: '1GiB', ...body }),
    );
  }
}

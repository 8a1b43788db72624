import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { messageOf, VdpaQemuError } from '../model/error.ts';
import { unknown, type Fact } from '../model/fact.ts';
import { startProgram } from './process.ts';
import { searchPath } from './program.ts';

const timeoutMs = 20_000;

/**
 * What `virsh define --validate` says against a domain, asked of libvirt's test driver: that lives in the virsh process
 * alone (src/test/test_driver.c: testConnectOpen(), `test:///default`), so that nothing is defined anywhere.
 * @param xml of a domain
 * @returns the lines that it says against it; empty: it takes it. unknown: `no-tool` virsh is not installed, ETIMEDOUT
 */
export async function defineWithVirsh(xml: string, signal?: AbortSignal): Promise<Fact<readonly string[]>> {
  const virsh = programInPath('virsh');
  if (virsh === undefined) return unknown('no-tool', 'virsh is not installed');
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vdpa-qemu-'));
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const file = path.join(folder, 'domain.xml');
    fs.writeFileSync(file, xml, { mode: 0o600 });
    const program = await startProgram(virsh, ['-q', '-c', 'test:///default', 'define', '--validate', file], {
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    try {
      const { code } = await program.exited;
      if (timeout.aborted) return unknown('ETIMEDOUT', `virsh define: no end within ${timeoutMs} ms`);
      if (code === 0) return [];
      const said = program.stderrTail().map((line) => line.replace(/^error: /, ''));
      const lines = said.filter((line) => !line.startsWith('Failed to define domain from '));
      return lines.length > 0 ? lines : [`virsh define ended with exit code ${code ?? 'none'}`];
    } finally {
      await program.stop();
    }
  } catch (thrown) {
    if (thrown instanceof VdpaQemuError) return unknown('program-failed', messageOf(thrown));
    throw thrown;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** The first executable file of that name in PATH. */
function programInPath(name: string): string | undefined {
  return searchPath()
    .split(path.delimiter)
    .map((folder) => path.join(folder, name))
    .find((file) => {
      try {
        fs.accessSync(file, fs.constants.X_OK);
        return fs.statSync(file).isFile();
      } catch {
        return false;
      }
    });
}

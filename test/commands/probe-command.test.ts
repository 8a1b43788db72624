/** On the machine that the tests run on, whatever it is; test/probe and the lab say what is right on a known one. */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { describe, expect, test } from 'vitest';
import type { HostReport } from '../../src/model/generated/host-report.ts';
import validate from '../../src/model/generated/host-report.validate.js';
import { Files, run } from './command-line.ts';

// no QEMU is asked: that takes seconds where there are several
const quick = ['--no-open', '--qemu', '/nonexistent/qemu'];

describe('probe', () => {
  test.each([[[]], [['--json']]])('writes a HostReport by the schema (%j)', async (more) => {
    const { code, out } = await run('probe', ...quick, ...more);
    expect(code).toBe(0);
    const report = JSON.parse(out) as HostReport;
    expect(validate(report)).toBe(true);
    expect(report.host).toMatchObject({ architecture: os.machine(), kernelRelease: os.release() });
    expect(report.qemu).toMatchObject([
      { path: '/nonexistent/qemu', capabilities: { unknown: expect.any(String) as string } },
    ]);
  });

  test('its notes are told beside the report, as they stand in it', async () => {
    const files = new Files();
    const told = await run('probe', ...quick, '--output', files.at('h.json'), '--verbose');
    const { notes } = JSON.parse(readFileSync(files.at('h.json'), 'utf8')) as HostReport;
    expect(told.out).toBe('');
    expect(told.err.split('\n').filter((line) => /\[[a-z.-]+\]$/.test(line))).toHaveLength(notes.length);
    expect((await run('probe', ...quick, '--quiet')).err).toBe('');
  });

  test('a device that is not there', async () => {
    const { code, out, err } = await run('probe', 'no-such-device', ...quick);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^vdpa-qemu: .*no-such-device.*\n$/);
  });

  test('what probe writes, assess and gen read', async () => {
    const files = new Files();
    await run('probe', ...quick, '--output', files.at('h.json'));
    expect((await run('assess', files.at('h.json'))).code).toBe(0);
    const { code, out } = await run('gen', files.spec({}), '--host', files.at('h.json'));
    expect(code).toBe(0);
    expect(out).toMatch(/^# guest ABI sha256:[0-9a-f]{64}\n\/\S*qemu-system-x86_64 \\\n/);
  });
});

test('without a report, assess speaks of this host', async () => {
  const { code, out } = await run('assess', '--json');
  const report = JSON.parse((await run('probe', ...quick)).out) as HostReport;
  expect([0, 1]).toContain(code);
  expect(JSON.parse(out)).toMatchObject({ kind: 'Assessment', host: report.host.name });
});

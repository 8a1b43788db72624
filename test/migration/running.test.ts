/** A VM that really ran (test/fixtures/import), asked over QMP as the command does. */
import { describe, expect, test } from 'vitest';
import type { MigrationCheck } from '../../src/model/generated/migration-check.ts';
import { polite, reply, serve } from '../host/qmp-peer.ts';
import { recorded, replayOf } from '../import/qmp-replay.ts';
import { host, reportWith } from '../report-builder.ts';
import { Files, run } from '../commands/command-line.ts';
import { only, there } from './migrating.ts';

/** The socket of a VM that answers as the recorded one did. */
async function socketOf(name: string): Promise<string> {
  const executor = replayOf(recorded(name));
  const address = await serve(
    polite((asked, socket) => {
      void executor.executeAll([{ execute: asked.execute, arguments: asked.arguments }] as never).then(([answer]) => {
        if (answer?.ok === true) reply(socket, asked.id, answer.value);
        else
          socket.write(
            `${JSON.stringify({ error: { class: 'GenericError', desc: 'was not recorded' }, id: asked.id })}\r\n`,
          );
      });
    }),
  );
  return 'path' in address ? address.path : '';
}

describe('check-migration --qmp', () => {
  test("tells QEMU's own reasons, and what it does not show", async () => {
    const files = new Files();
    const from = files.report('l1.json', reportWith());
    const to = files.report('l2.json', reportWith(there, only('vp0'), host({ lockedMemoryLimit: 'unlimited' })));
    const { code, out } = await run(
      'check-migration',
      '--qmp',
      await socketOf('net.qmp.json'),
      '--from',
      from,
      '--to',
      to,
      '--json',
    );
    expect(code).toBe(1);
    const { source, destinations } = JSON.parse(out) as MigrationCheck;
    expect(source).toMatchObject({ origin: 'qmp', running: true });
    expect(destinations[0]!.verdict).not.toBe('can');
    expect(destinations[0]!.findings.find(({ code: found }) => found === 'migration.blocked')).toMatchObject({
      effect: 'refused',
      message: expect.stringContaining('vdpa svq does not work with features 0x') as string,
    });
  });
});

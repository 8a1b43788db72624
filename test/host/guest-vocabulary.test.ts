import { describe, expect, test } from 'vitest';
import { guestVocabularyOf } from '../../src/host/guest-vocabulary.ts';
import type { QmpCommand, QmpOutcome } from '../../src/host/qmp-batch.ts';
import { QmpError } from '../../src/host/qmp-error.ts';

const notFound: QmpOutcome = { ok: false, error: new QmpError('command', 'c', { errorClass: 'DeviceNotFound' }) };

/** A QEMU with two CPU models that has no type whose name begins with one of these. */
function qemu(lacks: readonly string[], asked: string[] = []) {
  return (questions: readonly QmpCommand[]): Promise<QmpOutcome[]> =>
    Promise.resolve(
      questions.map(({ execute, arguments: given }): QmpOutcome => {
        if (execute === 'query-cpu-definitions') return { ok: true, value: [{ name: 'b' }, { name: 'a\x1b' }] };
        const type = given?.['typename'] as string;
        asked.push(type);
        return lacks.some((start) => type.startsWith(start)) ? notFound : { ok: true, value: [] };
      }),
    );
}

describe('guestVocabularyOf', () => {
  test('sorted, and with nothing that a terminal acts upon', async () => {
    expect((await guestVocabularyOf(qemu([]))).cpuModels).toEqual(['a\\x1b', 'b']);
  });

  test('a type made of another is not asked for where that one is missing: QEMU would end', async () => {
    const asked: string[] = [];
    const { deviceTypes } = await guestVocabularyOf(qemu(['virtio-gpu-gl-device', 'qxl'], asked));
    expect(deviceTypes).toMatchObject({
      qxl: false,
      'qxl-vga': false,
      e1000: true,
      'virtio-gpu-gl-pci': false,
      'virtio-vga-gl': false,
      'virtio-vga': true,
    });
    expect(asked).not.toContain('virtio-vga-gl');
    expect(asked).toContain('virtio-vga');
    // a part is no device that a guest is given
    expect(deviceTypes).not.toHaveProperty('virtio-gpu-device');
  });

  test.each([
    ['QEMU ended', () => Promise.reject(new QmpError('closed', 'the peer closed the connection'))],
    ['refused', () => Promise.resolve([{ ok: false, error: new QmpError('command', 'no such command') } as const])],
    ['too many', () => Promise.resolve([{ ok: true, value: Array.from({ length: 4097 }, () => ({})) } as const])],
    ['nonsense', () => Promise.resolve([{ ok: true, value: { name: 'a' } } as const])],
  ])('%s: not known, with the reason', async (_what, ask) => {
    const { cpuModels } = await guestVocabularyOf(ask);
    expect(cpuModels).toMatchObject({
      unknown: 'program-failed',
      detail: expect.stringMatching(/^QEMU did not answer: /) as string,
    });
  });

  test('who gives up is not told that it is unknown', async () => {
    const ask = () => Promise.reject(new QmpError('aborted', 'aborted'));
    await expect(guestVocabularyOf(ask)).rejects.toMatchObject({ kind: 'aborted' });
    await expect(guestVocabularyOf(() => Promise.reject(new TypeError('a bug')))).rejects.toThrow('a bug');
  });
});

import { unknown, type Fact } from '../model/fact.ts';
import { compare } from '../model/finding.ts';
import type { QemuCapabilities } from '../model/generated/host-report.ts';
import { messageOf } from '../model/error.ts';
import { deviceTypesOf } from './device-types.ts';
import { isDeviceNotFound, valueOf, type AskQemu, type QmpOutcome } from './qmp-batch.ts';
import { bounded, textOf } from './qmp-capabilities.ts';
import { QmpError } from './qmp-error.ts';
import { asList, asObject, member } from './qmp-value.ts';

/**
 * What of a QEMU the rest of a guest needs: models of CPUs and types of devices. Unknown, with the reason, where QEMU
 * did not answer: what it said before still counts.
 */
export async function guestVocabularyOf(ask: AskQemu): Promise<Pick<QemuCapabilities, 'cpuModels' | 'deviceTypes'>> {
  return {
    cpuModels: await orUnknown(async () => cpuModelsOf((await ask([{ execute: 'query-cpu-definitions' }]))[0])),
    deviceTypes: await orUnknown(() =>
      deviceTypesOf(async (types) => {
        const command = 'device-list-properties';
        const outcomes = await ask(types.map((typename) => ({ execute: command, arguments: { typename } })));
        return outcomes.map((outcome) => isThere(outcome));
      }),
    ),
  };
}

/** @throws QmpError `aborted` */
async function orUnknown<T>(question: () => Promise<T>): Promise<Fact<T>> {
  try {
    return await question();
  } catch (error) {
    if (!(error instanceof QmpError) || error.kind === 'aborted') throw error;
    return unknown('program-failed', `QEMU did not answer: ${messageOf(error)}`);
  }
}

/** The names of CpuDefinitionInfo (qapi/machine.json), sorted. */
function cpuModelsOf(outcome: QmpOutcome | undefined): string[] {
  return bounded(asList(valueOf(outcome), 'query-cpu-definitions'), 'query-cpu-definitions')
    .map((entry) => textOf(member(asObject(entry, 'a CPU model'), 'name'), 'query-cpu-definitions: name'))
    .sort(compare);
}

/** @throws QmpError where it was refused for another reason than that it is not there */
function isThere(outcome: QmpOutcome): boolean {
  if (isDeviceNotFound(outcome)) return false;
  valueOf(outcome);
  return true;
}

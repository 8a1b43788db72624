import { VdpaQemuError } from '../model/error.ts';
import { isEmpty } from './kernel-range.ts';
import type { ParentRow } from '../model/generated/parent-knowledge.ts';
import validate from '../model/generated/parent-knowledge.validate.js';
import { describeSchemaErrors, shownBreaches } from '../spec/schema-errors.ts';
import { parseYaml } from '../spec/yaml-document.ts';

/**
 * Reads an operator's own rows on parent drivers (YAML or JSON, schemas/parent-knowledge.schema.json), for
 * `assessHost(report, {parents})`.
 * @param file name for messages
 * @throws VdpaQemuError bad-input with the first hundred problems in `details`
 */
export function parseParents(text: string, file: string): readonly ParentRow[] {
  const document = parse(text, file);
  if ('line' in document) {
    throw new VdpaQemuError('bad-input', `${file}:${document.line}:${document.column}: ${document.message}`);
  }
  const { data, locate } = document;
  if (!validate(data)) {
    const details = shownBreaches(describeSchemaErrors(validate.errors ?? [])).map(({ path, key, message }) => {
      const { line, column } = locate(path, key);
      return `${file}:${line}:${column}: ${message}`;
    });
    throw new VdpaQemuError('bad-input', `${file}: breaches schemas/parent-knowledge.schema.json`, { details });
  }
  if (data.kernels !== undefined) {
    const { line, column } = locate('', 'kernels');
    throw new VdpaQemuError(
      'bad-input',
      `${file}:${line}:${column}: kernels cannot be given: what is known of kernels stands in our own table only`,
    );
  }
  const faults = data.parents.flatMap(faultsOf).map(({ path, key, message }) => {
    const { line, column } = locate(path, key);
    return `${file}:${line}:${column}: ${message}`;
  });
  if (faults.length > 0) {
    throw new VdpaQemuError('bad-input', `${file}: rows that contradict themselves`, { details: faults });
  }
  return data.parents;
}

/** What a schema cannot say of a row. */
function faultsOf(row: ParentRow, index: number): { path: string; key: string; message: string }[] {
  const path = `/parents/${index}`;
  const label = `parents[${index}]`;
  const faults = [];
  if (row.hazard !== undefined && row.exclusive !== 'no') {
    const message = `${label}.hazard says what else is in the page, so ${label}.exclusive must be "no"; got "${row.exclusive}"`;
    faults.push({ path, key: 'hazard', message });
  }
  if (row.kernels !== undefined && isEmpty(row.kernels)) {
    const { from = 'the first', before } = row.kernels;
    const message = `${label}.kernels holds no version: from ${from}, before ${before ?? ''}`;
    faults.push({ path, key: 'kernels', message });
  }
  return faults;
}

function parse(
  text: string,
  file: string,
): Exclude<ReturnType<typeof parseYaml>, readonly unknown[]> | { line: number; column: number; message: string } {
  try {
    const document = parseYaml(text);
    if ('data' in document) return document;
    return document[0] ?? { line: 1, column: 1, message: 'cannot be read as YAML' };
  } catch (cause) {
    if (cause instanceof VdpaQemuError) {
      throw new VdpaQemuError('bad-input', `${file}: ${cause.message}`, { cause });
    }
    throw cause;
  }
}

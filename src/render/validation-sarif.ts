import { createHash } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import type { Validation, ValidationFinding } from '../model/generated/validation.ts';
import { renderJson } from './json.ts';

/** What SARIF tells of a rule. */
export interface SarifRule {
  readonly code: string;
  readonly severity: ValidationFinding['severity'];
  /** what is asked of the document */
  readonly asks: string;
  readonly source: string;
}

const levels = { error: 'error', warning: 'warning', info: 'note' } as const;

/**
 * A SARIF 2.1.0 log with one run: what code scanning of CI systems takes. Codes that no rule here has (spec.*, plan.*,
 * import.*) are rules without a description.
 * @param rules those that could have found something; only those that did are listed
 */
export function renderSarif({ files, findings }: Validation, rules: readonly SarifRule[], version: string): string {
  const codes = [...new Set(findings.map(({ code }) => code))].sort();
  // each once, also where a file is named twice
  const names = [...new Set(files.map(({ file }) => file))];
  const unread = files.filter(({ read }) => !read);
  return renderJson({
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'vdpa-qemu',
            version,
            semanticVersion: version,
            rules: codes.map((code) =>
              ruleOf(
                code,
                rules.find((rule) => rule.code === code),
              ),
            ),
          },
        },
        columnKind: 'utf16CodeUnits',
        artifacts: names.map((file) => ({ location: { uri: uriOf(file) } })),
        invocations: [
          {
            executionSuccessful: unread.length === 0,
            toolExecutionNotifications: unread.map(({ file }) => ({
              level: 'error',
              message: { text: `${file} could not be read` },
              locations: [{ physicalLocation: { artifactLocation: { uri: uriOf(file) } } }],
            })),
          },
        ],
        results: findings.map((finding) => resultOf(finding, codes, names)),
      },
    ],
  });
}

function ruleOf(code: string, rule: SarifRule | undefined): object {
  if (!rule) return { id: code };
  return {
    id: code,
    shortDescription: { text: rule.asks },
    fullDescription: { text: `${rule.asks} Source: ${rule.source}` },
    defaultConfiguration: { level: levels[rule.severity] },
  };
}

function resultOf(finding: ValidationFinding, codes: readonly string[], names: readonly string[]): object {
  const { code, severity, file, path, place, message, fix, by, evidence } = finding;
  const said = by === undefined ? message : `${by}: ${message}`;
  const { line, column, word, option } = place ?? {};
  return {
    ruleId: code,
    ruleIndex: codes.indexOf(code),
    level: levels[severity],
    message: { text: fix === undefined ? said : `${said}\nFix: ${fix}` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: uriOf(file), index: names.indexOf(file) },
          ...(line === undefined
            ? {}
            : { region: { startLine: line, ...(column === undefined ? {} : { startColumn: column }) } }),
        },
        ...(path === '' ? {} : { logicalLocations: [{ fullyQualifiedName: path }] }),
      },
    ],
    partialFingerprints: { 'finding/v1': fingerprintOf(finding) },
    properties: {
      ...(word === undefined ? {} : { word }),
      ...(option === undefined ? {} : { option }),
      ...(evidence === undefined ? {} : { evidence }),
    },
  };
}

/** The same finding in another version of the file, where its line may be another. */
function fingerprintOf({ code, file, path, message }: ValidationFinding): string {
  return createHash('sha256')
    .update(JSON.stringify([code, file, path, message]))
    .digest('hex');
}

/** A relative path stays relative to where the program was run, each part of it encoded. */
function uriOf(file: string): string {
  if (file.startsWith('/')) return pathToFileURL(file).href;
  return file.split('/').map(encodePart).join('/');
}

/** A lone surrogate cannot be encoded. */
function encodePart(part: string): string {
  return encodeURIComponent(new TextDecoder().decode(new TextEncoder().encode(part)));
}

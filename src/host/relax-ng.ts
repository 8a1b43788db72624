import fs from 'node:fs';
import path from 'node:path';
import { messageOf, VdpaQemuError } from '../model/error.ts';
import { isUnknown, printable, unknown, type Fact } from '../model/fact.ts';
import { readBytes } from './files.ts';

/** One thing that a schema says against a document. */
export interface SchemaBreach {
  readonly message: string;
  /** from 1; undefined where libxml2 does not know it */
  readonly line: number | undefined;
  /** XPath; undefined where libxml2 does not know it */
  readonly xpath: string | undefined;
}

/** As much of libxml2-wasm as is used here. */
interface Libxml2 {
  readonly XmlDocument: {
    fromBuffer(source: Uint8Array, options: { url: string }): Disposable;
    fromString(source: string): Disposable;
  };
  readonly RelaxNGValidator: { fromDoc(rng: Disposable): Disposable & { validate(document: Disposable): void } };
  xmlRegisterInputProvider(provider: InputProvider): boolean;
}

interface Disposable {
  dispose(): void;
}

interface InputProvider {
  match(file: string): boolean;
  open(file: string): number | undefined;
  read(fd: number, buffer: Uint8Array): number;
  close(fd: number): boolean;
}

/** import(), where this module was loaded by loadBundle() in code-cache.ts. */
declare const __import: ((name: string) => Promise<unknown>) | undefined;

const packageName = 'libxml2-wasm' as string;
const maxBreaches = 20;

/**
 * Checks an XML text against a RELAX NG schema file, in this process.
 * @param text a document that was found well-formed and without a document type before: libxml2 gets it as it is
 * @param schema of the machine; the files that it includes lie beside it
 * @returns what the schema says against it; unknown: ENOENT no such schema, `no-tool` libxml2-wasm is not installed
 * @throws VdpaQemuError bad-input where libxml2 cannot read the text, or system where it cannot read the schema
 */
export async function validateWithRelaxNg(text: string, schema: string): Promise<Fact<readonly SchemaBreach[]>> {
  const bytes = readBytes(schema);
  if (isUnknown(bytes)) return bytes;
  let xml: Libxml2;
  try {
    xml = (await (typeof __import === 'undefined' ? import(packageName) : __import(packageName))) as Libxml2;
  } catch (cause) {
    return unknown('no-tool', `the package ${packageName} cannot be loaded: ${messageOf(cause)}`);
  }
  allowFolderOf(schema, xml);
  const opened: Disposable[] = [];
  const open = <T extends Disposable>(one: T): T => {
    opened.unshift(one);
    return one;
  };
  try {
    const validator = made('system', schema, () => {
      const grammar = open(xml.XmlDocument.fromBuffer(bytes, { url: schema }));
      return open(xml.RelaxNGValidator.fromDoc(grammar));
    });
    const document = made('bad-input', 'the document', () => open(xml.XmlDocument.fromString(text)));
    return breachesOf(() => validator.validate(document));
  } finally {
    for (const one of opened) one.dispose();
  }
}

function made<T>(code: 'system' | 'bad-input', what: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw new VdpaQemuError(code, `libxml2 cannot read ${what}: ${printable(messageOf(cause)).slice(0, 500)}`, {
      cause,
    });
  }
}

function breachesOf(validate: () => void): SchemaBreach[] {
  try {
    validate();
    return [];
  } catch (thrown) {
    const details = (thrown as { details?: { message: string; line: number; xpath?: string }[] }).details;
    if (details === undefined || details.length === 0) throw thrown;
    return details.slice(0, maxBreaches).map(({ message, line, xpath }) => ({
      message: printable(message.trim()).slice(0, 500),
      line: line > 0 ? line : undefined,
      xpath,
    }));
  }
}

/** Folders whose .rng files libxml2 may open; it opens no other file. */
const allowed = new Set<string>();

const allowedFiles: InputProvider = {
  match: isAllowed,
  open: (file) => {
    try {
      return isAllowed(file) ? fs.openSync(file, 'r') : undefined;
    } catch {
      return undefined;
    }
  },
  read: (fd, buffer) => fs.readSync(fd, buffer, 0, buffer.byteLength, null),
  close: (fd) => {
    fs.closeSync(fd);
    return true;
  },
};

function isAllowed(file: string): boolean {
  return allowed.has(path.dirname(file)) && file.endsWith('.rng');
}

/** Registered once: libxml2 has room for 15 providers in all (xmlIO.c: MAX_INPUT_CALLBACK). */
function allowFolderOf(schema: string, xml: Libxml2): void {
  if (allowed.size === 0) xml.xmlRegisterInputProvider(allowedFiles);
  allowed.add(path.dirname(schema));
}

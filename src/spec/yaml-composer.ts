import { Composer, Lexer, Parser, type CST, type Document, type LineCounter } from 'yaml';
import { VdpaQemuError } from '../model/error.ts';

/** One thing that the parser does not like. */
export interface YamlFault {
  /** in characters */
  readonly offset: number;
  readonly message: string;
  /** it can be read all the same */
  readonly warning: boolean;
}

/**
 * Deeper than any document that is read here. Composing recurses: far deeper, the stack ends, and a regular expression
 * that is compiled just there ends the whole process ("RegExpCompiler Allocation failed").
 */
export const maxDepth = 64;

/**
 * YAML 1.2 with its core schema, and no tags besides: `!!binary` would decode what it is given. Keys that come twice are
 * looked for in yaml-keys.ts: the parser's own check is quadratic.
 */
const options = {
  version: '1.2',
  schema: 'core',
  resolveKnownTags: false,
  prettyErrors: false,
  logLevel: 'error',
  uniqueKeys: false,
  strict: true,
  merge: false,
} as const;

/** `%YAML 1.1`, with which `yes` is true and 1:30 is 90. */
const otherVersion = /^%YAML(?:[ \t]+(?!1\.2[ \t]*(?:#|$))|$)/;

/** Ends composing from within: the parser has no other way. */
const enough = new Error('enough faults');

export interface ComposeOptions {
  /** is told where lines begin */
  readonly lineCounter: LineCounter;
  /** a text of one document: an empty one, too, is a document, and a second one is a fault */
  readonly single: boolean;
  /** is told of each fault, and says whether to go on */
  readonly fault: (fault: YamlFault) => boolean;
}

/**
 * Composes the documents of a YAML text, one after another, as far as they are asked for. What is wrong goes to `fault`,
 * not to the documents: the parser makes an Error of each, which takes it seconds where 1 MiB is full of them.
 * @throws VdpaQemuError bad-input where the text is nested too deeply, or has far more signs than words
 */
export function* composeYaml(text: string, { lineCounter, single, fault }: ComposeOptions): Generator<Document> {
  let stopped = false;
  const tell = (offset: number, message: string, warning = false): void => {
    stopped ||= !fault({ offset, message, warning });
    if (stopped) throw enough;
  };
  const composer = new Composer(options);
  // private in its types; every fault but those of the token stream goes through it
  composer['onError'] = (source: ErrorSource, _code: string, message: string, warning?: boolean): void => {
    tell(offsetOf(source), message, warning);
  };
  try {
    let begun = false;
    for (const token of tokensOf(text, lineCounter)) {
      if (token.type === 'error') tell(token.offset, `${token.message}: ${JSON.stringify(token.source)}`);
      else if (token.type === 'directive' && otherVersion.test(token.source)) {
        tell(token.offset, `YAML 1.2 is read here; got ${JSON.stringify(token.source.slice(0, 40))}`);
      } else if (token.type === 'document' && single && begun) {
        tell(token.offset, 'More than one YAML document');
        break;
      } else yield* composer.next(token);
      begun ||= token.type === 'document';
    }
    yield* composer.end(single, text.length);
  } catch (thrown) {
    if (thrown !== enough) throw thrown;
  }
}

type ErrorSource = number | readonly number[] | { readonly offset: number };

function offsetOf(source: ErrorSource): number {
  if (typeof source === 'number') return source;
  return 'offset' in source ? source.offset : (source[0] ?? 0);
}

/** The top-level tokens; a document is one. */
function* tokensOf(text: string, lineCounter: LineCounter): Generator<CST.Token> {
  const parser = new Parser(lineCounter.addNewLine);
  lineCounter.addNewLine(0);
  // reports and specs have one for every four characters; to read a million of them takes seconds
  const most = 100_000 + Math.floor(0.3 * text.length);
  let count = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (++count > most) throw new VdpaQemuError('bad-input', `cannot be read as YAML: more than ${most} tokens`);
    yield* parser.next(lexeme);
    if (parser.stack.length > maxDepth + 1) {
      throw new VdpaQemuError('bad-input', 'cannot be read as YAML: nested too deeply');
    }
  }
  yield* parser.end();
}

import { isNode, parseDocument } from 'yaml';
import type { z } from 'zod';
import { placeInJson } from './json-places.ts';
import type { TraceSource } from './trace-format.ts';
import { issueAt, type Span, type TraceIssue } from './trace-issue.ts';

/** Beyond it a YAML text takes gigabytes to read; JSON has no such bound. */
const YAML_CHARS_MAX = 16 * 1024 * 1024;
const ISSUES_MAX = 20;

/** A YAML or JSON text, and where its values stand. */
export interface YamlSource {
  readonly value: unknown;
  /** Where the value at `path`, or the nearest around it, stands. */
  span(path: readonly PropertyKey[]): Span;
}

export type ReadYaml =
  | { readonly ok: true; readonly document: YamlSource }
  | { readonly ok: false; readonly issues: readonly TraceIssue[] };

export function readYaml(source: TraceSource): ReadYaml {
  const { text } = source;
  if (/^\s*[[{]/.test(text.slice(0, 1000))) {
    const value = asJson(text);
    if (value !== undefined)
      return { ok: true, document: { value, span: (path) => placeInJson(text, path) } };
  }
  if (text.length > YAML_CHARS_MAX) {
    const message = `YAML of more than ${YAML_CHARS_MAX / 1024 ** 2} MiB`;
    return fails(
      source,
      { start: 0, end: 1 },
      message,
      'JSON, as `kubectl get … -o json` writes it',
    );
  }
  try {
    const document = parseDocument(text, options);
    const [error] = document.errors;
    if (error !== undefined) {
      const [start, end] = error.pos;
      const message = error.message.split('\n')[0]!;
      const isDeep = /call stack/.test(message);
      return fails(source, { start, end }, isDeep ? 'it is nested too deeply' : message);
    }
    const value: unknown = document.toJS();
    return { ok: true, document: { value, span: (path) => spanIn(document, path) } };
  } catch (error) {
    // What the parser cannot take it throws: aliases that never end, nesting deeper than the stack.
    if (!(error instanceof Error)) throw error;
    return fails(source, { start: 0, end: 1 }, 'it cannot be read as YAML');
  }
}

const options = {
  schema: 'core',
  prettyErrors: false,
  logLevel: 'silent',
  uniqueKeys: false,
} as const;

function fails(source: TraceSource, span: Span, message: string, expected?: string): ReadYaml {
  return { ok: false, issues: [issueAt(source, span, message, expected)] };
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}

type Document = ReturnType<typeof parseDocument>;

function spanIn(document: Document, path: readonly PropertyKey[]): Span {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (!isNode(node) || node.range == null) continue;
    const [start, end] = node.range;
    return { start, end };
  }
  return { start: 0, end: 1 };
}

/** What a schema has against a document, each with its place. */
export function schemaIssues(
  source: TraceSource,
  document: YamlSource,
  error: z.ZodError,
): TraceIssue[] {
  return error.issues.slice(0, ISSUES_MAX).map((issue) => {
    const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
    const { message, expected } = parted(issue.message);
    return { ...issueAt(source, document.span(path), message, expected), path };
  });
}

/** `Invalid input: expected number, received string` as what it is and what it should be. */
function parted(text: string): { message: string; expected?: string } {
  const [said = text, wanted] = text.split(/:? expected /);
  if (wanted === undefined) return { message: said };
  const [, expected, received] = /^(.+), received (\w+)$/.exec(wanted) ?? [];
  if (expected === undefined || received === undefined) return { message: said, expected: wanted };
  const message = received === 'undefined' ? 'it is missing' : `it is ${withArticle(received)}`;
  return { message, expected: withArticle(expected) };
}

const withArticle = (noun: string): string =>
  noun === 'null' || noun === 'NaN' ? noun : `${/^[aeio]/.test(noun) ? 'an' : 'a'} ${noun}`;

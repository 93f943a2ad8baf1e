export type Path = readonly (string | number)[];

/** A span of the text, in UTF-16 code units; `end` is not included. */
export interface Range {
  readonly start: number;
  readonly end: number;
  /** Of another file than the document itself: its name. */
  readonly file?: string;
}

/** What is wrong, before anybody knows where in the text it stands. */
export interface Problem {
  readonly severity?: 'warning';
  readonly path: Path;
  readonly message: string;
  readonly expected?: string | undefined;
  readonly suggestion?: string | undefined;
  /** A misspelt word and what it may have meant: searched only for the problems that are shown. */
  readonly near?: { readonly word: string; readonly words: readonly string[] };
  /** What to underline: the key or the value at `path`, or a span. The value when not said. */
  readonly at?: 'key' | 'value' | Range;
  /** Of the text at `path`: what is wrong begins at this character, from 0. */
  readonly within?: number;
}

/** One thing that is wrong with a document, and where. */
export interface Issue {
  readonly severity: 'error' | 'warning';
  readonly path: Path;
  readonly message: string;
  /** What would be right, as a phrase. */
  readonly expected?: string;
  /** What was probably meant. */
  readonly suggestion?: string;
  /** Where it stands in another file than the document itself: its name. */
  readonly file?: string;
  /** From 1; columns count UTF-16 code units, as editors do. */
  readonly line: number;
  readonly column: number;
  /** Behind the last underlined character, on the same line. */
  readonly endColumn: number;
  /** From 0, in UTF-16 code units. */
  readonly offset: number;
}

export function printPath(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[\w-]{1,64}$/.test(part)) text += text === '' ? part : `.${part}`;
    else text += `[${JSON.stringify(part.slice(0, 64).toWellFormed())}]`;
  }
  return text;
}

import { z } from 'zod';

/** A file of the source as it was when it was listed. A change of `size` or `modified` means another file. */
export interface SourceFile {
  /** Below the source, with `/`; empty for the source itself when that is a file. */
  readonly path: string;
  readonly size: number;
  /** Nanoseconds since 1970, as text: no number holds them. */
  readonly modified: string;
}

const kept = { path: z.string(), size: z.int().nonnegative(), modified: z.string() };
const lineForm = z.discriminatedUnion('kind', [
  /** All of the file is at the destination. */
  z.strictObject({ kind: z.literal('file'), ...kept, sum: z.string() }),
  /** So many bytes of it are on the disk there, and this is their sum. */
  z.strictObject({
    kind: z.literal('part'),
    ...kept,
    offset: z.int().nonnegative(),
    sum: z.string(),
  }),
]);
type Line = z.output<typeof lineForm>;

export const fileLine = (file: SourceFile, sum: string): string =>
  encode({ kind: 'file', ...plain(file), sum });

export const partLine = (file: SourceFile, offset: number, sum: string): string =>
  encode({ kind: 'part', ...plain(file), offset, sum });

const plain = ({ path, size, modified }: SourceFile): SourceFile => ({ path, size, modified });
const encode = (line: Line): string => `${JSON.stringify(line)}\n`;

/** What a transfer that was cut off had done, as far as it wrote that down. */
export interface Done {
  /** The sums of whole files, by path. */
  readonly files: ReadonlyMap<string, { readonly file: SourceFile; readonly sum: string }>;
  readonly part:
    | { readonly file: SourceFile; readonly offset: number; readonly sum: string }
    | undefined;
}

/** Reads what was written up to a crash: a last line that was cut off, and whatever follows it, counts for nothing. */
export function readProgress(text: string): Done {
  const files = new Map<string, { readonly file: SourceFile; readonly sum: string }>();
  let part: Done['part'];
  for (const written of text.split('\n').slice(0, -1)) {
    const line = lineOf(written);
    if (line === undefined) break;
    const file = plain(line);
    if (line.kind === 'file') {
      files.set(line.path, { file, sum: line.sum });
      part = undefined;
    } else {
      part = { file, offset: line.offset, sum: line.sum };
    }
  }
  return { files, part };
}

function lineOf(text: string): Line | undefined {
  try {
    return lineForm.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

export const isSame = (a: SourceFile, b: SourceFile): boolean =>
  a.path === b.path && a.size === b.size && a.modified === b.modified;

/** As sha256sum prints it: of these lines the sum of a folder is made. */
export const sumLine = (path: string, sum: string): string => `${sum}  ${path}\n`;

import { kubernetesPods } from './kubernetes-pods.ts';
import { kueueGenerator } from './kueue-generator.ts';
import { openb } from './openb.ts';
import { sacct } from './sacct.ts';
import { swf } from './swf.ts';
import { tiresias } from './tiresias.ts';
import type { TraceFormat } from './trace-format.ts';

/** All formats that files of traces may have; the first that recognises a file is its. */
export const traceFormats: readonly TraceFormat[] = [
  openb,
  tiresias,
  sacct,
  kueueGenerator,
  kubernetesPods,
  swf,
];

/** So many characters of a file tell its format. */
export const HEAD_CHARS = 8_192;

export const traceFormat = (name: string): TraceFormat | undefined =>
  traceFormats.find((format) => format.name === name);

/** The format of a file, by its beginning and its name; undefined where it looks like none. */
export function detectFormat(file: string, head: string): TraceFormat | undefined {
  const start = head.slice(0, HEAD_CHARS);
  return traceFormats.find((format) => format.recognises(file, start));
}

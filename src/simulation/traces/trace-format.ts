import type { Node } from '../../model/node.ts';
import type { Trace } from '../trace.ts';
import type { TraceIssue } from './trace-issue.ts';

/** A file of a trace, decompressed. */
export interface TraceSource {
  readonly file: string;
  readonly text: string;
}

/** What whoever reads a trace knows beyond it. */
export interface ReadOptions {
  /** It ran on one machine of so many processors, whatever the trace says. */
  readonly procs?: number;
  /** It is replayed on these: what is larger than all of them is left out, and what no one node holds is split. */
  readonly nodes?: readonly Node[];
  /** Only so many of its first jobs. */
  readonly limit?: number;
}

export type ReadTrace =
  | { readonly ok: true; readonly trace: Trace }
  | { readonly ok: false; readonly issues: readonly TraceIssue[] };

/** One way in which traces are written down. */
export interface TraceFormat {
  readonly name: string;
  /** For people: whose it is, and which files it takes. */
  readonly what: string;
  /** Whether a file looks like one of this format, by its name and its first few thousand characters. */
  recognises(file: string, head: string): boolean;
  /** Never throws, whatever the texts are. */
  read(sources: readonly TraceSource[], options: ReadOptions): ReadTrace;
}

/** The name of a trace: that of its file, without folders and endings. */
export function traceName(file: string): string {
  const base = file.slice(file.lastIndexOf('/') + 1);
  return base.replace(/(\.(gz|zst|swf|csv|txt|json|ya?ml))+$/i, '') || base;
}

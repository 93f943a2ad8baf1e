import type { HostReader, ReadProblem } from './host-reader.ts';

/** Reads one thing of a host. A probe that fails never hides the others. */
export interface Probe<Name extends string = string, T = unknown> {
  readonly name: Name;
  /** `fast` probes may run every second: all of them together take less than half a millisecond of CPU. */
  readonly cost: 'fast' | 'slow';
  read(host: HostReader): ProbeOutcome<T> | Promise<ProbeOutcome<T>>;
}

export type ProbeOutcome<T> =
  | { readonly kind: 'found'; readonly value: T; readonly problems: readonly ReadProblem[] }
  /** This host has no such thing, and that is a full answer. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed'; readonly problem: ReadProblem };

export function defineProbe<const Name extends string, T>(probe: Probe<Name, T>): Probe<Name, T> {
  return Object.freeze(probe);
}

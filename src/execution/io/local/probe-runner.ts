import { setTimeout as wait } from 'node:timers/promises';
import type { AttemptId } from '../../../model/ids.ts';
import type { ProbeKind } from '../../../model/service.ts';
import type { ProbeTarget, ResolvedProbe } from '../../../runtime/probe-target.ts';
import { tryProbe } from './try-probe.ts';

/** Tries at once: programs that are run cost a process each. */
const AT_ONCE_MAX = 32;
/** Until it has succeeded once, readiness is tried after so long, then twice as long, up to its interval. */
const FIRST_GAP_MS = 250;

export interface ProbeVerdict {
  readonly attempt: AttemptId;
  readonly probe: ProbeKind;
  readonly ok: boolean;
  readonly detail: string;
}

interface Watched {
  readonly kinds: string;
  readonly over: AbortController;
}

/**
 * Tries the probes of what runs, and tells when one has succeeded or failed as often in a row as it takes. It
 * remembers nothing: after a crash of the daemon it is told again what to watch, and begins to count anew.
 */
export class ProbeRunner {
  readonly #onVerdict: (verdict: ProbeVerdict) => void;
  readonly #now: () => number;
  readonly #watched = new Map<AttemptId, Watched>();
  readonly #turns: (() => void)[] = [];
  #busy = 0;

  constructor(deps: {
    readonly onVerdict: (verdict: ProbeVerdict) => void;
    readonly now: () => number;
  }) {
    this.#onVerdict = deps.onVerdict;
    this.#now = deps.now;
  }

  /** What is tried of an attempt from now on; nothing, where the target is undefined. */
  watch(attempt: AttemptId, target: ProbeTarget | undefined): void {
    const kinds = target?.probes.map(({ kind }) => kind).join() ?? '';
    const before = this.#watched.get(attempt);
    if ((before?.kinds ?? '') === kinds) return;
    before?.over.abort();
    this.#watched.delete(attempt);
    if (target === undefined || kinds === '') return;
    const over = new AbortController();
    this.#watched.set(attempt, { kinds, over });
    for (const { kind, spec } of target.probes) void this.#run(target, kind, spec, over.signal);
  }

  close(): void {
    for (const { over } of this.#watched.values()) over.abort();
    this.#watched.clear();
  }

  async #run(
    target: ProbeTarget,
    kind: ProbeKind,
    spec: ResolvedProbe,
    signal: AbortSignal,
  ): Promise<void> {
    const { everyMs, timeoutMs, initialDelayMs } = spec;
    await pause(Math.max(0, target.startedAt + initialDelayMs - this.#now()), signal);
    let gap = kind === 'readiness' ? Math.min(FIRST_GAP_MS, everyMs) : everyMs;
    let inRow = 0;
    let last: boolean | undefined;
    let told: boolean | undefined;
    while (!signal.aborted) {
      await this.#turn();
      const { ok, detail } = await tryProbe(spec.check, target, { timeoutMs, signal }).finally(() =>
        this.#done(),
      );
      if (signal.aborted) return;
      inRow = ok === last ? inRow + 1 : 1;
      last = ok;
      if (told !== ok && inRow >= (ok ? spec.successes : spec.failures)) {
        told = ok;
        this.#onVerdict({ attempt: target.attempt, probe: kind, ok, detail });
      }
      await pause(gap, signal);
      gap = ok ? everyMs : Math.min(gap * 2, everyMs);
    }
  }

  #turn(): Promise<void> {
    if (this.#busy < AT_ONCE_MAX) {
      this.#busy++;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#turns.push(resolve));
  }

  /** Gives the turn to the next that waits, or back. */
  #done(): void {
    const next = this.#turns.shift();
    if (next === undefined) this.#busy--;
    else next();
  }
}

/** Resolves early when the signal aborts. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(ms, undefined, { signal, ref: false });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

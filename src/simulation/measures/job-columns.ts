/** What is known of each job of a trace, in its order: the same index is the same job in every run of it. */
export interface JobColumns {
  readonly count: number;
  /** Milliseconds since the beginning of the time of the trace; NaN where it never came to that. */
  readonly submittedAt: Float64Array;
  readonly startedAt: Float64Array;
  readonly endedAt: Float64Array;
  /** How long it runs when it has the machines to itself. */
  readonly aloneMs: Float64Array;
  /** Its time from submission to end, of what it would take with its tenant's part of the site (Themis' ρ). */
  readonly finishRatio: Float64Array;
  readonly state: Uint8Array;
  /** Of the names of the groups; see `JobGroups`. */
  readonly queue: Uint32Array;
  readonly tenant: Uint32Array;
  readonly size: Uint32Array;
}

export const JOB = {
  refused: 0,
  /** Waits, or runs. */
  active: 1,
  /** It came to the end that its trace says. */
  done: 2,
  /** It ended otherwise: it was given up, or cancelled. */
  lost: 3,
} as const;

/** Below this, the length of a job does not matter to its slowdown (Feitelson 2001), in milliseconds. */
export const SLOWDOWN_BOUND_MS = 10_000;

const FIRST_ROOM = 1_024;

type Column = Exclude<keyof JobColumns, 'count'>;
const kinds = {
  submittedAt: Float64Array,
  startedAt: Float64Array,
  endedAt: Float64Array,
  aloneMs: Float64Array,
  finishRatio: Float64Array,
  state: Uint8Array,
  queue: Uint32Array,
  tenant: Uint32Array,
  size: Uint32Array,
} as const satisfies Record<Column, unknown>;
const names = Object.keys(kinds) as Column[];

type Columns = { -readonly [K in Column]: JobColumns[K] };

/** Grows job by job; some 53 bytes of each. */
export class JobTable {
  readonly columns: Columns;
  #count = 0;

  constructor() {
    const made = names.map((name) => [name, new kinds[name](FIRST_ROOM)]);
    this.columns = Object.fromEntries(made) as unknown as Columns;
  }

  get count(): number {
    return this.#count;
  }

  /** A job that is about to be told of; its index. */
  add(): number {
    const index = this.#count++;
    if (index === this.columns.state.length) this.#grow();
    const { startedAt, endedAt, finishRatio } = this.columns;
    startedAt[index] = Number.NaN;
    endedAt[index] = Number.NaN;
    finishRatio[index] = Number.NaN;
    return index;
  }

  /** A copy of its own length. */
  take(): JobColumns {
    const cut = names.map((name) => [name, this.columns[name].slice(0, this.#count)]);
    return { count: this.#count, ...(Object.fromEntries(cut) as unknown as Columns) };
  }

  #grow(): void {
    const columns = this.columns as unknown as Record<Column, Float64Array>;
    for (const name of names) {
      const before = columns[name];
      const after = new kinds[name](before.length * 2) as Float64Array;
      after.set(before);
      columns[name] = after;
    }
  }
}

export const waitMs = ({ submittedAt, startedAt }: JobColumns, job: number): number =>
  startedAt[job]! - submittedAt[job]!;

/** From submission to end. */
export const completionMs = ({ submittedAt, endedAt }: JobColumns, job: number): number =>
  endedAt[job]! - submittedAt[job]!;

/**
 * Bounded slowdown: max(1, (wait + run) / max(run, 10 s)), where wait + run is the time from submission to end,
 * and run is what it takes undisturbed.
 */
export function slowdown(columns: JobColumns, job: number): number {
  const run = Math.max(columns.aloneMs[job]!, SLOWDOWN_BOUND_MS);
  return Math.max(1, completionMs(columns, job) / run);
}

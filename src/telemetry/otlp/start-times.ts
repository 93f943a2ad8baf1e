/** When machine and daemon began, in milliseconds since 1970. */
export interface Beginnings {
  readonly machine: number;
  readonly daemon: number;
}

/** Of readings that come no more, so many exports later. */
const FORGET_AFTER = 60;

interface Known {
  startedAt: number;
  value: number;
  at: number;
  seen: number;
}

/**
 * Since when each counter counts, as OpenTelemetry wants to know it: the same moment as long as it grows, and a new one
 * after it began anew. Where that is not known, a series begins with its first value, which then says nothing of a rate.
 */
export class StartTimes {
  readonly #beginnings: Beginnings;
  readonly #known = new Map<string, Known>();
  #exports = 0;
  /** When the export before this one was made. */
  #before: number | undefined;

  constructor(beginnings: Beginnings) {
    this.#beginnings = beginnings;
  }

  /** @param at when it was read. @returns no later than `at`. */
  startOf(family: string, key: string, reading: { value: number; at: number }): number {
    const { value, at } = reading;
    const known = this.#known.get(key);
    if (known === undefined) {
      const startedAt = Math.min(at, this.#firstStart(family, at));
      this.#known.set(key, { startedAt, value, at, seen: this.#exports });
      return startedAt;
    }
    if (value < known.value) known.startedAt = Math.min(at, known.at);
    Object.assign(known, { value, at, seen: this.#exports });
    return Math.min(at, known.startedAt);
  }

  /** An export was made. */
  end(at: number): void {
    this.#before = at;
    this.#exports++;
    for (const [key, { seen }] of this.#known) {
      if (this.#exports - seen > FORGET_AFTER) this.#known.delete(key);
    }
  }

  #firstStart(family: string, at: number): number {
    const before = this.#before;
    if (family.startsWith('berth_node_'))
      return before === undefined ? this.#beginnings.machine : at;
    if (family.startsWith('berth_gpu_')) return at;
    // A cgroup counts from its making; one that was there before this daemon did so at an unknown time.
    if (family.startsWith('berth_task_')) return before ?? at;
    return before ?? this.#beginnings.daemon;
  }
}

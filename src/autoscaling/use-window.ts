interface Reading {
  /** On a clock that is never set. */
  readonly atMs: number;
  /** CPU time since the start, in µs. */
  readonly cpuUs: number;
}

/** What a process tree used of the CPU in the last while, from its counter. */
export class UseWindow {
  /** Oldest first: one that is as old as the window, and those after it. */
  #readings: Reading[] = [];

  /** A counter that went back began anew: what it was before is of no use. */
  note(reading: Reading, windowMs: number): void {
    const last = this.#readings.at(-1);
    if (last !== undefined && reading.cpuUs < last.cpuUs) this.#readings = [];
    if (last !== undefined && reading.atMs <= last.atMs) return;
    this.#readings.push(reading);
    const from = reading.atMs - windowMs;
    const first = this.#readings.findLastIndex(({ atMs }) => atMs <= from);
    this.#readings = this.#readings.slice(Math.max(0, first));
  }

  /** In thousandths of a CPU, on average; undefined until the window is full. */
  milliCpu(windowMs: number): number | undefined {
    const [first, last] = [this.#readings[0], this.#readings.at(-1)];
    if (first === undefined || last === undefined || last.atMs - first.atMs < windowMs) {
      return undefined;
    }
    return (last.cpuUs - first.cpuUs) / (last.atMs - first.atMs);
  }
}

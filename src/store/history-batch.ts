/**
 * What was measured in the last seconds, as it lies in the file until its minute is complete:
 * moment, count, and as often the number of a series and its value.
 */
export class HistoryBatch {
  #bytes = new Uint8Array(65_536);
  #view = new DataView(this.#bytes.buffer);
  #end = 0;
  #countAt = 0;
  #count = 0;
  #began = 0;

  /** Whether it is time to write it: it is some seconds old, or large. */
  isDue(at: number): boolean {
    return this.#end > 0 && (Math.abs(at - this.#began) >= BATCH_MS || this.#end >= BATCH_BYTES);
  }

  begin(at: number): void {
    this.#reserve(12);
    if (this.#end === 0) this.#began = at;
    this.#view.setFloat64(this.#end, at);
    this.#countAt = this.#end + 8;
    this.#end += 12;
    this.#count = 0;
  }

  add(series: number, value: number): void {
    this.#reserve(12);
    this.#view.setUint32(this.#end, series);
    this.#view.setFloat64(this.#end + 4, value);
    this.#view.setUint32(this.#countAt, ++this.#count);
    this.#end += 12;
  }

  /** What it holds, which it forgets; it is overwritten by what is added next. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#end);
    this.#end = 0;
    return taken;
  }

  get isEmpty(): boolean {
    return this.#end === 0;
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(this.#bytes.length * 2);
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** A crash loses less: nine seconds and the one that is being measured. */
const BATCH_MS = 9_000;
const BATCH_BYTES = 1_048_576;

/** The samples of a batch; ends where bytes are missing. */
export function* samplesOf(
  data: Uint8Array,
): Iterable<{ readonly at: number; readonly series: number; readonly value: number }> {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  for (let next = 0; next + 12 <= data.length; ) {
    const at = view.getFloat64(next);
    const end = next + 12 + 12 * view.getUint32(next + 8);
    for (next += 12; next < end && next + 12 <= data.length; next += 12) {
      yield { at, series: view.getUint32(next), value: view.getFloat64(next + 4) };
    }
  }
}

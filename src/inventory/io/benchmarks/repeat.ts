import { type BaselineName, type Measurement, spreadOf } from '../../baseline.ts';

/** What one benchmark may use. */
export interface Budget {
  readonly repeats: number;
  /** Of one repeat of one figure. */
  readonly milliseconds: number;
  /** Ends what runs; what was measured until then is kept. */
  readonly signal: AbortSignal;
}

/** Nanoseconds of the monotonic clock, as a number: exact for some 104 days after boot. */
export const nowNs = (): number => Number(process.hrtime.bigint());

/** Runs a measurement several times; undefined when not even one repeat came to an end. */
export async function repeated(
  name: BaselineName,
  method: string,
  budget: Budget,
  once: () => number | undefined | Promise<number | undefined>,
  note?: string,
): Promise<Measurement | undefined> {
  const values: number[] = [];
  for (let i = 0; i < budget.repeats && !budget.signal.aborted; i++) {
    const value = await once();
    if (value !== undefined && Number.isFinite(value) && value > 0) values.push(value);
  }
  const spread = spreadOf(values);
  return spread === undefined
    ? undefined
    : { name, method, repeats: values.length, ...spread, note };
}

/** Too little of a period has passed to say how it ends. */
const SHARE_MIN = 0.02;

interface Period {
  readonly from: number | null;
  readonly resets_at: number | null;
}

/**
 * What will have been spent when the period ends, at the rate so far: spent × length ÷ elapsed. Undefined where the
 * period is not known, has just begun or is over.
 */
export function projectedEnd(spent: number, period: Period, now: number): number | undefined {
  const { from, resets_at: until } = period;
  if (from === null || until === null || now >= until) return undefined;
  const share = (now - from) / (until - from);
  return share < SHARE_MIN ? undefined : spent / share;
}

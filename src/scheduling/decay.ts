import { UNLIMITED } from '../base/units.ts';

/**
 * Powers of one half in fixed point. A half-life is cut into 64 steps; usage keeps its worth within a step
 * and is multiplied by 2^(−1/64) at each step's end, rounded down. So a value is at most 1.1 % above that of a
 * continuous decay, the same for everybody, and the same on every machine.
 */
const FRACTION_BITS = 26;
export const ONE = 2 ** FRACTION_BITS;
export const STEPS_PER_HALF_LIFE = 64;

/** value × factor / ONE, rounded down; exact while factor ≤ ONE, because no product passes 2^53. */
export function scaleFixed(value: number, factor: number): number {
  const high = Math.floor(value / ONE);
  return high * factor + Math.floor(((value % ONE) * factor) / ONE);
}

/** `powers[i]` is 2^(−i/64), `sums[i]` is powers[1] + … + powers[i]. */
const { powers, sums } = tables();

function tables(): { powers: readonly number[]; sums: readonly number[] } {
  const bits = 60n;
  let root = 1n << (bits - 1n);
  for (let i = 0; i < 6; i++) root = squareRoot(root << bits);
  const powersOfHalf: number[] = [];
  const runningSums: number[] = [0];
  let power = 1n << bits;
  for (let i = 0; i <= STEPS_PER_HALF_LIFE; i++) {
    powersOfHalf.push(Number(power >> (bits - BigInt(FRACTION_BITS))));
    if (i > 0) runningSums.push(runningSums[i - 1]! + powersOfHalf[i]!);
    power = (power * root) >> bits;
  }
  powersOfHalf[STEPS_PER_HALF_LIFE] = ONE / 2;
  return { powers: powersOfHalf, sums: runningSums };
}

/** Rounded down; by Newton's method. */
function squareRoot(n: bigint): bigint {
  let x = 1n << BigInt((n.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (x + n / x) >> 1n;
    if (next >= x) return x;
    x = next;
  }
}

/** 2^(−steps/64) in fixed point. */
export function powerOfHalf(steps: number): number {
  const halvings = Math.floor(steps / STEPS_PER_HALF_LIFE);
  if (halvings > FRACTION_BITS) return 0;
  return Math.floor(powers[steps % STEPS_PER_HALF_LIFE]! / 2 ** halvings);
}

/** What is left of a value after so many steps. */
export function decayed(value: number, steps: number): number {
  const halvings = Math.floor(steps / STEPS_PER_HALF_LIFE);
  if (halvings > 53) return 0;
  return Math.floor(scaleFixed(value, powers[steps % STEPS_PER_HALF_LIFE]!) / 2 ** halvings);
}

/** What is left of `count` equal amounts, one added in each step, after 1 … count steps each. */
export function decayedSeries(amount: number, count: number): number {
  const blocks = Math.floor(count / STEPS_PER_HALF_LIFE);
  const rest = count % STEPS_PER_HALF_LIFE;
  const block = timesFixed(amount, sums[STEPS_PER_HALF_LIFE]!);
  // 1 + 1/2 + … + 1/2^(blocks − 1)
  const whole = blocks === 0 ? 0 : 2 * block - Math.floor(block / 2 ** Math.min(blocks - 1, 53));
  const last = Math.floor(timesFixed(amount, sums[rest]!) / 2 ** Math.min(blocks, 53));
  return Math.min(UNLIMITED, whole + last);
}

/** As `scaleFixed`, for factors above ONE. */
function timesFixed(value: number, factor: number): number {
  return value * Math.floor(factor / ONE) + scaleFixed(value, factor % ONE);
}

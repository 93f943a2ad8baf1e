import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Prng } from '../../src/base/prng.ts';

/** Standard normal, by Box and Muller, from a seed. */
export function normal(prng: Prng): number {
  const u = (prng.next() + 1) / 4_294_967_297;
  const v = prng.next() / 4_294_967_296;
  return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v);
}

/** Noise of variance 1 whose neighbours correlate by `rho`. */
export function noise(seed: number, length: number, rho = 0): number[] {
  const prng = new Prng(seed);
  let last = normal(prng);
  return Array.from({ length }, () => {
    const value = last;
    last = rho * last + Math.sqrt(1 - rho * rho) * normal(prng);
    return value;
  });
}

/** glibc's old generator, so that the same numbers can be made in Python beside an oracle. */
export function congruential(length: number): number[] {
  let x = 1n;
  return Array.from({ length }, () => {
    x = (x * 1_103_515_245n + 12_345n) % 2_147_483_648n;
    return Number(x) / 2_147_483_648;
  });
}

const data = process.env['BERTH_DATA'] ?? join(import.meta.dirname, '../../../shared/data');

/** The second column of a series of the Numenta Anomaly Benchmark; undefined where it is not at hand. */
export function nabSeries(name: string): readonly number[] | undefined {
  try {
    const text = readFileSync(join(data, 'series/nab', `${name}.csv`), 'utf8');
    const lines = text.trim().split('\n').slice(1);
    return lines.map((line) => Number(line.split(',')[1]));
  } catch {
    return undefined;
  }
}

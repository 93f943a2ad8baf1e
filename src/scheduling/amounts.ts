import type { Resources } from '../model/resources.ts';

export function sameCounts(
  a: ReadonlyMap<number, number>,
  b: ReadonlyMap<number, number>,
): boolean {
  if (a.size !== b.size) return false;
  for (const [key, count] of a) if (b.get(key) !== count) return false;
  return true;
}

/** Whoever asks for nothing gets it, even of a node whose capacity shrank below what it holds. */
export const lacks = (free: number, asked: number): boolean => asked > 0 && free < asked;

/** How often `ask` goes into `free`; whoever asks for nothing is never short of it. */
export const times = (free: number, ask: number): number =>
  ask === 0 ? Number.MAX_SAFE_INTEGER : Math.floor(Math.max(0, free) / ask);

export const amountOf = (resources: Resources | undefined, name: string): number =>
  resources?.custom.find(([other]) => other === name)?.[1] ?? 0;

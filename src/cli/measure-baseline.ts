import { compareBaselines } from '../inventory/baseline.ts';
import { type BaselineDocument, baselineDocument } from '../inventory/baseline-document.ts';
import { EXIT } from './exit-codes.ts';
import type { World } from './world.ts';

/**
 * Measures this machine and keeps what was measured; progress goes to stderr. Ctrl-C ends the measuring
 * soon, and then nothing is kept.
 */
export async function measureBaseline(
  world: World,
  scratch: string | undefined,
): Promise<{ readonly document: BaselineDocument; readonly exit: number }> {
  const ending = new AbortController();
  const release = world.onInterrupt(() => ending.abort());
  try {
    const before = (await world.inventories.baselines()).at(-1);
    const baseline = await world.inventories.measure({
      scratch,
      signal: ending.signal,
      progress: (part) => world.note(`measuring ${part}…`),
    });
    if (ending.signal.aborted) {
      world.note('interrupted: this baseline is not kept');
      return { document: baselineDocument(baseline, undefined), exit: EXIT.interrupted };
    }
    const compared = before && {
      takenAt: before.takenAt,
      comparison: compareBaselines(before, baseline),
    };
    return { document: baselineDocument(baseline, compared), exit: EXIT.ok };
  } finally {
    release();
  }
}

/** The newest that is kept, compared with the one before it. */
export async function lastBaseline(world: World): Promise<BaselineDocument | undefined> {
  const kept = await world.inventories.baselines();
  const last = kept.at(-1);
  if (last === undefined) return undefined;
  const before = kept.at(-2);
  return baselineDocument(
    last,
    before && { takenAt: before.takenAt, comparison: compareBaselines(before, last) },
  );
}

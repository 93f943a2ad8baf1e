import type { LockUse } from '../analysis/diagnosis/facts.ts';
import { takeProfile } from './doctor-profile.ts';

/** So many attempts are looked at, each for so long, all of them together. */
const ATTEMPTS_MAX = 16;
const LOOK_MS = 500;

/** Of attempts that run: how many of their threads wait for locks, and how often they change hands. */
export async function lookAtLocks(
  attempts: readonly string[],
  pidsOf: (attempt: string) => readonly number[],
): Promise<readonly LockUse[]> {
  const looked = attempts.slice(0, ATTEMPTS_MAX).map(async (attempt): Promise<LockUse[]> => {
    const profile = await takeProfile({
      pids: () => pidsOf(attempt),
      throttled: () => undefined,
      forMs: LOOK_MS,
    });
    const { threads, inLocks, voluntarySwitches } = profile;
    // One thread waits for nobody.
    if (threads < 2 || voluntarySwitches === undefined) return [];
    return [{ attempt, threads, inLocks, switchesPerSecond: voluntarySwitches }];
  });
  return (await Promise.all(looked)).flat();
}

import { LiveLeases } from '../../src/app/leases.ts';
import { type TimeMs, timeMs } from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import { Loop } from '../../src/runtime/loop.ts';
import { PriorityScheduler } from '../../src/scheduling/priority-scheduler.ts';
import { firstFit } from '../../src/scheduling/scorers/first-fit.ts';
import { silentDriver } from './silent-driver.ts';
import { node } from './workload.ts';

/** Leases over a real engine and loop, with a clock that the test moves; nothing is written or started. */
export function leaseSite(cpu = 2_000) {
  let now = 0;
  let ring: (() => void) | undefined;
  const engine = new Engine(
    { tasksMax: 1_000, endedMax: 100 },
    { scheduler: (deps) => new PriorityScheduler(deps, firstFit) },
  );
  engine.apply({ kind: 'node-joined', at: timeMs(0), node: node('n', { cpu }) });
  const loop: Loop = new Loop(
    { baseEnv: {}, workRoot: '/nowhere', nodePath: 'node' },
    {
      engine,
      journal: { append: () => Promise.resolve() },
      clock: {
        now: () => timeMs(now),
        alarm: (_at, wake) => {
          ring = wake;
        },
      },
      driver: silentDriver,
      onBatch: (events) => leases.noteEvents(events),
      onFatal: (error) => {
        throw error;
      },
    },
  );
  const leases = new LiveLeases({ engine, loop, now: () => timeMs(now) as TimeMs });
  return {
    leases,
    engine,
    /** Time passes, and the loop's alarm rings. */
    async pass(ms: number): Promise<void> {
      now += ms;
      ring?.();
      await loop.send({ kind: 'tick' });
    },
  };
}

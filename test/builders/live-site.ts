import { LookAhead } from '../../src/app/look-ahead.ts';
import { OVERFLOW_MAX, Overflow } from '../../src/app/overflow.ts';
import { LiveSite, type LiveSiteDeps } from '../../src/app/site.ts';
import { timeMs } from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import { CacheStore } from '../../src/execution/io/local/cache-store.ts';
import { Loop } from '../../src/runtime/loop.ts';
import { PriorityScheduler } from '../../src/scheduling/priority-scheduler.ts';
import { firstFit } from '../../src/scheduling/scorers/first-fit.ts';
import { silentDriver } from './silent-driver.ts';
import { node } from './workload.ts';

/** The running site over a real engine and loop; nothing is written or started, and what tells of the host is absent. */
export function liveSite(cpu = 8_000) {
  const at = timeMs(0);
  const engine = new Engine(
    { tasksMax: 1_000, endedMax: 100 },
    { scheduler: (deps) => new PriorityScheduler(deps, firstFit) },
  );
  engine.apply({ kind: 'node-joined', at, node: node('n', { cpu }) });
  const loop = new Loop(
    { baseEnv: {}, workRoot: '/nowhere', nodePath: 'node' },
    {
      engine,
      journal: { append: () => Promise.resolve() },
      clock: { now: () => at, alarm: () => {} },
      driver: silentDriver,
      onBatch: () => {},
      onFatal: (error) => {
        throw error;
      },
    },
  );
  const absent = (): never => {
    throw new Error('this site tells nothing of its host');
  };
  const overflow = new Overflow({
    engine,
    loop,
    file: '/nowhere/spilled.db',
    max: OVERFLOW_MAX,
    now: () => at,
    log: () => {},
  });
  const deps: LiveSiteDeps = {
    engine,
    loop,
    ahead: new LookAhead({ engine, now: () => at, warn: absent }),
    overflow,
    status: absent,
    cache: new CacheStore({ dir: '/nowhere', now: () => at, warn: () => {} }),
    network: absent,
    usage: absent,
    readLog: () => Promise.resolve(undefined),
    inventory: {
      document: absent,
      changes: absent,
      use: absent,
    } as unknown as LiveSiteDeps['inventory'],
    decisionOf: () => undefined,
    now: () => at,
    shutDown: () => {},
  };
  return { engine, loop, site: new LiveSite(deps) };
}

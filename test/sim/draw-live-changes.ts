import { Prng } from '../../src/base/prng.ts';
import { type Bytes, milliCpu, spanMs, type TimeMs } from '../../src/base/units.ts';
import type { TenantId, WorkloadId } from '../../src/model/ids.ts';
import type { World } from '../../src/simulation/world.ts';

const by = 'changer' as TenantId;
const GIB = 1024 ** 3;
const CHANGES_MAX = 30;

/**
 * Half of the worlds have somebody who changes what runs: more and less of it, pauses, other priorities, notices
 * of nodes, moves. Drawn apart, so that the worlds stay what they were. The books of queues and of promised starts
 * count what was placed, so that there nobody gets more or less.
 */
export function drawLiveChanges(
  world: World,
  { seed, ends, resizes }: { seed: number; ends: TimeMs; resizes: boolean },
): void {
  const prng = new Prng(seed ^ 0x6e_11);
  if (!prng.chance(50)) return;
  const left = Number(ends) - Number(world.timeline.now);
  for (let i = prng.between(1, CHANGES_MAX); i > 0; i--) {
    world.timeline.after(spanMs(prng.between(1, left)), () =>
      changeOne(world, prng, prng.between(resizes ? 0 : 2, 6)),
    );
  }
}

function changeOne(world: World, prng: Prng, kind: number): void {
  const { engine } = world;
  if (engine === undefined) return;
  const workload = String(prng.between(1, engine.state.workloadsEver + 1)) as WorkloadId;
  switch (kind) {
    case 0:
      world.ask({ kind: 'adjust', workload, by, cpu: milliCpu(prng.between(1, 8) * 500) });
      break;
    case 1:
      world.ask({ kind: 'adjust', workload, by, memory: (prng.between(1, 16) * GIB) as Bytes });
      break;
    case 2:
      world.ask({ kind: 'adjust', workload, by, priority: prng.between(-10, 10) });
      break;
    case 3:
      world.ask({ kind: 'pause', workload, by });
      break;
    case 4:
      world.ask({ kind: 'unpause', workload, by });
      break;
    case 5: {
      const nodes = engine.state.nodes();
      if (nodes.length === 0) return;
      const deadline = (Number(world.timeline.now) + prng.between(1, 300_000)) as TimeMs;
      world.ask({ kind: 'spot-notice', node: prng.pick(nodes).id, deadline });
      break;
    }
    default:
      world.ask({
        kind: 'rebalance',
        movesMax: prng.between(1, 8),
        settleMs: spanMs(prng.between(1, 60_000)),
      });
  }
}

/** Whoever is paused would stand still for ever. */
export function letAllGoOn(world: World): void {
  for (const workload of world.engine?.state.workloads() ?? []) {
    if (workload.state === 'active') world.ask({ kind: 'unpause', workload: workload.id, by });
  }
}

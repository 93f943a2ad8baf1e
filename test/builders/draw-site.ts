import { Prng } from '../../src/base/prng.ts';
import { drawTree } from './draw-tree.ts';
import { node, Site } from './site.ts';
import { GIB } from './workload.ts';

const START = Date.parse('2026-01-01T00:00:00Z');

/** A random tree in use: some run, some ended, the others wait after a pass. */
export function drawSite(seed: number): { site: Site; prng: Prng } {
  const prng = new Prng(seed);
  const { scheduling, queues } = drawTree(prng);
  const policy = prng.chance(30) ? { preemption: { minRunMs: 0 as never, perQueueHour: 9 } } : {};
  const nodes = Array.from({ length: prng.between(1, 3) }, (_, i) =>
    node(`n${i}`, {
      cpu: prng.between(2, prng.pick([9, 60])) * 1000,
      memory: 16 * GIB,
      gpus: prng.below(4),
    }),
  );
  const site = new Site({ ...scheduling, ...policy }, ...nodes);
  site.now = START;
  for (let i = prng.between(3, 25); i > 0; i--) {
    site.now += prng.below(5) * 1000;
    const timed = prng.chance(80) ? { runMs: prng.between(1, 900) * 1000 } : {};
    site.submit({
      queue: prng.pick(queues),
      tenant: prng.pick(['ada', 'ben', 'eve']),
      cpu: prng.between(1, 6),
      gib: prng.between(0, 12),
      gpu: prng.pick([0, 0, 0, 0.5, 1, 2]),
      count: prng.pick([1, 1, 1, 3]),
      priority: prng.pick([0, 0, 5]),
      ...timed,
    });
    if (prng.chance(60)) site.pass();
    const running = [...site.running.keys()];
    if (running.length > 0 && prng.chance(20)) site.end(prng.pick(running));
  }
  site.pass();
  return { site, prng };
}

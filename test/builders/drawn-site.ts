import { Prng } from '../../src/base/prng.ts';
import { drawTree } from './draw-tree.ts';
import { node, Site } from './site.ts';
import { GIB } from './workload.ts';

/** A site under a drawn tree, in which something waits and something runs; some, or all, of it says for how long. */
export function drawnSite(seed: number, says: 'some' | 'all' = 'some'): Site {
  const prng = new Prng(seed);
  const { scheduling: drawn, queues } = drawTree(prng);
  // What somebody was stopped for is settled by the end of a pass; these sites are looked at before. What is
  // kept for one is given up when that one leaves.
  const { preemption: _, keepAfterMs: __, ...scheduling } = drawn;
  const site = new Site(scheduling, node('n', { cpu: 8000, memory: 16 * GIB, gpus: 2 }));
  site.now = 1_767_225_600_000;
  for (let i = prng.between(5, 40); i > 0; i--) {
    site.submit({
      queue: prng.pick(queues),
      tenant: prng.pick(['ada', 'ben', 'eve']),
      priority: prng.between(-1, 1),
      cpu: prng.between(1, 4),
      gib: prng.between(0, 4),
      gpu: prng.chance(30) ? 1 : 0,
      ...(prng.chance(50) && says === 'some' ? { runMs: prng.between(1, 100) * 1000 } : {}),
      // Longer than it was drawn for, so that nothing is overdue; and no two end at once.
      ...(says === 'all' ? { runMs: prng.between(10_000_000, 100_000_000) } : {}),
    });
    if (prng.chance(40)) site.pass();
    site.now += prng.between(0, 200_000);
    const running = [...site.running.keys()];
    if (running.length > 0 && prng.chance(60)) site.end(prng.pick(running));
  }
  return site;
}

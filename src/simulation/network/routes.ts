import type { Topology } from './topology.ts';

/** Of ways of the same length, so many are looked at. */
const WAYS_MAX = 16;

/**
 * The shortest ways by hops from one vertex to another over links that are up, as indexes of arcs; first those over
 * the first names. None when there is no way; one that is empty from a vertex to itself.
 */
export function shortestWays(
  topology: Topology,
  from: string,
  to: string,
  isDown: (link: number) => boolean,
): readonly (readonly number[])[] {
  if (!topology.has(from) || !topology.has(to)) return from === to ? [[]] : [];
  const hops = hopsTo(topology, to, isDown);
  const ways: number[][] = [];
  const walk = (vertex: string, way: readonly number[]): void => {
    if (vertex === to) ways.push([...way]);
    for (const index of topology.leaving(vertex)) {
      if (ways.length === WAYS_MAX) return;
      const arc = topology.arcs[index]!;
      if (isDown(arc.link) || hops.get(arc.to) !== hops.get(vertex)! - 1) continue;
      walk(arc.to, [...way, index]);
    }
  };
  if (hops.has(from)) walk(from, []);
  return ways;
}

/** How far each vertex is from `to`; those that cannot reach it are not there. */
function hopsTo(
  topology: Topology,
  to: string,
  isDown: (link: number) => boolean,
): ReadonlyMap<string, number> {
  const hops = new Map([[to, 0]]);
  // A map goes on to what is added while it is gone through: this is the search by breadth.
  for (const [vertex, distance] of hops) {
    for (const index of topology.leaving(vertex)) {
      const arc = topology.arcs[index]!;
      if (!isDown(arc.link) && !hops.has(arc.to)) hops.set(arc.to, distance + 1);
    }
  }
  return hops;
}

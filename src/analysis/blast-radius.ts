/** `of` does not work without `on`: a step without those it needs, a task without its node, a node without its rack. */
export interface Dependency {
  readonly of: string;
  readonly on: string;
}

/** What can be hit by the failure of the roots, and over how many dependencies; the roots are 0 away. */
export function blastRadius(
  dependencies: Iterable<Dependency>,
  roots: Iterable<string>,
): ReadonlyMap<string, number> {
  const dependents = new Map<string, string[]>();
  for (const { of, on } of dependencies) {
    const known = dependents.get(on);
    if (known === undefined) dependents.set(on, [of]);
    else known.push(of);
  }
  const distance = new Map<string, number>();
  let edge = [...new Set(roots)];
  for (let steps = 0; edge.length > 0; steps++) {
    for (const name of edge) distance.set(name, steps);
    const next = edge.flatMap((name) => dependents.get(name) ?? []);
    edge = [...new Set(next)].filter((name) => !distance.has(name));
  }
  return distance;
}

import type { WorkloadDocument } from '../../src/api/contract/documents.ts';

/** An attempt that runs, and where. */
export interface Placement {
  readonly attempt: string;
  readonly workload: string;
  readonly name: string;
  readonly node: string;
  readonly cpuMilli: number;
  /** Logical CPUs that it is kept to; empty where it may run on any. */
  readonly cores: readonly number[];
  readonly gpus: readonly string[];
}

/** What runs, those that are kept to cores or hold GPUs first: they are the ones that have cells. */
export function placementsOf(documents: readonly WorkloadDocument[]): readonly Placement[] {
  const placed = documents.flatMap(({ id, workload, steps }) =>
    steps.flatMap(({ request, attempts }) =>
      attempts
        .filter(({ state }) => state === 'running' || state === 'stopping')
        .map(
          ({ id: attempt, node, gpus, cores = [] }): Placement => ({
            attempt,
            workload: id,
            name: workload.name,
            node,
            cpuMilli: request.cpu_milli,
            cores,
            gpus,
          }),
        ),
    ),
  );
  const cells = ({ cores, gpus }: Placement): number => cores.length + gpus.length;
  return placed.toSorted(
    (a, b) =>
      Number(cells(b) > 0) - Number(cells(a) > 0) ||
      a.attempt.localeCompare(b.attempt, 'en', { numeric: true }),
  );
}

/** Who is kept to each logical CPU. */
export function holdersOf(placements: readonly Placement[]): ReadonlyMap<number, string[]> {
  const holders = new Map<number, string[]>();
  for (const { attempt, cores } of placements) {
    for (const cpu of cores) holders.set(cpu, [...(holders.get(cpu) ?? []), attempt]);
  }
  return holders;
}

/** `0–3, 8` of CPUs 0, 1, 2, 3 and 8. */
export function coresText(cores: readonly number[]): string {
  const sorted = cores.toSorted((a, b) => a - b);
  const runs: [number, number][] = [];
  for (const cpu of sorted) {
    const last = runs.at(-1);
    if (last !== undefined && cpu <= last[1] + 1) last[1] = cpu;
    else runs.push([cpu, cpu]);
  }
  return runs.map(([from, to]) => (from === to ? String(from) : `${from}–${to}`)).join(', ');
}

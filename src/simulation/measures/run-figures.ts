/**
 * What is followed over time. Of the first six, CPU in milli-CPU, memory in MiB, GPU in milli-GPU; `broken` is of
 * what is free of the scarcer of CPU and GPU the part that is on nodes in use; `jainKnown` is 1 where there is a
 * Jain index.
 */
export const FIGURES = [
  'cpuHeld',
  'memoryHeld',
  'gpuHeld',
  'cpuCapacity',
  'memoryCapacity',
  'gpuCapacity',
  'jobsWaiting',
  'tasksWaiting',
  'tasksRunning',
  'tenantsActive',
  'weightActive',
  'jainKnown',
  'jain',
  'shareError',
  'gpuIdle',
  'gpuFragmented',
  'broken',
  'watts',
] as const;
export type Figure = (typeof FIGURES)[number];

/** The place of each in a row of values. */
export const FIGURE = Object.fromEntries(FIGURES.map((name, i) => [name, i])) as Readonly<
  Record<Figure, number>
>;

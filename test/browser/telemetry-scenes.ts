import type { ScenarioSite } from '../api/scenario-site.ts';
import { GIB, MIB } from '../api/toy-workload.ts';
import { type Curve, type Telemetry, wave } from './telemetry.ts';

/** Curves of every attempt that runs or ran, by the names that the page asks for. */
export function taskMetrics(site: ScenarioSite): NonNullable<Telemetry['metrics']> {
  const attempts = site
    .workloads({ state: 'all', limit: 500, offset: 0 } as never)
    .workloads.flatMap(({ id }) => site.workload(id as never)?.steps ?? [])
    .flatMap((step) => step.attempts.map((attempt) => ({ step: step.id, attempt })));
  const curves = (shape: (seed: number) => (at: number) => number, more = {}): Curve[] =>
    attempts.map(({ step, attempt }, i) => ({
      labels: {
        tenant: 'default',
        workload: attempt.id.split('.')[0]!,
        step,
        attempt: attempt.id,
        ...more,
      },
      value: (at) => {
        const lives = at >= (attempt.started_at ?? at) && at <= (attempt.ended_at ?? at);
        return lives ? shape(i)(at) : null;
      },
    }));
  return {
    berth_task_cpu_ratio: { unit: 'ratio', curves: curves((i) => wave(1.6 + (i % 3) * 0.7, 0.4)) },
    berth_task_cpu_held: { unit: 'none', curves: curves(() => () => 4) },
    berth_task_memory_bytes: {
      unit: 'bytes',
      curves: curves((i) => wave((3 + (i % 4)) * GIB, 0.4 * GIB, 400_000)),
    },
    berth_task_memory_limit_bytes: { unit: 'bytes', curves: curves(() => () => 10 * GIB) },
    berth_task_read_bytes_per_second: {
      unit: 'bytes',
      curves: curves((i) => wave((20 + i) * MIB, 15 * MIB, 60_000)),
    },
    berth_task_written_bytes_per_second: {
      unit: 'bytes',
      curves: curves(() => wave(4 * MIB, 3 * MIB, 90_000)),
    },
    berth_task_pressure_waiting_ratio: {
      unit: 'ratio',
      curves: [
        ...curves((i) => wave(0.04 + (i % 3) * 0.01, 0.03), { resource: 'cpu' }),
        ...curves(() => wave(0.002, 0.001), { resource: 'memory' }),
        ...curves(() => wave(0.02, 0.015, 70_000), { resource: 'io' }),
      ],
    },
  };
}

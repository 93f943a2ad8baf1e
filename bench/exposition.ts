import { parseArgs } from 'node:util';
import { LiveExposition } from '../src/app/live-exposition.ts';
import { timeMs } from '../src/base/units.ts';
import { families, taskFamilies } from '../src/telemetry/families.ts';
import type { LatestReading } from '../src/telemetry/metric.ts';
import type { Bench } from './bench.ts';
import { load, median, rounded } from './cpu-time.ts';

export const expositionBench: Bench = {
  what: 'the text of /metrics, of so many series  [--series N] [--rounds N]',
  run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        series: { type: 'string', default: '5000' },
        rounds: { type: 'string', default: '50' },
      },
    });
    let readings = readingsOf(Number(values.series));
    const site = new LiveExposition({ families: () => families, latest: () => readings });
    const loadBefore = load();
    const took: Record<string, number[]> = {
      'text/plain': [],
      'application/openmetrics-text': [],
      'text/plain, all series new': [],
    };
    let bytes = 0;
    // The first is compiled.
    for (let round = 0; round <= Number(values.rounds); round++) {
      for (const [accept, times] of Object.entries(took)) {
        if (accept.endsWith('new')) readings = readingsOf(readings.length);
        const began = performance.now();
        bytes = site.exposition(accept, undefined).text.length;
        if (round > 0) times.push(performance.now() - began);
      }
    }
    return {
      series: readings.length,
      bytes,
      ...Object.fromEntries(
        Object.entries(took).map(([accept, times]) => [
          accept,
          { median_ms: rounded(median(times)), worst_ms: rounded(Math.max(...times)) },
        ]),
      ),
      load: [loadBefore, load()],
    };
  },
};

/** Of tasks, as many labels as they have. */
function readingsOf(count: number): readonly LatestReading[] {
  const families = taskFamilies.filter(({ labels }) => labels.length === 4);
  return Array.from({ length: count }, (_, i) => {
    const task = Math.floor(i / families.length);
    const labels = {
      tenant: `team-${task % 20}`,
      workload: String(task),
      step: 'train',
      attempt: `${task}.train.0.1`,
    };
    return { name: families[i % families.length]!.name, labels, value: i * 1.5, at: timeMs(0) };
  });
}

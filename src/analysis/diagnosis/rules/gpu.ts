import { formatBytes } from '../../../base/format.ts';
import { makeFinding } from '../make-finding.ts';
import { ranked, watch } from '../remedies.ts';
import { type DoctorFinding, type Looked, percent, type Verdict } from '../report.ts';
import type { MetricWindow } from '../window.ts';

const BUSY = 'berth_gpu_busy_ratio';
const MEMORY_FULL = 0.97;
/** NVIDIA's data-centre parts slow themselves from about 87 °C. */
const HOT_CELSIUS = 85;

/** Each GPU: busy time, memory, heat, errors. Whether work waits for it, no driver tells. */
export function gpuRule(window: MetricWindow): Verdict {
  const gpus = window.all(BUSY).map(({ labels }) => labels);
  const read = gpus.map((labels) => {
    const gpu = labels['gpu'] ?? '?';
    const of = { gpu };
    const used = window.last('berth_gpu_memory_used_bytes', of);
    const total = window.last('berth_gpu_memory_total_bytes', of);
    const perSecond = window.mean('berth_gpu_errors_per_second', of);
    const errors = perSecond && Math.round((perSecond * (window.to - window.from)) / 1_000);
    return {
      name: `GPU ${labels['index'] ?? gpu}`,
      gpu,
      busy: window.mean(BUSY, of),
      full: total ? (used ?? 0) / total : undefined,
      used,
      total,
      celsius: window.max('berth_gpu_temperature_celsius', of),
      errors,
    };
  });
  const looked = read.map(
    ({ name, busy, full, used, total, celsius, errors }): Looked => ({
      resource: name.toLowerCase(),
      utilisation: busy,
      saturation: full,
      errors,
      sentence: `${name}: busy ${busy === undefined ? 'unknown' : percent(busy)}${total === undefined || used === undefined ? '' : `, ${formatBytes(used)} of ${formatBytes(total)} used`}${celsius === undefined ? '' : `, ${Math.round(celsius)} °C at most`}.`,
    }),
  );
  const none: Looked = {
    resource: 'gpu',
    utilisation: undefined,
    saturation: undefined,
    errors: undefined,
    sentence: 'No GPU is measured.',
  };
  return { findings: read.flatMap(troubles), looked: looked.length === 0 ? [none] : looked };
}

interface Read {
  readonly name: string;
  readonly gpu: string;
  readonly full: number | undefined;
  readonly celsius: number | undefined;
  readonly errors: number | undefined;
}

function troubles({ name, gpu, full, celsius, errors }: Read): readonly DoctorFinding[] {
  const found: DoctorFinding[] = [];
  const add = (
    kind: 'gpu-errors' | 'gpu-memory-full' | 'gpu-hot',
    metric: string,
    rest: { value: number; threshold: number; score: number; sentence: string; advice: string },
  ): void => {
    const labels = { gpu };
    const { value, threshold, score, sentence, advice } = rest;
    found.push(
      makeFinding({
        id: `${kind}:${gpu}`,
        kind,
        resource: kind === 'gpu-hot' ? 'power' : 'gpu',
        score,
        sentence,
        since: undefined,
        evidence: [{ name: metric, labels, unit: 'none', value, threshold, sentence }],
        remedies: ranked([
          {
            force: 'priority',
            remedy: {
              title: advice,
              why: sentence,
              risk: 'low',
              effect: 'Tasks on it are safe from it.',
              command: undefined,
            },
          },
          watch(metric),
        ]),
      }),
    );
  };
  if (errors) {
    add('gpu-errors', 'berth_gpu_errors_per_second', {
      value: errors,
      threshold: 1,
      score: 0.8,
      sentence: `${name} had ${errors} memory errors that were not corrected.`,
      advice: `Take ${name} out of service and reset it`,
    });
  }
  if (full !== undefined && full >= MEMORY_FULL) {
    add('gpu-memory-full', 'berth_gpu_memory_used_bytes', {
      value: full,
      threshold: MEMORY_FULL,
      // Frameworks take all there is at once: full is usual, and no alarm.
      score: 0.3,
      sentence: `The memory of ${name} is ${percent(full)} full.`,
      advice: 'Smaller batches, or a share of a larger GPU',
    });
  }
  if (celsius !== undefined && celsius >= HOT_CELSIUS) {
    add('gpu-hot', 'berth_gpu_temperature_celsius', {
      value: celsius,
      threshold: HOT_CELSIUS,
      score: 0.6,
      sentence: `${name} reached ${Math.round(celsius)} °C, where it slows itself.`,
      advice: 'Better cooling, or a lower power limit',
    });
  }
  return found;
}

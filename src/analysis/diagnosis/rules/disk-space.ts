import { formatBytes, formatSpan } from '../../../base/format.ts';
import type { SeriesPoint } from '../../../telemetry/metric.ts';
import { trendOf } from '../../statistics/trend.ts';
import { makeFinding } from '../make-finding.ts';
import { ranked, watch } from '../remedies.ts';
import { type DoctorFinding, type Looked, percent, type Verdict } from '../report.ts';
import type { MetricWindow } from '../window.ts';

const AVAILABLE = 'berth_node_filesystem_available_bytes';
const SIZE = 'berth_node_filesystem_size_bytes';
/** Free share below which it is moderate; critical at a third of it. */
const FREE_MIN = 0.05;
/** Full so soon is moderate; critical in a third of that. */
const SOON_MS = 3_600_000;

/** File systems that are nearly full, or will be soon if it goes on so. */
export function diskSpaceRule(window: MetricWindow): Verdict {
  const findings: DoctorFinding[] = [];
  const looked: Looked[] = [];
  for (const { labels, points } of window.all(AVAILABLE)) {
    const mount = labels['mount'] ?? '?';
    const size = window.last(SIZE, { mount });
    const free = points.at(-1)!.last;
    if (size === undefined || size === 0) continue;
    const full = timeToEmpty(points);
    const sentence = `${mount}: ${formatBytes(free)} of ${formatBytes(size)} free (${percent(free / size)})${whenWords(full)}.`;
    looked.push({
      resource: `disk space ${mount}`,
      utilisation: 1 - free / size,
      saturation: undefined,
      errors: undefined,
      sentence,
    });
    const score = Math.max(nearness(free / size, FREE_MIN), nearness(full?.ms, SOON_MS));
    if (score === 0) continue;
    findings.push(
      makeFinding({
        id: `disk-full:${mount}`,
        kind: 'disk-full',
        resource: 'io',
        score,
        sentence,
        since: undefined,
        evidence: [
          {
            name: AVAILABLE,
            labels: { mount },
            unit: 'bytes',
            value: free,
            threshold: size * FREE_MIN,
            sentence: 'Free for anybody',
          },
        ],
        remedies: ranked([
          {
            force: 'reallocate',
            remedy: {
              title: `See what fills ${mount}`,
              why: 'What nobody needs any more is the cheapest to give up.',
              risk: 'none',
              effect: 'The largest folders are shown; nothing is removed.',
              command: `du -xh --max-depth=2 '${mount}' | sort -h | tail -n 20`,
            },
          },
          {
            force: 'prevent',
            remedy: {
              title: 'Clear results that are kept',
              why: 'Berth keeps results of tasks that have a cache.',
              risk: 'low',
              effect: 'Tasks whose results were kept run again when they are wanted.',
              command: 'berth cache clear',
            },
          },
          watch(AVAILABLE),
        ]),
      }),
    );
  }
  return { findings, looked };
}

/** 0 above the limit; from moderate there to critical at a third of it, and 1 at nothing. */
const nearness = (value: number | undefined, limit: number): number =>
  value === undefined || value >= limit ? 0 : 0.4 + 0.6 * (1 - value / limit);

interface TimeToEmpty {
  readonly ms: number;
  /** Ends of the 90 % interval; `latestMs` is undefined where it may not shrink at all. */
  readonly earliestMs: number;
  readonly latestMs: number | undefined;
}

/**
 * At the median slope of all pairs (Theil and Sen), which one large file that is written and removed does not bend.
 * Undefined where it does not shrink.
 */
function timeToEmpty(all: readonly SeriesPoint[]): TimeToEmpty | undefined {
  const points =
    all.length <= 60 ? all : all.filter((_, i) => i % Math.ceil(all.length / 60) === 0);
  const start = points[0]!.at;
  const line = trendOf(
    points.map(({ last }) => last),
    { at: points.map(({ at }) => at - start) },
  );
  if (line === undefined || line.slope >= 0) return undefined;
  const free = all.at(-1)!.last;
  return {
    ms: free / -line.slope,
    earliestMs: free / -line.slopeLow,
    latestMs: line.slopeHigh < 0 ? free / -line.slopeHigh : undefined,
  };
}

function whenWords(full: TimeToEmpty | undefined): string {
  if (full === undefined) return '';
  const { ms, earliestMs, latestMs } = full;
  const [earliest, latest] = [earliestMs, latestMs].map((one) => one && formatSpan(one));
  const between =
    earliest === latest
      ? ''
      : latest === undefined
        ? ` (not before ${earliest}, and perhaps never)`
        : ` (${earliest} to ${latest}, with 90 % confidence)`;
  return `, full in ${formatSpan(ms)} if it goes on so${between}`;
}

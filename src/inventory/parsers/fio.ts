import { jsonList, jsonNumber, jsonScaled, parseJson } from './json.ts';

/** One direction of one fio job. */
export interface FioFigures {
  readonly bytesPerSecond: number;
  readonly operationsPerSecond: number;
  /** Completion latency. */
  readonly meanLatencyNs: number | undefined;
  readonly p99LatencyNs: number | undefined;
}

export interface FioResult {
  readonly read: FioFigures | undefined;
  readonly write: FioFigures | undefined;
}

/**
 * `fio --output-format=json`, the first job. fio may print notes before the JSON. A direction in which
 * nothing was moved is undefined; so is everything when the text is not its output or the job failed.
 */
export function parseFio(text: string): FioResult | undefined {
  const start = text.indexOf('{');
  const [job] = jsonList(parseJson(start < 0 ? '' : text.slice(start)), 'jobs');
  if (job === undefined || (jsonNumber(job, 'error') ?? 0) !== 0) return undefined;
  return { read: figures(job, 'read'), write: figures(job, 'write') };
}

function figures(job: unknown, direction: 'read' | 'write'): FioFigures | undefined {
  const bytesPerSecond = jsonScaled(job, 1, direction, 'bw_bytes');
  const operationsPerSecond = jsonScaled(job, 1, direction, 'iops');
  if (bytesPerSecond === undefined || bytesPerSecond <= 0 || operationsPerSecond === undefined) {
    return undefined;
  }
  return {
    bytesPerSecond,
    operationsPerSecond,
    meanLatencyNs: jsonScaled(job, 1, direction, 'clat_ns', 'mean'),
    p99LatencyNs: jsonScaled(job, 1, direction, 'clat_ns', 'percentile', '99.000000'),
  };
}

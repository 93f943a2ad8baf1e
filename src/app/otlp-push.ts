import { setImmediate } from 'node:timers/promises';
import type { OtlpOrigin } from '../base/otlp-json.ts';
import type { TimeMs } from '../base/units.ts';
import type { Trace } from '../cli/trace.ts';
import { otlpRequest, otlpSpans } from '../cli/trace-formats.ts';
import type { WorkloadId } from '../model/ids.ts';
import type { Event } from '../model/messages.ts';
import type { OtlpConfig } from '../model/otlp-config.ts';
import { Counter } from '../telemetry/counting.ts';
import { berthFamilies } from '../telemetry/families.ts';
import { encodeOtlp, sendOtlp } from '../telemetry/io/otlp-sender.ts';
import type { LatestReading, MetricFamily } from '../telemetry/metric.ts';
import type { OtlpSignal } from '../telemetry/otlp/answers.ts';
import { otlpMetrics } from '../telemetry/otlp/metrics-request.ts';
import { type Beginnings, StartTimes } from '../telemetry/otlp/start-times.ts';
import type { DaemonLog } from './daemon-log.ts';
import type { MetricSource } from './joined-metrics.ts';
import { OtlpQueue } from './otlp-queue.ts';

/** Of one request: some milliseconds of work. */
const POINTS_MAX = 2_000;
const SPANS_MAX = 2_000;
/** Workloads that ended and are not yet made spans of; the engine remembers no more. */
const ENDED_MAX = 2_000;
const TRACES_EVERY_MS = 5_000;
/** An ending daemon tells what it has so long. */
const LAST_WORDS_MS = 2_000;

interface PushDeps {
  readonly config: OtlpConfig;
  readonly origin: OtlpOrigin;
  readonly beginnings: Beginnings;
  /** Undefined once it is forgotten, and of what has no steps. */
  readonly traceOf: (workload: WorkloadId) => Trace | undefined;
  readonly now: () => TimeMs;
  readonly log: DaemonLog;
}

const families = berthFamilies.filter(({ name }) => name.startsWith('berth_otlp_'));

/**
 * Tells a collector what is measured, and of workloads that ended. Nobody waits for it: what does not get through
 * waits within bounds, and is counted once it is dropped.
 */
export class OtlpPush implements MetricSource {
  readonly #deps: PushDeps;
  readonly #starts: StartTimes;
  readonly #ending = new AbortController();
  readonly #queues: Readonly<Record<OtlpSignal, OtlpQueue>>;
  readonly #sent = new Counter('berth_otlp_sent_total');
  readonly #dropped = new Counter('berth_otlp_dropped_total');
  readonly #failures = new Counter('berth_otlp_failures_total');
  readonly #ended = new Set<WorkloadId>();
  readonly #timers: NodeJS.Timeout[] = [];
  #live: MetricSource | undefined;
  #pushing: Promise<void> | undefined;
  #tracing: Promise<void> | undefined;

  constructor(deps: PushDeps) {
    this.#deps = deps;
    this.#starts = new StartTimes(deps.beginnings);
    this.#queues = { metrics: this.#queue('metrics'), traces: this.#queue('traces') };
    for (const [signal, isOn] of [
      ['metrics', deps.config.metrics],
      ['traces', deps.config.traces],
    ] as const) {
      if (!isOn) continue;
      // From the first scrape on, so that a rate has something to begin with.
      this.#sent.add({ signal }, 0);
      this.#failures.add({ signal }, 0);
    }
  }

  #queue(signal: OtlpSignal): OtlpQueue {
    const { config, log, now } = this.#deps;
    const ending = this.#ending.signal;
    return new OtlpQueue(signal, {
      send: (piece) => sendOtlp(config, piece, { ending, now }),
      onFate: (fate, items) => {
        if (fate === 'sent') this.#sent.add({ signal }, items);
        else this.#dropped.add({ signal, reason: fate }, items);
      },
      onFailure: () => this.#failures.add({ signal }),
      onTrouble: (sentence) => log('telemetry', sentence),
    });
  }

  /** @param live all that is measured. */
  begin(live: MetricSource): void {
    this.#live = live;
    const { metrics, intervalMs, traces } = this.#deps.config;
    const every = (ms: number, what: () => Promise<void>): void => {
      this.#timers.push(setInterval(() => void what(), ms).unref());
    };
    if (metrics) every(intervalMs, () => this.pushMetrics());
    if (traces) every(TRACES_EVERY_MS, () => this.pushTraces());
  }

  noteEvents(events: readonly Event[]): void {
    if (!this.#deps.config.traces) return;
    for (const event of events) {
      if (event.kind !== 'workload-ended') continue;
      if (this.#ended.size < ENDED_MAX) this.#ended.add(event.workload);
      else this.#dropped.add({ signal: 'traces', reason: 'full' });
    }
  }

  /** What is measured now is put into the queue; one at a time. */
  pushMetrics(): Promise<void> {
    this.#pushing ??= this.#tellMetrics().finally(() => {
      this.#pushing = undefined;
    });
    return this.#pushing;
  }

  /** Workloads that ended are put into the queue; one at a time. */
  pushTraces(): Promise<void> {
    this.#tracing ??= this.#tellTraces().finally(() => {
      this.#tracing = undefined;
    });
    return this.#tracing;
  }

  /** All that waits is sent, or an attempt at it failed. */
  async settled(): Promise<void> {
    await Promise.all(Object.values(this.#queues).map((queue) => queue.settled()));
  }

  async #tellMetrics(): Promise<void> {
    const { origin, config, now } = this.#deps;
    const live = this.#live;
    if (live === undefined) return;
    const requests = otlpMetrics(live.families(), live.latest(), {
      origin,
      starts: this.#starts,
      pointsMax: POINTS_MAX,
      now: now(),
    });
    for (const { request, points } of requests) {
      this.#queues.metrics.add({ body: await encodeOtlp(request, config), items: points });
      // Everybody else has a turn.
      await setImmediate();
    }
    this.#starts.end(now());
  }

  async #tellTraces(): Promise<void> {
    let spans: object[] = [];
    for (const id of this.#ended) {
      this.#ended.delete(id);
      const trace = this.#deps.traceOf(id);
      if (trace === undefined) {
        this.#dropped.add({ signal: 'traces', reason: 'forgotten' });
        continue;
      }
      for (const span of otlpSpans(trace)) {
        spans.push(span);
        if (spans.length < SPANS_MAX) continue;
        await this.#addSpans(spans);
        spans = [];
      }
    }
    if (spans.length > 0) await this.#addSpans(spans);
  }

  async #addSpans(spans: readonly object[]): Promise<void> {
    const { origin, config } = this.#deps;
    const body = await encodeOtlp(otlpRequest(spans, origin), config);
    this.#queues.traces.add({ body, items: spans.length });
    await setImmediate();
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    const late = setTimeout(() => this.#ending.abort(), LAST_WORDS_MS);
    const { metrics, traces } = this.#deps.config;
    if (metrics) await this.pushMetrics();
    if (traces) await this.pushTraces();
    await this.settled();
    clearTimeout(late);
    this.#ending.abort();
    await Promise.all(Object.values(this.#queues).map((queue) => queue.close()));
  }

  families(): readonly MetricFamily[] {
    return families;
  }

  latest(name?: string): readonly LatestReading[] {
    const at = this.#deps.now();
    const waiting = Object.entries(this.#queues).map(([signal, queue]) => {
      return { name: 'berth_otlp_waiting', labels: { signal }, value: queue.items };
    });
    const counters = [this.#sent, this.#dropped, this.#failures];
    const all = [...waiting, ...counters.flatMap((one) => [...one.readings()])];
    return all
      .filter((one) => name === undefined || one.name === name)
      .map((one) => ({ ...one, at }));
  }
}

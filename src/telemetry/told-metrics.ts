import type { TimeMs } from '../base/units.ts';
import { metricAliasNames } from '../model/metric-alias-names.ts';
import { Counter, Histogram, requestBounds } from './counting.ts';
import { numberText } from './exposition.ts';
import { berthFamilies, mlFamilies, toldFamilies } from './families.ts';
import {
  type Labels,
  type LatestReading,
  type LiveMetrics,
  type MetricFamily,
  type Reading,
  seriesKey,
} from './metric.ts';

export const LINE_CHARS_MAX = 2_048;
const NAME_CHARS_MAX = 100;
const LABELS_MAX = 8;
const VALUE_CHARS_MAX = 128;
/** A histogram counts as one for each of its buckets, its sum and its count. */
const SERIES_MAX = 5_000;
const WORKLOAD_SERIES_MAX = 200;
/** What a workload told is still there for so long after it ended, so that scrapers see it. */
export const KEPT_MS = 900_000;

/** A line as a task writes it: `name{label="value"} 0.5`, or `# TYPE name histogram`. */
type ToldLine =
  | {
      readonly kind: 'sample';
      readonly name: string;
      readonly labels: Labels;
      readonly value: number;
    }
  | { readonly kind: 'type'; readonly name: string; readonly is: MetricFamily['kind'] }
  /** A comment, or nothing. */
  | { readonly kind: 'none' };

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/s;
const LABEL = /\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\["\\n])*)"\s*(,|$)/sy;
const VALUE = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$/;

/** One line in the text format of Prometheus; a time at its end is passed over. Undefined for what is none. */
export function parseToldLine(text: string): ToldLine | undefined {
  const line = text.trim();
  if (line.length > LINE_CHARS_MAX) return undefined;
  const [, typed, is] = /^#\s*TYPE\s+(\S+)\s+(gauge|counter|histogram)$/.exec(line) ?? [];
  if (typed !== undefined) return { kind: 'type', name: typed, is: is as MetricFamily['kind'] };
  if (line === '' || line.startsWith('#')) return { kind: 'none' };
  const [, name = '', inside = '', number = ''] = SAMPLE.exec(line) ?? [];
  if (!NAME.test(name) || !VALUE.test(number)) return undefined;
  const labels = parseLabels(inside);
  const value = Number(number);
  if (labels === undefined || !Number.isFinite(value)) return undefined;
  return { kind: 'sample', name, labels, value };
}

function parseLabels(inside: string): Labels | undefined {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < inside.length) {
    const found = LABEL.exec(inside);
    if (found === null) return undefined;
    const [, name = '', escaped = ''] = found;
    if (Object.hasOwn(labels, name)) return undefined;
    labels[name] = escaped.replace(/\\(.)/g, (_, one: string) => (one === 'n' ? '\n' : one));
  }
  return labels;
}

/** Whose task tells it; its series have these labels, too. */
export type Teller = Readonly<Record<'tenant' | 'workload' | 'step', string>>;

const ofTeller: readonly string[] = ['tenant', 'workload', 'step'];
const reservedLabels: ReadonlySet<string> = new Set([...ofTeller, 'le', 'quantile', 'user']);
const reservedNames: ReadonlySet<string> = new Set<string>([
  ...metricAliasNames,
  ...mlFamilies.map(({ name }) => name),
  'up',
]);
/** How long calls of models take. */
const TIMED = 'inference_latency_seconds';
const known = new Map(toldFamilies.map((family) => [family.name, family]));
const ownFamilies = berthFamilies.filter(({ name }) => name.startsWith('berth_told_'));

interface Told {
  readonly name: string;
  readonly workload: string;
  /** In series, of the bounds. */
  readonly cost: number;
  at: TimeMs;
  tell(value: number): void;
  readings(): Iterable<{ readonly name: string; readonly labels: Labels; readonly value: number }>;
}

/**
 * What tasks tell of themselves in `BERTH_METRICS`. A line of a gauge replaces the one before; of a counter (a name
 * that ends in `_total`) it is so much more; of a histogram it is one observation. A task tells of nobody else, and of
 * no name that Berth has itself.
 */
export class ToldMetrics implements Pick<LiveMetrics, 'families' | 'latest'> {
  readonly #series = new Map<string, Told>();
  /** Of those names of which there are series. */
  readonly #kinds = new Map<string, MetricFamily>();
  readonly #declared = new Map<string, Map<string, MetricFamily>>();
  readonly #costs = new Map<string, number>();
  /** Told since history took it last. */
  readonly #fresh = new Map<string, Reading>();
  #calls = newCalls();
  #cost = 0;
  #refused = 0;
  #at = 0 as TimeMs;

  /**
   * @param isAgain a daemon before this one may have heard it already: it counts, and history has it.
   * @returns why it is not taken, where it is not.
   */
  tell(by: Teller, text: string, at: TimeMs, isAgain = false): string | undefined {
    this.#at = at;
    const why = this.#take(by, text, at, isAgain);
    if (why !== undefined) this.#refused++;
    return why;
  }

  #take(by: Teller, text: string, at: TimeMs, isAgain: boolean): string | undefined {
    const line = parseToldLine(text);
    if (line === undefined) return 'it is no line in the text format of Prometheus';
    if (line.kind === 'none') return undefined;
    const family = this.#familyOf(by, line.name, line.kind === 'type' ? line.is : undefined);
    if ('why' in family) return family.why;
    if (line.kind === 'type') {
      return this.#declare(by, family);
    }
    const why =
      faultOf(line.labels) ??
      (family.kind === 'counter' && line.value < 0 ? 'a counter does not fall' : undefined);
    if (why !== undefined) return why;
    const labels = { ...line.labels, ...by };
    const key = seriesKey(line.name, labels);
    const series = this.#series.get(key) ?? newSeries(family, labels, by.workload);
    if (!this.#series.has(key)) {
      const cost = (this.#costs.get(by.workload) ?? 0) + series.cost;
      if (cost > WORKLOAD_SERIES_MAX) return `a workload has at most ${WORKLOAD_SERIES_MAX} series`;
      if (this.#cost + series.cost > SERIES_MAX) return `there are ${SERIES_MAX} series already`;
      this.#costs.set(by.workload, cost);
      this.#cost += series.cost;
      this.#kinds.set(family.name, family);
      this.#series.set(key, series);
    }
    series.tell(line.value);
    series.at = at;
    if (isAgain) return undefined;
    if (family.kind === 'gauge') {
      this.#fresh.set(key, { name: family.name, labels, value: line.value });
    } else if (family.name === TIMED) this.#calls.note(by.tenant, line.value);
    return undefined;
  }

  /** What history keeps: gauges that were told since it was asked last, and calls that were timed. */
  take(): readonly Reading[] {
    const taken = [...this.#fresh.values(), ...this.#calls.readings()];
    this.#fresh.clear();
    this.#calls = newCalls();
    return taken;
  }

  #familyOf(
    by: Teller,
    name: string,
    said: MetricFamily['kind'] | undefined,
  ): MetricFamily | { why: string } {
    if (name.length > NAME_CHARS_MAX || NAME.exec(name)?.[0] !== name)
      return { why: 'its name is none' };
    if (name.startsWith('berth_') || reservedNames.has(name))
      return { why: 'Berth itself tells of that name' };
    if (/_(bucket|sum|count|info)$/.test(name))
      return { why: 'its name ends as that of a part of a histogram' };
    const declared = this.#declared.get(by.workload)?.get(name);
    const family = known.get(name) ?? this.#kinds.get(name) ?? declared ?? familyOf(name, said);
    if ('why' in family) return family;
    if (said !== undefined && said !== family.kind) return { why: `it is a ${family.kind}` };
    return family;
  }

  /** Until there is a series of it, every workload may say for itself what a name is. */
  #declare({ workload }: Teller, family: MetricFamily): string | undefined {
    const declared = this.#declared.get(workload) ?? new Map<string, MetricFamily>();
    this.#declared.set(workload, declared);
    if (declared.size >= WORKLOAD_SERIES_MAX)
      return 'its workload says of too many names what they are';
    declared.set(family.name, family);
    return undefined;
  }

  /** Forgets what was told a while ago by workloads that do not run any more. */
  sweep(now: TimeMs, isActive: (workload: string) => boolean): void {
    const left = new Set<string>();
    for (const [key, { name, workload, at, cost }] of this.#series) {
      if (isActive(workload) || now - at < KEPT_MS) {
        left.add(name);
        continue;
      }
      this.#series.delete(key);
      this.#cost -= cost;
      const rest = this.#costs.get(workload)! - cost;
      if (rest > 0) this.#costs.set(workload, rest);
      else this.#costs.delete(workload);
    }
    for (const name of this.#kinds.keys()) if (!left.has(name)) this.#kinds.delete(name);
    for (const workload of this.#declared.keys()) {
      if (!isActive(workload)) this.#declared.delete(workload);
    }
  }

  families(): readonly MetricFamily[] {
    return [...this.#kinds.values(), ...ownFamilies];
  }

  latest(name?: string): readonly LatestReading[] {
    const found: LatestReading[] = [];
    for (const { name: family, at, readings } of this.#series.values()) {
      // Those of a histogram are called as it is, and more.
      if (name !== undefined && !name.startsWith(family)) continue;
      for (const reading of readings()) found.push({ ...reading, at });
    }
    const own = (called: string, value: number): LatestReading => {
      return { name: called, labels: {}, value, at: this.#at };
    };
    found.push(
      own('berth_told_series', this.#cost),
      own('berth_told_lines_refused_total', this.#refused),
    );
    return name === undefined ? found : found.filter((one) => one.name === name);
  }
}

/** Calls by tenant and bucket, each in one of them. */
function newCalls() {
  const counter = new Counter('berth_inference_calls');
  return {
    note(tenant: string, seconds: number): void {
      const bound = requestBounds.find((one) => seconds <= one);
      counter.add({ tenant, le: numberText(bound ?? Number.POSITIVE_INFINITY) });
    },
    readings: () => counter.readings(),
  };
}

function familyOf(
  name: string,
  said: MetricFamily['kind'] | undefined,
): MetricFamily | { why: string } {
  const isTotal = name.endsWith('_total');
  if (said === 'counter' && !isTotal) return { why: 'the name of a counter ends in _total' };
  if (said !== undefined && said !== 'counter' && isTotal)
    return { why: 'a name that ends in _total is a counter' };
  const kind = said ?? (isTotal ? 'counter' : 'gauge');
  return { name, kind, unit: 'none', source: 'measured', help: 'Told by tasks.', labels: ofTeller };
}

function faultOf(labels: Labels): string | undefined {
  const entries = Object.entries(labels);
  if (entries.length > LABELS_MAX) return `it has more than ${LABELS_MAX} labels`;
  for (const [label, value] of entries) {
    if (reservedLabels.has(label) || label.startsWith('__'))
      return 'one of its labels is not its own to say';
    if (value.length > VALUE_CHARS_MAX)
      return `a label is longer than ${VALUE_CHARS_MAX} characters`;
  }
  return undefined;
}

function newSeries({ name, kind }: MetricFamily, labels: Labels, workload: string): Told {
  const at = 0 as TimeMs;
  if (kind === 'histogram') {
    const histogram = new Histogram(name, requestBounds);
    return {
      name,
      workload,
      at,
      cost: requestBounds.length + 3,
      tell: (value) => histogram.observe(labels, value),
      readings: () => histogram.readings(),
    };
  }
  if (kind === 'counter') {
    const counter = new Counter(name);
    const tell = (value: number): void => counter.add(labels, value);
    return { name, workload, at, cost: 1, tell, readings: () => counter.readings() };
  }
  let latest = 0;
  const tell = (value: number): void => {
    latest = value;
  };
  return { name, workload, at, cost: 1, tell, readings: () => [{ name, labels, value: latest }] };
}

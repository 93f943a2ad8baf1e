import { formatBytes, formatDollars, formatMilli } from '../base/format.ts';
import { UNLIMITED } from '../base/units.ts';
import type { ModelPrice, Rates } from '../model/money.ts';
import type { UsageRecord } from './usage-ledger.ts';

export interface Suggestion {
  readonly kind: 'memory' | 'cpu' | 'idle-gpu' | 'cache' | 'spot' | 'off-peak' | 'cheaper-model';
  readonly description: string;
  /** What was seen, with figures. */
  readonly evidence: string;
  /** Micro-dollars in 30 days; undefined where a price that it needs is not known. */
  readonly monthlySaving: number | undefined;
  /** How the saving was reckoned, with the figures put in. */
  readonly formula: string;
}

export interface SuggestionContext {
  /** Length of the window that the records are from. */
  readonly windowMs: number;
  readonly rates: Rates | undefined;
  readonly models: readonly ModelPrice[];
}

/** Steps and models that are looked at; the first that come. */
const SEEN_MAX = 20_000;
const SHOWN_MAX = 50;
const HOUR_MS = 3_600_000;
const MONTH_MS = 30 * 24 * HOUR_MS;
const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
/** Above what was ever used, so much stays asked for. */
const HEADROOM = 1.2;
/** Less is not worth asking for. */
const MEMORY_MIN = 32 * MIB;
/** Fewer attempts prove nothing. */
const ATTEMPTS_MIN = 3;
const IDLE_MS_MIN = 10 * 60_000;
const IDLE_CPU_RATIO = 0.01;
const PEAK = { from: 8, to: 20 };

interface StepUse {
  readonly pipeline: string;
  readonly step: string;
  attempts: number;
  hours: number;
  memoryAsked: number;
  memoryPeak: number;
  /** Attempts whose peak was measured. */
  measured: number;
  cpuAsked: number;
  cpuUsedMs: number;
  cpuHeldMs: number;
  gpuIdleHours: number;
  gpuIdleCharged: number;
  charged: number;
  /** Successes that ran the very same, by what they ran; absent where it has a cache already. */
  readonly same: Map<string, { runs: number; charged: number; hours: number }>;
  retries: boolean;
  gpu: number;
}

/** Looks at records and says where money or time is lost. */
export class Adviser {
  readonly #steps = new Map<string, StepUse>();
  readonly #models = new Map<string, { charged: number; tokens: number }>();
  readonly #wait = new HourlyWait();
  readonly #hourOf: (at: number) => number;

  /** `hourOf`: 0 … 23, as the clocks of the site show it. */
  constructor(hourOf: (at: number) => number) {
    this.#hourOf = hourOf;
  }

  add(record: UsageRecord): void {
    if (record.model !== undefined) this.#addModel(record.model, record);
    else this.#addAttempt(record);
    if (record.placedAt !== undefined) this.#wait.add(record, this.#hourOf(record.placedAt));
  }

  /** The largest saving first; those without a known one last. At most 50. */
  suggestions(context: SuggestionContext): Suggestion[] {
    const found = [...this.#steps.values()].flatMap((use) => [
      ...memoryOf(use, context),
      ...cpuOf(use, context),
      ...idleOf(use, context),
      ...cacheOf(use, context),
      ...spotOf(use, context),
    ]);
    found.push(...this.#wait.suggestions());
    for (const [model, use] of this.#models) found.push(...cheaperOf(model, use, context));
    const worth = ({ monthlySaving }: Suggestion): number => monthlySaving ?? -1;
    found.sort((a, b) => worth(b) - worth(a) || (a.description < b.description ? -1 : 1));
    return found.slice(0, SHOWN_MAX);
  }

  #addModel(model: string, { charged, tokens }: UsageRecord): void {
    const use = this.#models.get(model) ?? { charged: 0, tokens: 0 };
    if (this.#models.size >= SEEN_MAX && !this.#models.has(model)) return;
    use.charged += charged;
    use.tokens += tokens;
    this.#models.set(model, use);
  }

  #addAttempt({ pipeline, step, index, placement, heldMs, end, charged }: UsageRecord): void {
    if (step === undefined || placement === undefined) return;
    const key = JSON.stringify([pipeline, step.id]);
    const use = this.#steps.get(key) ?? newUse(pipeline, step.id);
    if (this.#steps.size >= SEEN_MAX && !this.#steps.has(key)) return;
    this.#steps.set(key, use);
    const { cpu, memory, gpu } = placement.held;
    const hours = heldMs / HOUR_MS;
    use.attempts++;
    use.hours += hours;
    use.charged += charged;
    use.memoryAsked = Math.max(use.memoryAsked, memory);
    use.cpuAsked = Math.max(use.cpuAsked, cpu);
    use.gpu = Math.max(use.gpu, gpu);
    use.retries ||= step.retry.maxRetries > 0;
    if (end === undefined) return;
    const { memoryPeak, cpuMs } = end.usage;
    if (memoryPeak !== undefined) {
      use.measured++;
      use.memoryPeak = Math.max(use.memoryPeak, memoryPeak);
    }
    if (cpuMs !== undefined) {
      use.cpuUsedMs += cpuMs;
      use.cpuHeldMs += heldMs;
      if (gpu > 0 && heldMs >= IDLE_MS_MIN && cpuMs < heldMs * IDLE_CPU_RATIO) {
        use.gpuIdleHours += (gpu / 1_000) * hours;
        use.gpuIdleCharged += charged;
      }
    }
    if (end.cause !== 'succeeded' || step.flow?.cache !== undefined || step.service) return;
    const ran = JSON.stringify([step.run, step.env, step.cwd, index]);
    const same = use.same.get(ran) ?? { runs: 0, charged: 0, hours: 0 };
    if (use.same.size >= ATTEMPTS_MIN * 100 && !use.same.has(ran)) return;
    same.runs++;
    same.charged += charged;
    same.hours += hours;
    use.same.set(ran, same);
  }
}

const newUse = (pipeline: string, step: string): StepUse => ({
  pipeline,
  step,
  attempts: 0,
  hours: 0,
  memoryAsked: 0,
  memoryPeak: 0,
  measured: 0,
  cpuAsked: 0,
  cpuUsedMs: 0,
  cpuHeldMs: 0,
  gpuIdleHours: 0,
  gpuIdleCharged: 0,
  charged: 0,
  same: new Map(),
  retries: false,
  gpu: 0,
});

const nameOf = ({ pipeline, step }: StepUse): string => `step ${step} of ${pipeline}`;
const perMonth = (amount: number, { windowMs }: SuggestionContext): number =>
  Math.floor((amount * MONTH_MS) / windowMs);
const share = ({ windowMs }: SuggestionContext): string =>
  `30 d / ${round(windowMs / (24 * HOUR_MS))} d`;
const round = (n: number): string => String(Math.round(n * 100) / 100);

/** Over-asked memory: what was asked for beyond the highest peak and a fifth more. */
function memoryOf(use: StepUse, context: SuggestionContext): Suggestion[] {
  if (use.measured < ATTEMPTS_MIN || use.measured < use.attempts / 2) return [];
  const enough = Math.max(MEMORY_MIN, Math.ceil((use.memoryPeak * HEADROOM) / MIB) * MIB);
  const surplus = use.memoryAsked - enough;
  if (surplus < use.memoryAsked / 4 || surplus < 64 * MIB) return [];
  const rate = context.rates?.memoryHour;
  const saved = rate === undefined ? undefined : (surplus / GIB) * use.hours * rate;
  return [
    {
      kind: 'memory',
      description: `Ask for ${formatBytes(enough)} of memory instead of ${formatBytes(use.memoryAsked)} in ${nameOf(use)}.`,
      evidence: `In ${use.measured} attempts the highest peak was ${formatBytes(use.memoryPeak)}.`,
      monthlySaving: saved === undefined ? undefined : perMonth(saved, context),
      formula: `${round(surplus / GIB)} GiB × ${round(use.hours)} h × ${priceOf(rate)}/GiB-h × ${share(context)}`,
    },
  ];
}

/** Over-asked CPU: on average less than half of it was used. */
function cpuOf(use: StepUse, context: SuggestionContext): Suggestion[] {
  if (use.attempts < ATTEMPTS_MIN || use.cpuHeldMs < HOUR_MS / 60) return [];
  const used = (use.cpuUsedMs / use.cpuHeldMs) * 1_000;
  const enough = Math.max(100, Math.ceil((used * HEADROOM) / 100) * 100);
  const surplus = use.cpuAsked - enough;
  if (surplus < use.cpuAsked / 2) return [];
  const rate = context.rates?.cpuHour;
  const saved = rate === undefined ? undefined : (surplus / 1_000) * use.hours * rate;
  return [
    {
      kind: 'cpu',
      description: `Ask for ${formatMilli(enough)} CPUs instead of ${formatMilli(use.cpuAsked)} in ${nameOf(use)}.`,
      evidence: `Over ${round(use.cpuHeldMs / HOUR_MS)} h it used ${formatMilli(used)} CPUs on average; bursts may need more.`,
      monthlySaving: saved === undefined ? undefined : perMonth(saved, context),
      formula: `${formatMilli(surplus)} CPUs × ${round(use.hours)} h × ${priceOf(rate)}/CPU-h × ${share(context)}`,
    },
  ];
}

function idleOf(use: StepUse, context: SuggestionContext): Suggestion[] {
  if (use.gpuIdleHours < 0.5) return [];
  return [
    {
      kind: 'idle-gpu',
      description: `Give back the GPUs of ${nameOf(use)} while it does nothing.`,
      evidence: `${round(use.gpuIdleHours)} GPU-hours were held by attempts that used less than 1 % of one CPU; the use of the GPUs themselves was not measured.`,
      monthlySaving:
        context.rates === undefined ? undefined : perMonth(use.gpuIdleCharged, context),
      formula: `${formatDollars(use.gpuIdleCharged)} charged for them × ${share(context)}`,
    },
  ];
}

/** The same command in the same environment, that succeeded again and again. */
function cacheOf(use: StepUse, context: SuggestionContext): Suggestion[] {
  let runs = 0;
  let charged = 0;
  for (const same of use.same.values()) {
    if (same.runs < ATTEMPTS_MIN) continue;
    runs += same.runs - 1;
    charged += same.charged * ((same.runs - 1) / same.runs);
  }
  if (runs === 0) return [];
  return [
    {
      kind: 'cache',
      description: `Cache the result of ${nameOf(use)}, if its inputs are the same each time.`,
      evidence: `The same command in the same environment succeeded ${runs} times again.`,
      monthlySaving: context.rates === undefined ? undefined : perMonth(charged, context),
      formula: `${formatDollars(Math.floor(charged))} charged for those ${runs} runs × ${share(context)}`,
    },
  ];
}

function spotOf(use: StepUse, context: SuggestionContext): Suggestion[] {
  const factor = context.rates?.spotFactor;
  if (factor === undefined || factor >= 10_000 || !use.retries || use.charged === 0) return [];
  const saved = use.charged * (1 - factor / 10_000);
  return [
    {
      kind: 'spot',
      description: `Let ${nameOf(use)} run on spot nodes: it tries again by itself.`,
      evidence: `${use.attempts} attempts cost ${formatDollars(use.charged)}; spot nodes cost ${round(factor / 100)} % of that, before work that is lost to interruptions.`,
      monthlySaving: perMonth(saved, context),
      formula: `${formatDollars(use.charged)} × (1 − ${round(factor / 10_000)}) × ${share(context)}`,
    },
  ];
}

/** A model of the same provider whose tokens cost less. Whether it is good enough, nobody here knows. */
function cheaperOf(
  model: string,
  use: { readonly charged: number; readonly tokens: number },
  context: SuggestionContext,
): Suggestion[] {
  const own = context.models.findLast((one) => one.model === model);
  const price = own && pairOf(own);
  if (own === undefined || price === undefined || price === 0 || use.charged === 0) return [];
  let best: { model: string; price: number } | undefined;
  for (const other of context.models) {
    const pair = pairOf(other);
    if (other.provider !== own.provider || other.model === model || pair === undefined) continue;
    if (pair > price / 2 || (other.inputMax ?? UNLIMITED) < (own.inputMax ?? 0)) continue;
    if (best === undefined || pair > best.price) best = { model: other.model, price: pair };
  }
  if (best === undefined) return [];
  const saved = use.charged * (1 - best.price / price);
  return [
    {
      kind: 'cheaper-model',
      description: `Try ${best.model} in place of ${model}, where it is good enough.`,
      evidence: `${use.tokens} tokens cost ${formatDollars(use.charged)}; those of ${best.model} cost ${round((best.price / price) * 100)} % of that. Quality was not compared.`,
      monthlySaving: perMonth(saved, context),
      formula: `${formatDollars(use.charged)} × (1 − ${round(best.price / price)}) × ${share(context)}`,
    },
  ];
}

/** Of a million tokens in and as many out. */
const pairOf = ({ input, output }: ModelPrice): number | undefined =>
  input === undefined || output === undefined ? undefined : input + output;

const priceOf = (rate: number | undefined): string =>
  rate === undefined ? 'unknown price' : formatDollars(rate);

/** Waiting by day and by night: what has time may wait for the night. */
class HourlyWait {
  readonly #byDay = { attempts: 0, waitMs: 0 };
  readonly #byNight = { attempts: 0, waitMs: 0 };

  /** `hour`: of the day on which it was placed, in the zone of the site. */
  add({ isNew, waitMs }: UsageRecord, hour: number): void {
    if (!isNew) return;
    const sums = hour >= PEAK.from && hour < PEAK.to ? this.#byDay : this.#byNight;
    sums.attempts++;
    sums.waitMs += waitMs;
  }

  suggestions(): Suggestion[] {
    const [day, night] = [mean(this.#byDay), mean(this.#byNight)];
    if (day === undefined || night === undefined || day < 5 * 60_000 || night > day / 2) return [];
    return [
      {
        kind: 'off-peak',
        description: 'Let what has time start at night, between 20:00 and 08:00.',
        evidence: `By day tasks waited ${Math.round(day / 60_000)} min on average, at night ${Math.round(night / 60_000)} min.`,
        monthlySaving: undefined,
        formula: 'time, not money: prices are the same at night',
      },
    ];
  }
}

const mean = ({ attempts, waitMs }: { attempts: number; waitMs: number }): number | undefined =>
  attempts < ATTEMPTS_MIN * 3 ? undefined : waitMs / attempts;

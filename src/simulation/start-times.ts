import { Prng } from '../base/prng.ts';
import type { TimeMs } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import { playForward, type Submission } from '../engine/play-forward.ts';
import type { AttemptRecord, TaskRecord } from '../engine/records.ts';
import type { RunTimeDistribution } from '../forecasting/run-time-distribution.ts';
import type { AttemptId, TaskId } from '../model/ids.ts';

/**
 * The lowest and the highest of nine draws hold eight tenths of what may come: of ten equally likely values in any
 * order, the true one is the lowest or the highest of all in two tenths.
 */
export const DRAWS_MIN = 9;
const DAY_MS = 86_400_000;
const HORIZON_MS = 30 * DAY_MS;

export interface StartForecastOptions {
  /** A copy of the state at `at`, each time anew: it is played forward and thrown away. */
  readonly fork: () => Engine;
  readonly at: TimeMs;
  /** How long attempts of a task hold their places; undefined: nobody knows, and they never end. */
  readonly runTimeOf: (task: TaskRecord) => RunTimeDistribution | undefined;
  /** The same seed draws the same, so that two states differ by nothing else. */
  readonly seed: number;
  /** Absent: all that wait. */
  readonly asked?: ReadonlySet<TaskId>;
  /** At least `DRAWS_MIN`; 9, 19, 29… make the ends of the interval just one of the draws. */
  readonly drawsMax: number;
  /** In all draws together. `DRAWS_MIN` are made whatever they cost, and each sees no further than its part. */
  readonly eventsMax: number;
  readonly horizonMs?: number;
  /**
   * Ends that are so near each other are taken for one, so that there are fewer passes: of the time
   * until then, one part of so many. 32 moves an end by 3 % at most, to before it. Absent: none is moved.
   */
  readonly grain?: number;
  /** Who comes later, for each draw; absent: nobody. */
  readonly arrivals?: (draw: number) => Iterator<Submission, unknown>;
}

/** When a task that waits starts. Undefined moments lie beyond what was looked at. */
export interface StartForecast {
  /** Of ten such tasks one starts before `low`, and one after `high`. */
  readonly low: TimeMs | undefined;
  readonly median: TimeMs | undefined;
  readonly high: TimeMs | undefined;
  readonly draws: number;
  /** In so many of the draws it did not start within the horizon. */
  readonly beyond: number;
  /** The attempt after whose end it starts most often; undefined where mostly time alone lets it start. */
  readonly after: AttemptId | undefined;
}

/**
 * When tasks start: copies of the state are run forward by the engine itself, each with run times drawn from what is
 * known of them. Gives way with the number of events so far, so that it can be done in pieces.
 */
export function* forecastStarts(
  options: StartForecastOptions,
): Generator<number, ReadonlyMap<TaskId, StartForecast>> {
  const { drawsMax, eventsMax, horizonMs = HORIZON_MS, at } = options;
  const chance = new RunTimeDraws(options);
  const found = new Map<TaskId, Found>();
  let events = 0;
  let draws = 0;
  let asked: ReadonlySet<TaskId> | undefined = options.asked;
  while (draws < drawsMax) {
    if (draws >= DRAWS_MIN && events + events / draws > eventsMax) break;
    const engine = options.fork();
    chance.begin(engine.state.workloadsEver);
    asked ??= waitingOf(engine);
    let open = asked.size;
    if (open === 0) break;
    const draw = draws++;
    const submissions = options.arrivals?.(draw);
    const playing = playForward(engine, at, {
      endOf: (attempt, now) => chance.endOf(attempt, now, draw),
      placed: ({ task }, when, after) => {
        if (!asked!.has(task.id) || !noteStart(found, task.id, { draw, when, after })) return;
        open--;
      },
      isDone: () => open === 0,
      eventsMax: Math.ceil(eventsMax / DRAWS_MIN),
      horizonMs,
      endsTogether: options.grain !== undefined,
      ...(submissions && { submissions }),
    });
    for (let step = playing.next(); ; step = playing.next()) {
      if (step.done === true) {
        events += step.value.events;
        break;
      }
      yield events + step.value;
    }
  }
  return forecastsOf(asked ?? new Set(), found, draws);
}

/** All at once. */
export function forecastStartsNow(
  options: StartForecastOptions,
): ReadonlyMap<TaskId, StartForecast> {
  const running = forecastStarts(options);
  for (let step = running.next(); ; step = running.next()) {
    if (step.done === true) return step.value;
  }
}

function waitingOf({ state }: Engine): Set<TaskId> {
  const waiting = new Set<TaskId>();
  for (const workload of state.workloads()) {
    if (workload.state !== 'active') continue;
    for (const step of workload.steps) {
      if (step.state !== 'open' || step.counts.waiting === 0) continue;
      for (const task of step.tasks) if (task.state === 'waiting') waiting.add(task.id);
    }
  }
  return waiting;
}

interface Found {
  readonly starts: TimeMs[];
  readonly after: (AttemptId | undefined)[];
  /** The draw of the last of them. */
  draw: number;
}

/** The first start of each draw counts. */
function noteStart(
  found: Map<TaskId, Found>,
  id: TaskId,
  { draw, when, after }: { draw: number; when: TimeMs; after: AttemptId | undefined },
): boolean {
  const known = found.get(id);
  if (known === undefined) {
    found.set(id, { starts: [when], after: [after], draw });
    return true;
  }
  if (known.draw === draw) return false;
  known.draw = draw;
  known.starts.push(when);
  known.after.push(after);
  return true;
}

function forecastsOf(
  asked: ReadonlySet<TaskId>,
  found: ReadonlyMap<TaskId, Found>,
  draws: number,
): ReadonlyMap<TaskId, StartForecast> {
  const forecasts = new Map<TaskId, StartForecast>();
  for (const id of asked) {
    const { starts = [], after = [] } = found.get(id) ?? {};
    const ordered = Float64Array.from(starts).sort();
    forecasts.set(id, {
      low: quantileOf(ordered, draws, 0.1),
      median: quantileOf(ordered, draws, 0.5),
      high: quantileOf(ordered, draws, 0.9),
      draws,
      beyond: draws - starts.length,
      after: mostFrequent(after),
    });
  }
  return forecasts;
}

/**
 * The value below which a further draw falls with this chance, whatever they are drawn from: position p (n + 1) of
 * those in order (Hyndman and Fan's sixth definition). What is missing lies beyond all others.
 */
function quantileOf(ordered: Float64Array, draws: number, p: number): TimeMs | undefined {
  const position = Math.min(draws, Math.max(1, p * (draws + 1))) - 1;
  const low = ordered[Math.floor(position)];
  const high = ordered[Math.ceil(position)];
  if (low === undefined || high === undefined) return undefined;
  return Math.round(low + (high - low) * (position - Math.floor(position))) as TimeMs;
}

function mostFrequent(ids: readonly (AttemptId | undefined)[]): AttemptId | undefined {
  const counts = new Map<AttemptId | undefined, number>();
  let most: AttemptId | undefined;
  for (const id of ids) {
    const count = (counts.get(id) ?? 0) + 1;
    counts.set(id, count);
    if (count > (counts.get(most) ?? 0)) most = id;
  }
  return most;
}

/**
 * Run times of attempts in each draw. Of one attempt, the draws fall into different parts of its distribution (Latin
 * hypercube sampling, McKay, Beckman and Conover 1979): few of them show as much as many that are independent. What an
 * attempt is drawn depends on nothing but its name and the draw: changes elsewhere change nothing here.
 */
class RunTimeDraws {
  readonly #options: StartForecastOptions;
  readonly #known = new Map<string, RunTimeDistribution | undefined>();
  readonly #shares = new Map<AttemptId, Float64Array>();
  /** Workloads with a larger number came in this draw, and are others in the next. */
  #lastKnown = 0;

  constructor(options: StartForecastOptions) {
    this.#options = options;
  }

  begin(workloadsEver: number): void {
    this.#lastKnown = workloadsEver;
  }

  endOf(attempt: AttemptRecord, now: TimeMs, draw: number): number | undefined {
    const { placedAt, task } = attempt;
    const runTime = this.#runTimeOf(task);
    if (runTime === undefined) return undefined;
    const elapsed = now - placedAt;
    const ms = Math.ceil(runTime.quantile(this.#share(attempt.id, draw), elapsed));
    // What is planned by is met, or whoever was to start then could not.
    return ms === task.estimateMs ? placedAt + ms : this.#rounded(placedAt + ms, now);
  }

  /** On a grid that is as much coarser as it is further away, the same for all ends of a draw. */
  #rounded(end: number, now: TimeMs): number {
    const { grain, at } = this.#options;
    const ahead = end - at;
    if (grain === undefined || ahead < grain) return end;
    const step = 2 ** Math.floor(Math.log2(ahead / grain));
    return Math.max(now + 1, at + Math.floor(ahead / step) * step);
  }

  /** Tasks of one step are alike. */
  #runTimeOf(task: TaskRecord): RunTimeDistribution | undefined {
    if (task.step.workload.number > this.#lastKnown) return this.#options.runTimeOf(task);
    const key = `${task.step.workload.id}.${task.step.index}`;
    if (this.#known.has(key)) return this.#known.get(key);
    const runTime = this.#options.runTimeOf(task);
    this.#known.set(key, runTime);
    return runTime;
  }

  #share(id: AttemptId, draw: number): number {
    let shares = this.#shares.get(id);
    if (shares === undefined) {
      shares = strata(new Prng(hash(this.#options.seed, id)), this.#options.drawsMax);
      this.#shares.set(id, shares);
    }
    return shares[draw]!;
  }
}

/** One number in each of `count` equal parts of 0 … 1, in random order. */
function strata(prng: Prng, count: number): Float64Array {
  const shares = new Float64Array(count);
  for (let i = 0; i < count; i++) shares[i] = (i + prng.next() / 4294967296) / count;
  for (let i = count - 1; i > 0; i--) {
    const j = prng.below(i + 1);
    [shares[i], shares[j]] = [shares[j]!, shares[i]!];
  }
  return shares;
}

/** FNV-1a. */
function hash(seed: number, id: string): number {
  let h = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < id.length; i++) h = Math.imul(h ^ id.charCodeAt(i), 0x01000193) >>> 0;
  return h;
}

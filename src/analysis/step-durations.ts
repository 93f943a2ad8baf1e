import { parseAttemptId } from '../model/ids.ts';
import type { Event } from '../model/messages.ts';
import { median } from '../statistics/robust.ts';
import type { SoftwareChange } from './regressions.ts';
import type { NamedSeries } from './series.ts';

const ATTEMPTS_MAX = 50_000;
const STEPS_MAX = 500;
const CHANGES_MAX = 1_000;
const WORKLOADS_MAX = 50_000;
/** Of one step, before it has a usual time. */
const USUAL_MIN = 5;

interface Took {
  readonly at: number;
  readonly ms: number;
}

/** How long attempts that succeeded took, by step, and when a step had another command. Reads the journal in order. */
export class StepDurations {
  readonly #only: string | undefined;
  readonly #placed = new Map<string, number>();
  /** Of a workload: whether it counts, and its name. */
  readonly #names = new Map<string, string>();
  readonly #commands = new Map<string, string>();
  readonly #steps = new Map<string, Took[]>();
  readonly #changes: SoftwareChange[] = [];
  #count = 0;

  constructor(only?: string) {
    this.#only = only;
  }

  read(event: Event): void {
    switch (event.kind) {
      case 'workload-submitted':
        if (this.#only === undefined || event.tenant === this.#only) this.#submit(event);
        return;
      case 'task-started':
        this.#placed.set(event.attempt, event.at);
        return;
      case 'task-ended': {
        const began = this.#placed.get(event.attempt);
        this.#placed.delete(event.attempt);
        const { cause, cachedFrom, usage } = event.end;
        if (began === undefined || cause !== 'succeeded' || cachedFrom !== undefined) return;
        this.#add(event.attempt, { at: began, ms: usage.wallMs ?? event.at - began });
        return;
      }
      default:
        return;
    }
  }

  /** How long attempts of all steps took, each against what is usual of its step. */
  all(): NamedSeries {
    const ratios = [...this.#steps.values()].flatMap((took) => {
      if (took.length < USUAL_MIN) return [];
      const first = took.slice(0, Math.max(USUAL_MIN, Math.floor(took.length / 3)));
      const usual = median(first.map(({ ms }) => ms));
      return usual > 0 ? took.map(({ at, ms }) => ({ at, ms: ms / usual })) : [];
    });
    return seriesOfTimes(
      ratios,
      'the time that attempts take, against what is usual of their step',
      {
        unit: 'ratio',
        labels: {},
      },
    );
  }

  steps(): readonly NamedSeries[] {
    return [...this.#steps].map(([step, took]) => {
      const seconds = took.map(({ at, ms }) => ({ at, ms: ms / 1_000 }));
      return seriesOfTimes(seconds, 'the time of a step', { unit: 'seconds', labels: { step } });
    });
  }

  changes(): readonly SoftwareChange[] {
    return this.#changes;
  }

  #submit({ workload, spec, at }: Extract<Event, { kind: 'workload-submitted' }>): void {
    if (spec.kind === 'service' || spec.kind === 'lease') return;
    dropOldest(this.#names, WORKLOADS_MAX);
    this.#names.set(workload, spec.name);
    for (const step of spec.steps) {
      const key = `${spec.name}/${step.id}`;
      const command = JSON.stringify(step.run);
      const before = this.#commands.get(key);
      dropOldest(this.#commands, STEPS_MAX);
      this.#commands.set(key, command);
      if (before === undefined || before === command || this.#changes.length >= CHANGES_MAX)
        continue;
      this.#changes.push({ at, sentence: `step ${key} has another command` });
    }
  }

  #add(attempt: string, took: Took): void {
    const { workload, step } = parseAttemptId(attempt)!;
    const name = this.#names.get(workload);
    if (name === undefined || this.#count >= ATTEMPTS_MAX) return;
    const key = `${name}/${step}`;
    const known = this.#steps.get(key);
    if (known === undefined && this.#steps.size >= STEPS_MAX) return;
    this.#count++;
    if (known === undefined) this.#steps.set(key, [took]);
    else known.push(took);
  }
}

function dropOldest(map: Map<string, string>, most: number): void {
  if (map.size < most) return;
  const [oldest] = map.keys();
  map.delete(oldest!);
}

const POINTS_MAX = 200;

/** In order of their beginning; neighbours are merged to their median until there are few enough. */
function seriesOfTimes(
  took: readonly Took[],
  words: string,
  of: Pick<NamedSeries, 'unit' | 'labels'>,
): NamedSeries {
  const ordered = [...took].sort((a, b) => a.at - b.at);
  const size = Math.ceil(ordered.length / POINTS_MAX) || 1;
  const parts = Array.from({ length: Math.ceil(ordered.length / size) }, (_, i) =>
    ordered.slice(i * size, (i + 1) * size),
  );
  return {
    ...of,
    name: 'attempt_duration',
    words,
    worse: 'up',
    at: parts.map(([first]) => first!.at),
    values: parts.map((part) => median(part.map(({ ms }) => ms))),
  };
}

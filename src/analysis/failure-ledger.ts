import type { EndCause } from '../model/attempt.ts';
import { type AttemptId, parseAttemptId, type WorkloadId } from '../model/ids.ts';
import type { Event } from '../model/messages.ts';
import type { StepSpec, WorkloadSpec } from '../model/workload.ts';

/** What failures may have in common. */
export const parentKinds = [
  'node',
  'rack',
  'zone',
  'switch',
  'gpu',
  'command',
  'step',
  'workload',
  'dependency',
  'tenant',
  'queue',
] as const;
export type ParentKind = (typeof parentKinds)[number];
export type Parents = Readonly<Partial<Record<ParentKind, readonly string[]>>>;

/** An attempt that ran, with what it depended on. */
export interface Exposure {
  readonly id: AttemptId;
  readonly from: number;
  /** Absent while it runs. */
  to?: number;
  /** Absent while it runs, and where it did not fail. */
  failure?: FailureCause;
  readonly parents: Parents;
}

export type FailureCause = EndCause | 'evicted';

export interface NodeLoss {
  readonly at: number;
  readonly node: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface StepNeeds {
  readonly workload: string;
  readonly tenant: string;
  readonly steps: readonly { readonly id: string; readonly needs: readonly string[] }[];
  /** The task that submitted it. */
  readonly by: string | undefined;
}

/** Ends that are somebody's decision, or no failure, are not there. */
const failures: ReadonlySet<EndCause> = new Set([
  'failed',
  'signalled',
  'oom-killed',
  'timed-out',
  'disk-exceeded',
  'unhealthy',
  'overused',
  'start-failed',
  'lost',
]);

const EXPOSURES_MAX = 100_000;
const WORKLOADS_MAX = 50_000;
const COMMAND_CHARS = 80;
const LATELY = 5_000;

export interface LedgerTerms {
  /** All that the journal says of a workload that was submitted before what is read. */
  readonly before?: (id: WorkloadId) => Iterable<Event>;
  /** Attempts of nobody but this tenant. */
  readonly only?: string | undefined;
}

interface Known {
  readonly spec: WorkloadSpec;
  readonly tenant: string;
}

/**
 * Reads the journal event by event, and keeps what is needed to tell failures apart: who ran when and where, what
 * they have in common, and which nodes were lost with tasks on them.
 */
export class FailureLedger {
  readonly exposures: Exposure[] = [];
  readonly losses: NodeLoss[] = [];
  readonly #before: (id: WorkloadId) => Iterable<Event>;
  readonly #only: string | undefined;
  readonly #known = new Map<string, Known | undefined>();
  readonly #running = new Map<AttemptId, Exposure>();
  readonly #evicted = new Set<AttemptId>();
  /** Who takes over the place of whom. */
  readonly #next = new Map<AttemptId, AttemptId>();
  readonly #nodes = new Map<string, Readonly<Record<string, string>>>();
  readonly #skipped = new Map<string, number>();

  constructor({ before = () => [], only }: LedgerTerms = {}) {
    this.#before = before;
    this.#only = only;
  }

  /** A node that joined before what is read. */
  knowNode(id: string, labels: Readonly<Record<string, string>>): void {
    this.#nodes.set(id, labels);
  }

  read(event: Event): void {
    switch (event.kind) {
      case 'node-joined':
        this.#nodes.set(event.node.id, event.node.labels);
        return;
      case 'node-left':
        this.#lose(event.node, event.at);
        return;
      case 'workload-submitted':
        this.#know(event.workload, { spec: event.spec, tenant: event.tenant });
        return;
      case 'task-placed': {
        const { node, gpus } = event.placement;
        this.#place(event.attempt, event.at, { node: [node], gpu: gpus });
        return;
      }
      case 'attempts-lined-up': {
        let before: AttemptId = event.behind;
        for (const attempt of event.attempts) {
          this.#next.set(before, attempt);
          before = attempt;
        }
        return;
      }
      case 'eviction-ordered':
        this.#evicted.add(event.eviction.attempt);
        return;
      case 'task-ended':
        this.#end(event.attempt, event.at, event.end.cause);
        return;
      case 'step-ended':
        if (event.state === 'skipped') {
          this.#skipped.set(`${event.workload}/${event.step}`, event.at);
        }
        return;
      default:
        return;
    }
  }

  /** The steps that never ran, from one moment to another. */
  skipped(from: number, to: number): readonly string[] {
    return [...this.#skipped].filter(([, at]) => at >= from && at <= to).map(([step]) => step);
  }

  labelsOf(node: string): Readonly<Record<string, string>> {
    return this.#nodes.get(node) ?? {};
  }

  /** Of these workloads, and of all that a task submitted. */
  needs(workloads: ReadonlySet<string>): readonly StepNeeds[] {
    return [...this.#known].flatMap(([workload, known]) => {
      if (!workloads.has(workload) && known?.spec.submittedBy === undefined) return [];
      if (known === undefined || (this.#only ?? known.tenant) !== known.tenant) return [];
      const steps = known.spec.steps.map(({ id, needs }) => ({ id, needs }));
      return [{ workload, tenant: known.tenant, steps, by: known.spec.submittedBy }];
    });
  }

  #lose(node: string, at: number): void {
    const labels = this.#nodes.get(node) ?? {};
    const hadTasks = [...this.#running.values()].some(({ parents }) => parents.node?.[0] === node);
    // Its tasks are told as lost in the same batch, before or after it.
    const lostNow = this.exposures
      .slice(-LATELY)
      .some(
        ({ parents, to, failure }) => to === at && failure === 'lost' && parents.node?.[0] === node,
      );
    if (hadTasks || lostNow) this.losses.push({ at, node, labels });
  }

  #place(id: AttemptId, at: number, where: Parents): void {
    const name = parseAttemptId(id)!;
    const known = this.#knownOf(name.workload);
    if (this.#only !== undefined && known?.tenant !== this.#only) return;
    const step = known?.spec.steps.find((one) => one.id === name.step);
    const labels = this.#nodes.get(where.node?.[0] ?? '') ?? {};
    const exposure: Exposure = {
      id,
      from: at,
      parents: {
        ...where,
        ...labelParents(labels),
        workload: [name.workload],
        ...(known && {
          step: [`${known.spec.name}/${name.step}`],
          tenant: [known.tenant],
          queue: [known.spec.queue],
        }),
        ...(step && {
          command: [commandOf(step)],
          dependency: step.needs.map((need) => `${name.workload}/${need}`),
        }),
      },
    };
    this.#running.set(id, exposure);
    this.exposures.push(exposure);
    if (this.exposures.length > EXPOSURES_MAX) this.exposures.splice(0, EXPOSURES_MAX / 10);
  }

  #end(id: AttemptId, at: number, cause: EndCause): void {
    const exposure = this.#running.get(id);
    const evicted = this.#evicted.delete(id);
    const next = this.#next.get(id);
    this.#next.delete(id);
    if (exposure === undefined) return;
    this.#running.delete(id);
    exposure.to = at;
    if (evicted) exposure.failure = 'evicted';
    else if (failures.has(cause)) exposure.failure = cause;
    if (next !== undefined && cause === 'succeeded') {
      const { node = [], gpu = [] } = exposure.parents;
      this.#place(next, at, { node, gpu });
    }
  }

  #knownOf(id: WorkloadId): Known | undefined {
    if (this.#known.has(id)) return this.#known.get(id);
    for (const event of this.#before(id)) {
      if (event.kind !== 'workload-submitted') continue;
      this.#know(id, { spec: event.spec, tenant: event.tenant });
      return this.#known.get(id);
    }
    this.#know(id, undefined);
    return undefined;
  }

  #know(id: string, known: Known | undefined): void {
    if (this.#known.size >= WORKLOADS_MAX) {
      const [oldest] = this.#known.keys();
      this.#known.delete(oldest!);
    }
    this.#known.set(id, known);
  }
}

function labelParents(labels: Readonly<Record<string, string>>): Parents {
  return Object.fromEntries(
    (['rack', 'zone', 'switch'] as const).flatMap((kind) =>
      labels[kind] === undefined ? [] : [[kind, [labels[kind]]]],
    ),
  );
}

function commandOf({ run }: StepSpec): string {
  if (run.kind === 'held') return 'lease';
  const text = run.kind === 'argv' ? run.argv.join(' ') : run.script;
  return text.trim().replace(/\s+/g, ' ').slice(0, COMMAND_CHARS);
}

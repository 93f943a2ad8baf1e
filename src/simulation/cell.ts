import { assert } from '../base/assert.ts';
import { Heap } from '../base/heap.ts';
import { Prng } from '../base/prng.ts';
import { type SpanMs, type TimeMs, timeMs } from '../base/units.ts';
import type { NodeId } from '../model/ids.ts';
import type { Gpu, Node } from '../model/node.ts';
import type { SchedulingConfig } from '../model/scheduling-config.ts';
import { type Gantt, GanttRecorder } from './measures/gantt-recorder.ts';
import type { RunResult } from './measures/run-document.ts';
import { RunMeasures } from './measures/run-measures.ts';
import { engineFor } from './policies.ts';
import { simulate } from './simulate.ts';
import type { EstimateOf, SiteModel } from './site-model.ts';
import type { Trace, TraceJob } from './trace.ts';

/** One simulation among others: with the same inputs it always comes out the same. */
export interface Cell {
  /** A name of the inputs' policies. */
  readonly policy: string;
  readonly seed: number;
  /** Jobs come so many times as fast; 1: as the trace has them. */
  readonly load: number;
  /** So many times as many machines; 1: as given. */
  readonly size: number;
  /** Whether it is recorded who ran where. */
  readonly isDrawn?: boolean;
}

/** What a cell came to. */
export interface CellResult extends RunResult {
  readonly gantt?: Gantt;
}

/** What all simulations of a comparison or a sweep have in common. */
export interface CellInputs {
  readonly trace: Trace;
  /** Where each seed has a trace of its own; absent: all have that one. */
  readonly draw?: (seed: number) => Trace;
  readonly nodes: readonly Node[];
  readonly policies: ReadonlyMap<string, SchedulingConfig>;
  /** How far the seed moves each submission at most, back or forth; absent: not at all. */
  readonly shakeMs?: SpanMs;
  /** Afresh for each simulation; absent: nothing but the trace happens. */
  readonly models?: (nodes: readonly Node[]) => readonly SiteModel[];
  /** Afresh for each simulation; absent: what the users said. */
  readonly estimates?: () => EstimateOf;
}

/** Simulates one cell, and measures it. */
export function runCell(cell: Cell, inputs: CellInputs): CellResult {
  const { policy, seed, load, size, isDrawn = false } = cell;
  const config = inputs.policies.get(policy);
  assert(config !== undefined, `no policy is called ${policy}`);
  const nodes = resized(inputs.nodes, size);
  const measures = new RunMeasures({ policy, seed });
  const gantt = isDrawn ? new GanttRecorder(policy) : undefined;
  simulate({
    trace: faster(shaken(inputs.draw?.(seed) ?? inputs.trace, inputs.shakeMs, seed), load),
    nodes,
    engine: engineFor(config),
    seed,
    observers: [measures, ...(gantt ? [gantt] : [])],
    ...(inputs.models && { models: inputs.models(nodes) }),
    ...(inputs.estimates && { estimates: inputs.estimates() }),
  });
  return { ...measures.result(), ...(gantt && { gantt: gantt.picture() }) };
}

/**
 * The same jobs, each submitted a little sooner or later: what a policy does on one log may hang on a single job, and of
 * many shakings it is seen how much (Tsafrir, Ouaknine and Feitelson, MASCOTS'07).
 */
export function shaken(trace: Trace, shakeMs: SpanMs | undefined, seed: number): Trace {
  if (shakeMs === undefined || shakeMs === 0) return trace;
  return {
    ...trace,
    jobs: {
      *[Symbol.iterator](): Iterator<TraceJob> {
        const prng = new Prng(seed);
        let number = 0;
        const due = new Heap<{ readonly job: TraceJob; readonly number: number }>((a, b) =>
          a.job.at === b.job.at ? a.number < b.number : a.job.at < b.job.at,
        );
        for (const job of trace.jobs) {
          // No later job comes before this.
          while ((due.peek()?.job.at ?? Number.POSITIVE_INFINITY) < job.at - shakeMs) {
            yield due.pop().job;
          }
          const at = Math.max(0, job.at - shakeMs + prng.below(2 * shakeMs + 1));
          due.push({ job: { ...job, at: timeMs(at) }, number: number++ });
        }
        while (due.size > 0) yield due.pop().job;
      },
    },
  };
}

/** The same jobs, closer together or farther apart: what they ask for and how long they run stays. */
export function faster(trace: Trace, load: number): Trace {
  if (load === 1) return trace;
  return {
    ...trace,
    jobs: {
      *[Symbol.iterator](): Iterator<TraceJob> {
        let first: TimeMs | undefined;
        for (const job of trace.jobs) {
          first ??= job.at;
          yield { ...job, at: timeMs(first + Math.round((job.at - first) / load)) };
        }
      },
    },
  };
}

/**
 * So many times as many nodes, evenly from all: of some 0.5 takes every second one, 1.5 takes every second one twice. One
 * node alone is so much larger instead: it stands for a machine of which only processors are known.
 */
export function resized(nodes: readonly Node[], size: number): readonly Node[] {
  if (size === 1 || nodes.length === 0) return nodes;
  const [only] = nodes;
  if (nodes.length === 1) return [larger(only!, size)];
  const count = Math.max(1, Math.round(nodes.length * size));
  const copies = new Map<Node, number>();
  return Array.from({ length: count }, (_, i) => {
    const node = nodes[Math.floor((i * nodes.length) / count)]!;
    const copy = (copies.get(node) ?? 0) + 1;
    copies.set(node, copy);
    return copy === 1 ? node : { ...node, id: `${node.id}~${copy}` as NodeId };
  });
}

function larger(node: Node, size: number): Node {
  const gpus = Array.from({ length: Math.round(node.gpus.length * size) }, (_, i): Gpu => {
    const gpu = node.gpus[i % node.gpus.length]!;
    return i < node.gpus.length ? gpu : { ...gpu, id: `${gpu.id}~${i}` };
  });
  return {
    ...node,
    cpu: (Math.round((node.cpu * size) / 1_000) * 1_000) as Node['cpu'],
    memory: Math.round(node.memory * size) as Node['memory'],
    gpus,
  };
}

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Prng } from '../src/base/prng.ts';
import type { Node } from '../src/model/node.ts';
import { type NodeIndex, NodeTable, WHOLE_GPU } from '../src/scheduling/node-table.ts';
import { feasible } from '../src/scheduling/place.ts';
import { PlacementIndex } from '../src/scheduling/placement-index.ts';
import type { Scorer } from '../src/scheduling/scorer.ts';
import { dotProduct } from '../src/scheduling/scorers/dot-product.ts';
import { fgd } from '../src/scheduling/scorers/fgd.ts';
import { fillPlan } from '../src/scheduling/scorers/fill-plan.ts';
import { gpuBestFit } from '../src/scheduling/scorers/gpu-best-fit.ts';
import { gpuClustering } from '../src/scheduling/scorers/gpu-clustering.ts';
import { gpuPacking } from '../src/scheduling/scorers/gpu-packing.ts';
import { type Ask, type ShapeIndex, Shapes } from '../src/scheduling/shape.ts';
import { TypicalDemand } from '../src/scheduling/typical-demand.ts';
import {
  readOpenbNodes as openbNodes,
  readOpenbPods as openbPods,
} from '../src/simulation/traces/openb.ts';
import type { TraceSource } from '../src/simulation/traces/trace-format.ts';
import type { Bench } from './bench.ts';
import { openbVariant } from './openb-variants.ts';

/** Demand that arrives, as a part of all GPUs: enough to see what still fits once most does not. */
const DEMAND = 1.3;

const sourceOf = (file: string): TraceSource => ({ file, text: readFileSync(file, 'utf8') });

/** Nodes with GPUs, by name. */
export function readOpenbNodes(file: string): Node[] {
  const read = openbNodes(sourceOf(file));
  if (!read.ok) throw new Error(`${file}: ${read.issues[0]?.message}`);
  return read.nodes.filter(({ gpus }) => gpus.length > 0);
}

export function readOpenbPods(file: string): Ask[] {
  const read = openbPods(sourceOf(file));
  if (!read.ok) throw new Error(`${file}: ${read.issues[0]?.message}`);
  return read.pods.map(({ request, constraints }) =>
    constraints === undefined ? request : { ...request, constraints },
  );
}

/** All pods shuffled, then pods drawn with replacement, until the demand has arrived. */
export function openbArrivals(pods: readonly Ask[], gpuCapacity: number, seed: number): Ask[] {
  const prng = new Prng(seed);
  const first = shuffled(pods, prng);
  const arrivals: Ask[] = [];
  for (let demand = 0; demand < DEMAND * gpuCapacity; ) {
    const pod = first[arrivals.length] ?? prng.pick(pods);
    arrivals.push(pod);
    demand += pod.gpu;
  }
  return arrivals;
}

function shuffled<Item>(items: readonly Item[], prng: Prng): Item[] {
  const mixed = [...items];
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = prng.below(i + 1);
    [mixed[i], mixed[j]] = [mixed[j]!, mixed[i]!];
  }
  return mixed;
}

/** Chooses a node and devices for an ask, or nothing where it does not fit. */
interface Policy {
  place(ask: Ask): { readonly row: NodeIndex; readonly gpus: readonly string[] } | undefined;
}

function scored(table: NodeTable, scorer: Scorer, pods: readonly Ask[]): Policy {
  const index = new PlacementIndex(table, scorer, TypicalDemand.of(pods));
  const shapes = new Shapes();
  const shapeOf = new Map<Ask, ShapeIndex>();
  return {
    place(ask) {
      let shape = shapeOf.get(ask);
      if (shape === undefined) {
        shape = shapes.intern(ask, ask.constraints);
        shapeOf.set(ask, shape);
      }
      const row = index.best(shape, ask);
      return row === undefined ? undefined : { row, gpus: index.devices(row, ask) };
    },
  };
}

/** Any node that fits, then any device that does: what every policy must beat. */
function random(table: NodeTable, prng: Prng): Policy {
  return {
    place(ask) {
      const rows: NodeIndex[] = [];
      for (let row = 0; row < table.rows; row++) if (feasible(table, row, ask)) rows.push(row);
      if (rows.length === 0) return undefined;
      const row = prng.pick(rows);
      if (ask.gpu === 0 || ask.gpu >= WHOLE_GPU) {
        return { row, gpus: table.chooseGpus(row, ask.gpu, ask).map(({ id }) => id) };
      }
      const devices = [...table.freeGpu(row).entries()].filter(([, free]) => free >= ask.gpu);
      return { row, gpus: [table.node(row)!.gpus[prng.pick(devices)[0]]!.id] };
    },
  };
}

type MakePolicy = (table: NodeTable, pods: readonly Ask[], prng: Prng) => Policy;
const by =
  (scorer: Scorer): MakePolicy =>
  (table, pods) =>
    scored(table, scorer, pods);

/** The published names and ours. */
export const openbPolicies: Readonly<Record<string, MakePolicy>> = {
  random: (table, _pods, prng) => random(table, prng),
  'dot-product': by(dotProduct),
  'gpu-clustering': by(gpuClustering),
  'gpu-packing': by(gpuPacking),
  'best-fit': by(gpuBestFit),
  fgd: by(fgd),
  'fill-plan': by(fillPlan),
};

/** In milli-GPU: whole numbers, because V8 13.6 gave the fractions of one run to the run before. */
export interface OpenbRun {
  readonly capacity: number;
  /** Allocated when as much as the capacity had been asked for, and when all had. */
  readonly at100: number;
  readonly at130: number;
}

export const percentOf = (part: number, { capacity }: OpenbRun): number => (part / capacity) * 100;

/**
 * As in the published runs, each seed puts the nodes into a random order, and ties go to the first: whoever
 * scores nodes alike fills them in that order, and not the nodes of one kind first, as an order by name would.
 */
export function runOpenb(
  nodes: readonly Node[],
  pods: readonly Ask[],
  make: MakePolicy,
  seed: number,
): OpenbRun {
  const chance = new Prng(seed);
  const table = new NodeTable();
  for (const node of shuffled(nodes, chance.fork())) table.join(node);
  const capacity = nodes.reduce((sum, node) => sum + node.gpus.length * WHOLE_GPU, 0);
  const policy = make(table, pods, chance.fork());
  let arrived = 0;
  let allocated = 0;
  let at100 = -1;
  for (const ask of openbArrivals(pods, capacity, seed)) {
    const place = policy.place(ask);
    if (place !== undefined) {
      table.take(place.row, ask, place.gpus);
      allocated += ask.gpu;
    }
    arrived += ask.gpu;
    if (at100 < 0 && arrived >= capacity) at100 = allocated;
  }
  return { capacity, at100, at130: allocated };
}

export const openbBench: Bench = {
  what: 'GPU packing of a trace of pods, nothing departs: allocated GPU in %  --nodes FILE --pods FILE [--seeds N] [--policy NAME,…] [--variant multigpu20|…]',
  run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        nodes: { type: 'string' },
        pods: { type: 'string' },
        seeds: { type: 'string', default: '5' },
        policy: { type: 'string' },
        variant: { type: 'string', default: 'default' },
      },
    });
    if (values.nodes === undefined || values.pods === undefined) {
      throw new Error('needs --nodes FILE and --pods FILE');
    }
    const nodes = readOpenbNodes(values.nodes);
    const pods = openbVariant(values.variant, readOpenbPods(values.pods), nodes);
    const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => i + 1);
    const names = Object.keys(openbPolicies).filter(
      (name) => values.policy === undefined || values.policy.split(',').includes(name),
    );
    const policies = names.map((name) => {
      const started = performance.now();
      const runs = seeds.map((seed) => runOpenb(nodes, pods, openbPolicies[name]!, seed));
      const seconds = (performance.now() - started) / 1000 / seeds.length;
      return {
        name,
        allocation_pct_at_100: mean(runs.map((run) => percentOf(run.at100, run))),
        allocation_pct_at_130: mean(runs.map((run) => percentOf(run.at130, run))),
        seconds,
      };
    });
    return { policies };
  },
};

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

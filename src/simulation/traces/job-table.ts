import type { SpanMs, TimeMs } from '../../base/units.ts';
import type { TenantId } from '../../model/ids.ts';
import type { WorkloadSpec } from '../../model/workload.ts';
import type { TraceJob } from '../trace.ts';
import { type JobShape, shapeKey, traceSpec } from './trace-spec.ts';

/** A job as its trace has it. */
export interface JobRow {
  readonly id: string | number;
  readonly at: number;
  readonly tenant: string;
  readonly shape: JobShape;
  readonly runMs: number;
  /** What its user said that it takes. */
  readonly estimateMs?: number | undefined;
  readonly failed?: boolean;
}

/** Of one trace: about 300 MB of columns, and as many submissions as a large site has in some years. */
export const JOBS_MAX = 5_000_000;
/** Specs that are kept for the next job like them. */
const SPECS_KEPT = 50_000;

/**
 * The jobs of a trace in columns, about 60 bytes each; what the simulator takes is made as it is asked for, and jobs
 * that ask for the same share a spec.
 */
export class JobTable {
  readonly #shapes: JobShape[] = [];
  readonly #shapeOfKey = new Map<string, number>();
  readonly #tenants: TenantId[] = [];
  readonly #tenantOf = new Map<string, number>();
  readonly #ids: (string | number)[] = [];
  readonly #known = new Set<string | number>();
  /** How often, of those that came more than once. */
  readonly #times = new Map<string | number, number>();
  #at = new Float64Array(1024);
  #runMs = new Float64Array(1024);
  /** −1: nothing was said. */
  #estimateMs = new Float64Array(1024);
  #shape = new Uint32Array(1024);
  #tenant = new Uint32Array(1024);
  #failed = new Uint8Array(1024);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count >= JOBS_MAX;
  }

  /** The index of a shape that many jobs have, for `addKnown`. */
  shapeIndex(key: string, make: () => JobShape): number {
    let index = this.#shapeOfKey.get(key);
    if (index === undefined) {
      index = this.#shapes.push(make()) - 1;
      this.#shapeOfKey.set(key, index);
    }
    return index;
  }

  add(row: JobRow): void {
    const { shape } = row;
    this.addKnown(
      row,
      this.shapeIndex(shapeKey(shape), () => shape),
    );
  }

  addKnown(row: Omit<JobRow, 'shape'>, shape: number): void {
    if (this.#count === this.#at.length) this.#grow();
    const i = this.#count++;
    this.#ids.push(this.#uniqueId(row.id));
    this.#at[i] = row.at;
    this.#runMs[i] = row.runMs;
    this.#estimateMs[i] = row.estimateMs ?? -1;
    this.#shape[i] = shape;
    this.#tenant[i] = this.#tenantIndex(row.tenant);
    this.#failed[i] = row.failed === true ? 1 : 0;
  }

  /** By time, then by number where ids are numbers, then as they were added. */
  jobs(limit: number = Number.POSITIVE_INFINITY): { jobs: Iterable<TraceJob>; count: number } {
    const at = this.#at;
    const ids = this.#ids;
    const order = Uint32Array.from({ length: this.#count }, (_, i) => i);
    order.sort((a, b) => at[a]! - at[b]! || numbers(ids[a]!, ids[b]!) || a - b);
    const first = order.slice(0, Math.max(0, limit));
    const make = (i: number, specs: SpecBook): TraceJob => this.#job(i, specs);
    const shapes = this.#shapes;
    const jobs = {
      *[Symbol.iterator](): Generator<TraceJob> {
        const specs = new SpecBook(shapes);
        for (const i of first) yield make(i, specs);
      },
    };
    return { jobs, count: first.length };
  }

  #job(i: number, specs: SpecBook): TraceJob {
    const runMs = this.#runMs[i]! as SpanMs;
    const job: TraceJob = {
      id: String(this.#ids[i]!),
      at: this.#at[i]! as TimeMs,
      tenant: this.#tenants[this.#tenant[i]!]!,
      spec: specs.of(this.#shape[i]!, this.#estimateMs[i]!),
      runMs,
    };
    return this.#failed[i] === 0 ? job : { ...job, truth: () => ({ runMs, outcome: 'failed' }) };
  }

  /** A trace may have a job twice, as Slurm has one that was requeued. */
  #uniqueId(id: string | number): string | number {
    let unique = id;
    let times = this.#times.get(id) ?? 1;
    for (; this.#known.has(unique); unique = `${id}#${times}`) times++;
    if (times > 1) this.#times.set(id, times);
    this.#known.add(unique);
    return unique;
  }

  #tenantIndex(name: string): number {
    let index = this.#tenantOf.get(name);
    if (index === undefined) {
      index = this.#tenants.push(name as TenantId) - 1;
      this.#tenantOf.set(name, index);
    }
    return index;
  }

  #grow(): void {
    const length = this.#at.length * 2;
    this.#at = grown(this.#at, new Float64Array(length));
    this.#runMs = grown(this.#runMs, new Float64Array(length));
    this.#estimateMs = grown(this.#estimateMs, new Float64Array(length));
    this.#shape = grown(this.#shape, new Uint32Array(length));
    this.#tenant = grown(this.#tenant, new Uint32Array(length));
    this.#failed = grown(this.#failed, new Uint8Array(length));
  }
}

const numbers = (a: string | number, b: string | number): number =>
  typeof a === 'number' && typeof b === 'number' ? a - b : 0;

function grown<Column extends Float64Array | Uint32Array | Uint8Array>(
  old: Column,
  larger: Column,
): Column {
  larger.set(old);
  return larger;
}

/** The specs of one walk through a trace. */
class SpecBook {
  readonly #shapes: readonly JobShape[];
  readonly #specs = new Map<number, Map<number, WorkloadSpec>>();
  #kept = 0;

  constructor(shapes: readonly JobShape[]) {
    this.#shapes = shapes;
  }

  of(shape: number, estimateMs: number): WorkloadSpec {
    let ofShape = this.#specs.get(shape);
    const known = ofShape?.get(estimateMs);
    if (known !== undefined) return known;
    if (this.#kept >= SPECS_KEPT) {
      this.#specs.clear();
      this.#kept = 0;
      ofShape = undefined;
    }
    if (ofShape === undefined) {
      ofShape = new Map();
      this.#specs.set(shape, ofShape);
    }
    const said = estimateMs < 0 ? undefined : (estimateMs as SpanMs);
    const spec = traceSpec(this.#shapes[shape]!, said);
    ofShape.set(estimateMs, spec);
    this.#kept++;
    return spec;
  }
}

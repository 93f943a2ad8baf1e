import { type NodeTable, WHOLE_GPU } from './node-table.ts';

/** Ten-thousandths: of the scarcer of CPU and GPU, what is held of all, and what of the free is on nodes in use. */
export interface Load {
  readonly held: number;
  readonly broken: number;
}

const ALL = 10_000;

/** Sums over CPU or GPU: kept row by row, so that a change costs one row. */
interface Sums {
  capacity: number;
  free: number;
  freeInUse: number;
}

/** How full a site is and how broken up, followed change by change. The same for the same table, however it came about. */
export class SiteLoad {
  readonly #table: NodeTable;
  readonly #rows: (readonly [cpu: Sums, gpu: Sums])[] = [];
  readonly #cpu: Sums = { capacity: 0, free: 0, freeInUse: 0 };
  readonly #gpu: Sums = { capacity: 0, free: 0, freeInUse: 0 };
  #cursor = -1;

  constructor(table: NodeTable) {
    this.#table = table;
  }

  read(): Load {
    this.#follow();
    const [cpu, gpu] = [loadOf(this.#cpu), loadOf(this.#gpu)];
    return gpu !== undefined && (cpu === undefined || gpu.held >= cpu.held)
      ? gpu
      : (cpu ?? { held: 0, broken: 0 });
  }

  #follow(): void {
    const table = this.#table;
    if (this.#cursor === table.changeCount) return;
    const behind = table.changeCount - this.#cursor;
    if (this.#cursor < 0 || !table.remembers(this.#cursor) || behind > table.rows) {
      for (let row = 0; row < table.rows; row++) this.#count(row);
    } else table.visitChanged(this.#cursor, (row) => this.#count(row));
    this.#cursor = table.changeCount;
  }

  #count(row: number): void {
    const before = this.#rows[row];
    const now = this.#sumsOf(row);
    this.#rows[row] = now;
    [this.#cpu, this.#gpu].forEach((sums, i) => {
      for (const key of ['capacity', 'free', 'freeInUse'] as const) {
        sums[key] += now[i]![key] - (before?.[i]?.[key] ?? 0);
      }
    });
  }

  #sumsOf(row: number): readonly [Sums, Sums] {
    const table = this.#table;
    const node = table.node(row);
    if (node === undefined) return [sums(0, 0, false), sums(0, 0, false)];
    const gpus = node.gpus.length * WHOLE_GPU;
    const [cpu, gpu] = [table.freeCpu(row), table.freeGpuSum(row)];
    const inUse = cpu < node.cpu || gpu < gpus;
    return [sums(node.cpu, cpu, inUse), sums(gpus, gpu, inUse)];
  }
}

const sums = (capacity: number, free: number, inUse: boolean): Sums => ({
  capacity,
  free,
  freeInUse: inUse ? free : 0,
});

function loadOf({ capacity, free, freeInUse }: Sums): Load | undefined {
  if (capacity <= 0) return undefined;
  return {
    held: Math.floor(((capacity - free) * ALL) / capacity),
    broken: free <= 0 ? 0 : Math.floor((freeInUse * ALL) / free),
  };
}

import type { Labels, Reading } from '../metric.ts';
import { type TaskFile, type TaskFolders, taskFiles } from '../task-files.ts';
import { KeptFile, readOnce } from './kept-file.ts';

/** Files of all tasks that stay open: a fraction of what a process may have by default. Beyond, they are opened each time. */
const OPEN_MAX = 4_000;

/** What it uses, process by process; undefined where it cannot be told. */
export interface WalkedUse {
  readonly cpuSeconds: number | undefined;
  readonly memoryBytes: number | undefined;
}

/** A file that was never there by then is of a controller that this host does not have. */
const MISSES_MAX = 3;

interface Source {
  readonly file: TaskFile;
  readonly kept: KeptFile | undefined;
  misses: number;
}

/** Reads what the cgroups of one attempt count. */
export class TaskSampler {
  static #open = 0;
  /** Of the attempt itself first. */
  readonly labels: readonly [Labels, ...Labels[]];
  readonly #often: readonly Source[];
  readonly #inTurn: readonly Source[];

  constructor(folders: TaskFolders, labels: Labels) {
    const files = taskFiles(folders, labels);
    const others = new Set(files.map((file) => file.labels));
    others.delete(labels);
    this.labels = [labels, ...others];
    const sources = files.map((file): Source => {
      const kept = TaskSampler.#open < OPEN_MAX ? new KeptFile(file.path) : undefined;
      if (kept !== undefined) TaskSampler.#open++;
      return { file, kept, misses: 0 };
    });
    this.#often = sources.filter(({ file }) => file.often);
    this.#inTurn = sources.filter(({ file }) => !file.often);
  }

  /** Whether no cgroup counts its CPU time, or its memory, as far as was seen. */
  get isWalked(): boolean {
    return !this.#has('cpu') || !this.#has('memory');
  }

  #has(what: TaskFile['says']): boolean {
    return this.#often.some(({ file, misses }) => file.says === what && misses < 0);
  }

  often(into: Reading[]): void {
    read(this.#often, into);
  }

  inTurn(into: Reading[]): void {
    read(this.#inTurn, into);
  }

  /** What no cgroup counts, and its processes told. */
  walked({ cpuSeconds, memoryBytes }: WalkedUse, into: Reading[]): void {
    const add = (name: string, value: number | undefined): void => {
      if (value !== undefined) into.push({ name, labels: this.labels[0], value });
    };
    if (!this.#has('cpu')) add('berth_task_cpu_seconds_total', cpuSeconds);
    if (!this.#has('memory')) add('berth_task_memory_bytes', memoryBytes);
  }

  close(): void {
    for (const { kept } of [...this.#often, ...this.#inTurn]) {
      if (kept === undefined) continue;
      kept.close();
      TaskSampler.#open--;
    }
  }
}

function read(sources: readonly Source[], into: Reading[]): void {
  for (const source of sources) {
    if (source.misses >= MISSES_MAX) continue;
    const { file, kept } = source;
    const text = kept === undefined ? readOnce(file.path) : kept.read();
    if (text === undefined) source.misses++;
    else {
      source.misses = Number.NEGATIVE_INFINITY;
      for (const reading of file.read(text)) into.push(reading);
    }
  }
}

import { type Bytes, bytes } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import type { AttemptRecord } from '../engine/records.ts';
import { lookAtShares, parseComputeApps, type ShareHolder } from '../execution/gpu-memory-watch.ts';
import type { ReadOutcome } from '../inventory/host-reader.ts';
import type { AttemptId } from '../model/ids.ts';
import type { Driver } from '../runtime/ports.ts';

/** What a driver answers of processes changes no faster; a look takes a process of its own. */
export const LOOK_EVERY_MS = 5_000;
const PROGRAM = 'nvidia-smi';
const QUERY = ['--query-compute-apps=gpu_uuid,pid,used_gpu_memory', '--format=csv'];
/** A driver that hangs is left alone. */
const ANSWER_MS = 10_000;

export interface GpuShareWatchDeps {
  readonly engine: Pick<Engine, 'state'>;
  readonly driver: Pick<Driver, 'stop'>;
  readonly run: (
    program: string,
    args: readonly string[],
    timeoutMs: number,
  ) => Promise<ReadOutcome<string>>;
  readonly attemptOf: (pid: number) => string | undefined;
  readonly warn: (sentence: string) => void;
}

/**
 * Compares what tasks use of a GPU's memory with their share of it, which no driver enforces: who is over it at one look
 * is warned of, who is at the next, too, is stopped. While nobody has a share, nothing is run.
 */
export class GpuShareWatch {
  readonly #deps: GpuShareWatchDeps;
  #over: ReadonlySet<AttemptId> = new Set();
  /** Told to stop, and not ended yet. */
  readonly #stopped = new Set<AttemptId>();
  #busy = false;
  #problem = '';

  constructor(deps: GpuShareWatchDeps) {
    this.#deps = deps;
  }

  /** Never rejects; one at a time. */
  async look(): Promise<void> {
    const shares = [...this.#deps.engine.state.runningAttempts()].flatMap((attempt) => {
      const share = this.#shareOf(attempt);
      return share === undefined ? [] : [{ attempt, share }];
    });
    const running = new Set(shares.map(({ attempt }) => attempt.id));
    for (const id of this.#stopped) if (!running.has(id)) this.#stopped.delete(id);
    if (shares.length === 0 || this.#busy) return;
    this.#busy = true;
    const answer = await this.#deps.run(PROGRAM, QUERY, ANSWER_MS).finally(() => {
      this.#busy = false;
    });
    const uses = answer.ok ? parseComputeApps(answer.value) : undefined;
    if (uses === undefined) {
      this.#over = new Set();
      this.#tellProblem(answer.ok ? 'its answer is no such table' : answer.problem.detail);
      return;
    }
    this.#problem = '';
    const pids = Map.groupBy(new Set(uses.map(({ pid }) => pid)), this.#deps.attemptOf);
    const holders = shares.map(
      ({ attempt: { id, placement }, share }): ShareHolder => ({
        attempt: id,
        gpu: placement.gpus[0]!,
        share,
        pids: new Set(pids.get(id)),
      }),
    );
    const { over, stop } = lookAtShares(uses, holders, this.#over);
    for (const id of over) {
      if (this.#over.has(id)) continue;
      this.#deps.warn(
        `${id} uses more of its GPU's memory than its share; it is stopped if it goes on`,
      );
    }
    this.#over = over;
    for (const { attempt: id, note } of stop) {
      const attempt = shares.find(({ attempt }) => attempt.id === id)!.attempt;
      if (attempt.stop !== undefined || this.#stopped.has(id)) continue;
      this.#stopped.add(id);
      this.#deps.warn(`${id} is stopped: ${note}`);
      this.#deps.driver.stop(id, 'overused', attempt.task.step.spec.limits.graceMs);
    }
  }

  /** Of one GPU of NVIDIA's, where it has a part of one. */
  #shareOf({ placement, startedAt }: AttemptRecord): Bytes | undefined {
    const { held, gpus, node } = placement;
    const { table } = this.#deps.engine.state;
    const row = table.rowOf(node);
    if (startedAt === undefined || row === undefined || held.gpu <= 0 || held.gpu >= 1000) {
      return undefined;
    }
    const device = table.node(row)!.gpus.find(({ id }) => id === gpus[0]);
    if (device === undefined || device.vendor !== undefined || device.mig !== undefined) {
      return undefined;
    }
    return bytes(Math.floor((held.gpu * device.memory) / 1000));
  }

  #tellProblem(problem: string): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#deps.warn(`shares of GPUs cannot be watched: ${problem}`);
  }
}

import type { Bytes } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import type { AttemptId, NodeId } from '../model/ids.ts';
import type { NodePressure } from '../model/live-change.ts';
import type { Loop } from '../runtime/loop.ts';
import type { HostSample } from '../telemetry/host-sample.ts';

export interface PressureWatchDeps {
  readonly engine: Engine;
  readonly loop: Loop;
  /** Of this machine; undefined before it has joined. */
  readonly node: () => NodeId | undefined;
  readonly memoryOf: (attempt: AttemptId) => Bytes | undefined;
  /** Of the cgroup that all tasks are in, 0 … 1; undefined where it has no limit of its own. */
  readonly memoryFill: () => number | undefined;
}

/** Tells the engine how full this machine is, sample by sample, while anything runs that could give way. */
export class PressureWatch {
  readonly #deps: PressureWatchDeps;
  /** The last report is not answered yet: the journal takes nothing. */
  #open = false;

  constructor(deps: PressureWatchDeps) {
    this.#deps = deps;
  }

  hear(sample: HostSample): void {
    const { engine, loop, memoryOf, memoryFill } = this.#deps;
    const node = this.#deps.node();
    const pressure = pressureOf(sample, memoryFill());
    if (node === undefined || this.#open || Object.keys(pressure).length === 0) return;
    const use = [];
    for (const { id, placement, stop } of engine.state.runningAttempts()) {
      if (placement.node !== node || stop !== undefined) continue;
      const memory = memoryOf(id);
      if (memory !== undefined) use.push({ attempt: id, memory });
    }
    this.#open = true;
    loop
      .send({ kind: 'report-pressure', node, pressure, use })
      .catch(() => {})
      .finally(() => {
        this.#open = false;
      });
  }
}

/** Whichever is the fuller: the machine, or the part of it that tasks may fill. */
function pressureOf(sample: HostSample, fill: number | undefined): NodePressure {
  const { memoryUsedBytes, memoryTotalBytes, memoryPressureRatio, memoryStallRatio } = sample;
  const known = memoryUsedBytes !== undefined && memoryTotalBytes !== undefined;
  const used = known ? memoryUsedBytes / memoryTotalBytes : undefined;
  const fuller = Math.max(used ?? 0, fill ?? 0);
  return {
    ...((used ?? fill) !== undefined && { memoryUsed: points(fuller) }),
    ...(memoryPressureRatio !== undefined && { memorySome: points(memoryPressureRatio) }),
    ...(memoryStallRatio !== undefined && { memoryFull: points(memoryStallRatio) }),
  };
}

/** Basis points. */
const points = (ratio: number): number => Math.round(Math.min(1, Math.max(0, ratio)) * 10_000);

import type { Bytes } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import type { AttemptId, NodeId } from '../model/ids.ts';
import type { NodePressure } from '../model/live-change.ts';
import type { Loop } from '../runtime/loop.ts';
import type { HostSample } from '../telemetry/sample-host.ts';

export interface PressureWatchDeps {
  readonly engine: Engine;
  readonly loop: Loop;
  /** Of this machine; undefined before it has joined. */
  readonly node: () => NodeId | undefined;
  readonly memoryOf: (attempt: AttemptId) => Bytes | undefined;
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
    const { engine, loop, memoryOf } = this.#deps;
    const node = this.#deps.node();
    const pressure = pressureOf(sample);
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

function pressureOf(sample: HostSample): NodePressure {
  const { memoryUsedBytes, memoryTotalBytes, memoryPressureRatio, memoryStallRatio } = sample;
  const known = memoryUsedBytes !== undefined && memoryTotalBytes !== undefined;
  return {
    ...(known && { memoryUsed: points(memoryUsedBytes / memoryTotalBytes) }),
    ...(memoryPressureRatio !== undefined && { memorySome: points(memoryPressureRatio) }),
    ...(memoryStallRatio !== undefined && { memoryFull: points(memoryStallRatio) }),
  };
}

/** Basis points. */
const points = (ratio: number): number => Math.round(Math.min(1, Math.max(0, ratio)) * 10_000);

import { type SpanMs, spanMs } from '../../base/units.ts';
import type { Engine } from '../../engine/engine.ts';
import type { AttemptRecord } from '../../engine/records.ts';
import type { Event } from '../../model/messages.ts';
import type { Gpu, Node } from '../../model/node.ts';
import type { GpuContentionTerms } from '../../model/world.ts';
import { maxMinRates } from '../network/max-min.ts';
import type { ModelledSite, SiteModel } from '../site-model.ts';
import { usefulPart } from './gpu-slices.ts';

/**
 * Tasks on one GPU slow each other: in turns, or side by side (MPS). Instances of MIG have their own parts of the
 * device and slow nobody. How much is assumed by whoever describes the world.
 */
export class GpuContention implements SiteModel {
  readonly #terms: GpuContentionTerms;
  /** By node and id, the devices that several tasks may be on. */
  readonly #devices = new Map<string, Gpu>();
  readonly #residents = new Map<string, Set<AttemptRecord>>();
  #site: ModelledSite | undefined;

  constructor(terms: GpuContentionTerms, nodes: readonly Node[]) {
    this.#terms = terms;
    for (const { id, gpus } of nodes) {
      for (const gpu of gpus) this.#devices.set(`${id}/${gpu.id}`, gpu);
    }
  }

  begin(site: ModelledSite): void {
    this.#site = site;
  }

  /** Asked once, when it starts: those beside it get slower from then. */
  startupMs(attempt: AttemptRecord): SpanMs {
    for (const device of devicesOf(attempt)) {
      const there = this.#residents.get(device) ?? new Set();
      this.#residents.set(device, there.add(attempt));
      this.#site!.paceChanged([...there].filter((other) => other !== attempt));
    }
    return spanMs(0);
  }

  /** That of the slowest of its devices. */
  pace(attempt: AttemptRecord): number {
    const paces = devicesOf(attempt).map((device) => this.#paceOn(device, attempt));
    return Math.min(1, ...paces);
  }

  happened(event: Event, engine: Engine): void {
    if (event.kind !== 'task-ended') return;
    const attempt = engine.state.attempt(event.attempt);
    if (attempt === undefined) return;
    for (const device of devicesOf(attempt)) {
      const there = this.#residents.get(device);
      if (there?.delete(attempt) !== true) continue;
      if (there.size === 0) this.#residents.delete(device);
      else this.#site!.paceChanged(there);
    }
  }

  #paceOn(device: string, attempt: AttemptRecord): number {
    const there = [...(this.#residents.get(device) ?? [])];
    if (there.length < 2) return 1;
    const { sliceMs, switchMs, contention } = this.#terms;
    const demands = there.map((one) => this.#demandOf(one));
    // The device is one arc, and nobody wants more of it than he would use alone.
    const parts = maxMinRates(
      () => 1,
      demands.map((cap) => ({ arcs: [0], weight: 1, cap })),
    );
    const own = there.indexOf(attempt);
    const part = parts[own]! / demands[own]!;
    const isMps = this.#devices.get(device)?.sharing?.kind === 'mps';
    const useful = isMps
      ? 1 / (1 + contention * (there.length - 1))
      : usefulPart(sliceMs, switchMs);
    return part * useful;
  }

  /** Of the device, when it is alone. */
  #demandOf({ placement: { held } }: AttemptRecord): number {
    if (this.#terms.demand === 'whole') return 1;
    return Math.min(1, Math.max(1, held.gpu) / 1000);
  }
}

/** An instance of MIG is a device of its own. */
const devicesOf = ({ placement: { node, gpus } }: AttemptRecord): string[] =>
  gpus.map((gpu) => `${node}/${gpu}`);

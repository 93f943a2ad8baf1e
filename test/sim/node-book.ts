import assert from 'node:assert/strict';
import type { Engine } from '../../src/engine/engine.ts';
import type { Placement } from '../../src/model/messages.ts';
import type { Node } from '../../src/model/node.ts';
import { checkDevice, devicesFor, openOf, shareOf } from './device-book.ts';

/** What one node has and holds, added up anew from its placements whenever it is asked. */
export class NodeBook {
  node: Node;
  readonly held = new Map<string, Placement>();
  /** Attempts with cores of their own. */
  readonly #pinned = new Set<string>();

  constructor(node: Node) {
    this.node = node;
  }

  get id(): string {
    return this.node.id;
  }

  get cpu(): number {
    return this.node.cpu - this.#sum((held) => held.cpu);
  }

  get memory(): number {
    return this.node.memory - this.#sum((held) => held.memory);
  }

  custom(name: string): number {
    const amountIn = (list: Node['custom']): number => list.find(([n]) => n === name)?.[1] ?? 0;
    return amountIn(this.node.custom) - this.#sum((held) => amountIn(held.custom));
  }

  fits(ask: Placement['held']): boolean {
    if (ask.cpu > 0 && this.cpu < ask.cpu) return false;
    if (ask.memory > 0 && this.memory < ask.memory) return false;
    if (ask.custom.some(([name, amount]) => this.custom(name) < amount)) return false;
    return ask.gpu === 0 || this.#devicesFor(ask).length > 0;
  }

  /** What the ask holds on these devices: of a share, what it is of its device. */
  owed(ask: Placement['held'], gpus: readonly string[]): Placement['held'] {
    const device = this.node.gpus.find(({ id }) => id === gpus[0]);
    const isShare = ask.mig === undefined && ask.gpu > 0 && ask.gpu < 1000;
    if (!isShare || device === undefined) return ask;
    return { ...ask, gpu: shareOf(device, ask) as typeof ask.gpu };
  }

  /** How many of these fit at once, at most `max`: tried one by one. */
  seats(ask: Placement['held'], max: number): number {
    const tried: string[] = [];
    while (tried.length < max && this.fits(ask)) {
      const name = `trial ${tried.length}`;
      const placement = this.#tried(ask);
      this.held.set(name, placement);
      tried.push(name);
    }
    for (const name of tried) this.held.delete(name);
    return tried.length;
  }

  /** The same, were those attempts gone. */
  seatsWithout(gone: ReadonlySet<string>, ask: Placement['held'], max: number): number {
    const kept = new Map([...this.held].filter(([id]) => gone.has(id)));
    for (const id of kept.keys()) this.held.delete(id);
    const seats = this.seats(ask, max);
    for (const [id, placement] of kept) this.held.set(id, placement);
    return seats;
  }

  /** Checks that there is room, on the very devices that were chosen, and takes it. */
  take(attempt: string, placement: Placement, exclusive: boolean): void {
    const { held, gpus } = placement;
    this.#checkCores(attempt, placement, exclusive);
    if (exclusive) this.#pinned.add(attempt);
    assert.ok(this.fits(held), `${attempt} fits on ${this.id}`);
    const shared = held.gpu < 1000 || held.mig !== undefined;
    assert.equal(new Set(gpus).size, shared ? Math.sign(held.gpu) : held.gpu / 1000);
    for (const id of gpus) {
      assert.ok(
        this.node.gpus.some((gpu) => gpu.id === id || id.startsWith(`${gpu.id}/`)),
        `${id} is a device of ${this.id}`,
      );
      for (const other of this.held.values()) {
        const alone = !shared || held.mig !== undefined;
        assert.ok(!alone || !other.gpus.includes(id), `${id} is free for ${attempt}`);
      }
    }
    this.held.set(attempt, placement);
    for (const gpu of this.node.gpus) {
      if (gpus.some((id) => id === gpu.id || id.startsWith(`${gpu.id}/`))) {
        checkDevice(gpu, this.held.values());
      }
    }
  }

  /** In the place of one that gave it up just before. */
  follow(attempt: string, placement: Placement, exclusive: boolean): void {
    if (exclusive) this.#pinned.add(attempt);
    this.held.set(attempt, placement);
  }

  give(attempt: string): void {
    assert.ok(this.held.delete(attempt), `${attempt} holds something on ${this.id}`);
    this.#pinned.delete(attempt);
  }

  /** Nobody else is on cores that are somebody's own; who asks for some gets them while there are enough. */
  #checkCores(attempt: string, { cores, held }: Placement, exclusive: boolean): void {
    const known = this.node.cpus?.map(({ id }) => id);
    const taken = new Set([...this.#pinned].flatMap((id) => this.held.get(id)!.cores ?? []));
    const free = known?.filter((id) => !taken.has(id)) ?? [];
    for (const core of cores ?? []) {
      assert.ok(free.includes(core), `CPU ${core} of ${this.id} is free for ${attempt}`);
    }
    if (!exclusive) {
      const want = taken.size === 0 || free.length === 0 ? undefined : free;
      assert.deepEqual(cores, want, `${attempt} runs beside those that are pinned`);
    } else if (held.cpu > 0 && held.cpu % 1000 === 0 && free.length >= held.cpu / 1000) {
      assert.equal(new Set(cores).size, held.cpu / 1000, `${attempt} has cores of its own`);
    } else assert.equal(cores, undefined);
  }

  #devicesFor(ask: Placement['held']): string[] {
    return devicesFor(this.node.gpus, ask, [...this.held.values()]);
  }

  /** A placement as the engine would make it. */
  #tried(ask: Placement['held']): Placement {
    const gpus = this.#devicesFor(ask);
    return { node: this.node.id, held: this.owed(ask, gpus), gpus, memoryLimit: ask.memory };
  }

  #sum(amount: (held: Placement['held']) => number): number {
    let sum = 0;
    for (const { held } of this.held.values()) sum += amount(held);
    return sum;
  }
}

/** The engine's table says the same of every node, to the last unit. */
export function compareTable(books: ReadonlyMap<string, NodeBook>, engine: Engine): void {
  const { table } = engine.state;
  assert.deepEqual(
    engine.state.nodes().map((node) => node.id),
    [...books.keys()],
    'the same nodes, in order of joining',
  );
  for (const book of books.values()) {
    const row = table.rowOf(book.node.id)!;
    assert.equal(table.freeCpu(row), book.cpu, `free CPU of ${book.id}`);
    assert.equal(table.freeMemory(row), book.memory, `free memory of ${book.id}`);
    const names = new Set(book.node.custom.map(([name]) => name));
    for (const { held } of book.held.values()) for (const [name] of held.custom) names.add(name);
    for (const name of names) {
      assert.equal(table.freeCustom(row, name), book.custom(name), `free ${name} of ${book.id}`);
    }
    assert.deepEqual(
      table.freeGpu(row),
      book.node.gpus.map((gpu) => openOf(gpu, book.held.values())),
      `free shares of the GPUs of ${book.id}`,
    );
  }
}

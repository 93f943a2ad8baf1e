import assert from 'node:assert/strict';
import type { Engine } from '../../src/engine/engine.ts';
import type { Placement } from '../../src/model/messages.ts';
import type { Node } from '../../src/model/node.ts';

/** What one node has and holds, added up anew from its placements whenever it is asked. */
export class NodeBook {
  node: Node;
  readonly held = new Map<string, Placement>();

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

  gpu(id: string): number {
    let free = 1000;
    for (const { gpus, held } of this.held.values()) {
      if (gpus.includes(id)) free -= Math.min(held.gpu, 1000);
    }
    return free;
  }

  fits(ask: Placement['held']): boolean {
    if (ask.cpu > 0 && this.cpu < ask.cpu) return false;
    if (ask.memory > 0 && this.memory < ask.memory) return false;
    if (ask.custom.some(([name, amount]) => this.custom(name) < amount)) return false;
    const free = this.node.gpus.map((gpu) => this.gpu(gpu.id));
    return ask.gpu < 1000
      ? ask.gpu === 0 || free.some((f) => f >= ask.gpu)
      : free.filter((f) => f === 1000).length * 1000 >= ask.gpu;
  }

  /** How many of these fit at once, at most `max`: tried one by one. */
  seats(ask: Placement['held'], max: number): number {
    const tried: string[] = [];
    while (tried.length < max && this.fits(ask)) {
      const name = `trial ${tried.length}`;
      const share = Math.min(ask.gpu, 1000);
      const able = this.node.gpus.filter((gpu) => this.gpu(gpu.id) >= share);
      // The fullest device that a share fits on.
      able.sort((a, b) => this.gpu(a.id) - this.gpu(b.id));
      const gpus = (ask.gpu >= 1000 ? able.slice(0, ask.gpu / 1000) : able.slice(0, 1)).map(
        (gpu) => gpu.id,
      );
      const placement = { node: this.node.id, held: ask, gpus: ask.gpu === 0 ? [] : gpus };
      this.held.set(name, { ...placement, memoryLimit: ask.memory });
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
  take(attempt: string, placement: Placement): void {
    const { held, gpus } = placement;
    assert.ok(this.fits(held), `${attempt} fits on ${this.id}`);
    assert.equal(new Set(gpus).size, held.gpu < 1000 ? Math.sign(held.gpu) : held.gpu / 1000);
    for (const id of gpus) {
      assert.ok(
        this.node.gpus.some((gpu) => gpu.id === id),
        `${id} is a device of ${this.id}`,
      );
      assert.ok(this.gpu(id) >= Math.min(held.gpu, 1000), `${id} has room for ${attempt}`);
    }
    this.held.set(attempt, placement);
  }

  give(attempt: string): void {
    assert.ok(this.held.delete(attempt), `${attempt} holds something on ${this.id}`);
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
      book.node.gpus.map((gpu) => book.gpu(gpu.id)),
      `free shares of the GPUs of ${book.id}`,
    );
  }
}

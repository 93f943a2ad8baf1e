import { Prng } from '../../src/base/prng.ts';
import { timeMs } from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { EndCause } from '../../src/model/attempt.ts';
import type { AttemptId, NodeId, TenantId, WorkloadId } from '../../src/model/ids.ts';
import type { Command, Event } from '../../src/model/messages.ts';
import { queueConfig } from '../../src/model/scheduling-config.ts';
import type { StepSpec } from '../../src/model/workload.ts';
import { makeScheduler } from '../../src/scheduling/make-scheduler.ts';
import { endedBy } from './engine-bench.ts';
import { config } from './site.ts';
import { GIB, node, resources, step, workload } from './workload.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
const RACKS = 10;
const PER_RACK = 6;
const CPUS = 8;

export const disasters = [
  'overload cascade',
  'memory cascade',
  'rack without power',
  'bad node',
  'bad command',
  'steady exhaustion',
] as const;
export type Disaster = (typeof disasters)[number];

/** 60 nodes in 10 racks under the real engine, on virtual time, with a hand that breaks things. */
export class FailingSite {
  readonly journal: Event[] = [];
  readonly prng: Prng;
  now = Date.parse('2026-05-04T10:00:00Z');
  readonly #engine: Engine;
  readonly #running = new Map<AttemptId, { readonly node: string; readonly cpu: number }>();
  readonly #nodes = new Set<string>();

  constructor(seed: number) {
    this.prng = new Prng(seed);
    const scheduling = config([queueConfig('default')], {
      scorers: [{ name: 'worst-fit', weight: 1 }],
    });
    const options = { tasksMax: 100_000, endedMax: 1_000, scheduling };
    this.#engine = new Engine(options, { scheduler: makeScheduler(scheduling) });
    for (let i = 0; i < RACKS * PER_RACK; i++) {
      const id = `n${i}`;
      const labels = { rack: `r${Math.floor(i / PER_RACK)}` };
      const made = { ...node(id, { cpu: CPUS * 1_000, memory: 64 * GIB }), labels };
      this.#send({ kind: 'join-node', at: timeMs(this.now), node: made });
      this.#nodes.add(id);
    }
  }

  /** `count` tasks of one CPU each, with a step after them. */
  submit(tenant: string, count: number, script = 'work', cpu = 1): void {
    const retry = {
      maxRetries: 50,
      backoffMs: 5_000,
      backoffFactor: 10_000,
      backoffMaxMs: 5_000,
      memoryGrowth: 10_000,
    } as unknown as StepSpec['retry'];
    const request = resources({ cpu: cpu * 1_000, memory: GIB });
    const run = { kind: 'shell' as const, script };
    const work = step('work', { count, request, retry, run });
    const after = step('after', { needs: ['work'] });
    const spec = workload(`w-${tenant}-${script}`, work, after);
    this.#send({ kind: 'submit', at: timeMs(this.now), tenant: tenant as TenantId, spec });
    this.wait(0);
  }

  wait(ms: number): void {
    this.now += ms;
    this.#send({ kind: 'tick', at: timeMs(this.now) });
  }

  fail(attempt: AttemptId, cause: EndCause): void {
    this.#send({ kind: 'report-ended', at: timeMs(this.now), attempt, end: endedBy(cause) });
  }

  /** The first workload, by whoever submitted it. */
  cancel(): void {
    const at = timeMs(this.now);
    this.#send({ kind: 'cancel', at, workload: '1' as WorkloadId, by: 'ada' as TenantId });
  }

  lose(id: string): void {
    this.#nodes.delete(id);
    this.#send({ kind: 'leave-node', at: timeMs(this.now), node: id as NodeId });
  }

  nodes(): readonly string[] {
    return [...this.#nodes];
  }

  /** Share of its CPUs that tasks hold. */
  load(id: string): number {
    return this.on(id).reduce((sum, attempt) => sum + this.#running.get(attempt)!.cpu, 0) / CPUS;
  }

  on(id: string): readonly AttemptId[] {
    return this.running().filter((attempt) => this.#running.get(attempt)!.node === id);
  }

  running(): readonly AttemptId[] {
    return [...this.#running.keys()];
  }

  #send(command: Command): void {
    for (const event of this.#engine.decide(command).events) this.#apply(event);
    for (
      let e = this.#engine.next(command.at);
      e !== undefined;
      e = this.#engine.next(command.at)
    ) {
      this.#apply(e);
    }
  }

  #apply(event: Event): void {
    this.#engine.apply(event);
    this.journal.push(event);
    if (event.kind === 'task-placed') {
      const { node: id, held } = event.placement;
      this.#running.set(event.attempt, { node: id, cpu: held.cpu / 1_000 });
    }
    if (event.kind === 'task-ended') this.#running.delete(event.attempt);
  }
}

/** One disaster from the beginning to its end, beside the few failures that there always are. */
export function suffer(disaster: Disaster, seed: number): FailingSite {
  const site = new FailingSite(seed);
  for (const tenant of ['ada', 'ben', 'eve', 'kim']) site.submit(tenant, 80);
  site.wait(site.prng.between(20, 60) * MINUTE);
  stories[disaster](site);
  return site;
}

const stories: Record<Disaster, (site: FailingSite) => void> = {
  /** Seed 003's first scenario: whoever takes over the load of what fell is soon too full, and falls. */
  'overload cascade': (site) => {
    const { prng } = site;
    const doom = new Map<string, number>();
    site.lose(prng.pick(site.nodes()));
    const until = site.now + 12 * MINUTE;
    while (site.now < until && site.nodes().length > 4) {
      site.wait(5 * SECOND);
      for (const id of site.nodes()) {
        const at = doom.get(id);
        if (at === undefined && site.load(id) > 0.7 && prng.chance(4)) {
          doom.set(id, site.now + prng.between(5, 40) * SECOND);
        }
        if (at !== undefined && site.now >= at) site.lose(id);
      }
    }
  },
  /** Each attempt that is killed starts again elsewhere, where memory is short already, and kills its neighbours. */
  'memory cascade': (site) => {
    const { prng } = site;
    let rate = 0.4;
    for (let i = 0; i < 60 && rate < 25; i++) {
      const count = Math.floor(rate) + (prng.chance((rate % 1) * 100) ? 1 : 0);
      for (let k = 0; k < count; k++) {
        site.wait(prng.between(1, Math.max(1, Math.floor((10 * SECOND) / count))));
        const running = site.running();
        if (running.length > 0) site.fail(prng.pick(running), 'oom-killed');
      }
      site.wait(prng.between(1, 4) * SECOND);
      rate *= 1.12;
    }
  },
  'rack without power': (site) => {
    const { prng } = site;
    const rack = prng.below(RACKS);
    site.fail(prng.pick(site.running()), 'failed');
    site.wait(2 * MINUTE);
    for (let i = 0; i < PER_RACK; i++) {
      site.lose(`n${rack * PER_RACK + i}`);
      site.wait(prng.between(0, 2_000));
    }
    site.wait(3 * MINUTE);
    site.fail(prng.pick(site.running()), 'failed');
  },
  /** A black hole: whatever is placed there fails, and room for more is found there at once. */
  'bad node': (site) => {
    const { prng } = site;
    const bad = prng.pick(site.nodes());
    for (let i = 0; i < 40; i++) {
      site.wait(prng.between(5, 90) * SECOND);
      const there = site.on(bad);
      if (there.length > 0) site.fail(prng.pick(there), 'signalled');
      if (prng.chance(15)) site.fail(prng.pick(site.running()), 'failed');
    }
  },
  'bad command': (site) => {
    const { prng } = site;
    const before = new Set(site.running());
    site.submit('kim', 30, 'typo');
    for (let i = 0; i < 40; i++) {
      site.wait(prng.between(2, 60) * SECOND);
      const bad = site.running().filter((attempt) => !before.has(attempt));
      if (bad.length > 0) site.fail(prng.pick(bad), 'failed');
      if (prng.chance(15)) site.fail(prng.pick(site.running()), 'failed');
    }
  },
  /** Something fills up everywhere at the same pace. */
  'steady exhaustion': (site) => {
    const { prng } = site;
    const until = site.now + 90 * MINUTE;
    while (site.now < until) {
      site.wait(prng.between(20, 260) * SECOND);
      site.fail(prng.pick(site.running()), 'disk-exceeded');
    }
  },
};

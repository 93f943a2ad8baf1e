import type { Prng } from '../base/prng.ts';
import { type SpanMs, spanMs, type TimeMs } from '../base/units.ts';
import type { NodeId, TenantId, WorkloadId } from '../model/ids.ts';
import type { Node } from '../model/node.ts';
import type { Resources } from '../model/resources.ts';
import { drawCluster, shrunk } from './draw-cluster.ts';
import { drawRequests, drawWorkload } from './draw-workload.ts';
import { type DeathPlace, deathPlaces } from './life.ts';
import { NO_REPORT_FAULTS } from './modelled-driver.ts';
import type { World } from './world.ts';

/** Length of the safety phase. */
const STORM_MS = spanMs(40 * 60_000);
const WORKLOADS_MAX = 30;
/** Those that people change their minds about. */
const RECENT = 5;
const tenants = ['ada', 'ben', 'eve'] as TenantId[];

/**
 * What people do and what breaks in one world, drawn beforehand and put on its timeline: a storm of
 * `STORM_MS`, after which `heal` ends every fault and brings every machine back as it was.
 */
export class History {
  readonly cluster: readonly Node[];
  readonly ends: TimeMs;
  readonly #world: World;
  readonly #prng: Prng;
  readonly #requests: readonly Resources[];
  readonly #present = new Set<NodeId>();
  /** Lost, and the daemon was not told yet. */
  readonly #unnoticed = new Set<NodeId>();
  #stormy = true;

  constructor(world: World, prng: Prng) {
    this.#world = world;
    this.#prng = prng;
    this.cluster = drawCluster(prng);
    this.#requests = drawRequests(prng, this.cluster);
    this.ends = (world.timeline.now + STORM_MS) as TimeMs;
    world.onDeath = () => this.#restartLater();
    world.boot();
    for (const node of this.cluster) {
      if (prng.chance(90)) this.#join(node);
      else this.#sometime(() => this.#join(node));
    }
    this.#people();
    if (prng.chance(95)) this.#troubles();
  }

  /** Ends every fault, and brings back everything that is away. */
  heal(): void {
    this.#stormy = false;
    this.#world.journal.refusing = undefined;
    this.#world.driver.faults = NO_REPORT_FAULTS;
    this.#world.spare();
    for (const node of this.#unnoticed) this.#world.leave(node);
    for (const node of this.cluster) this.#join(node);
    this.#restart();
  }

  #people(): void {
    const prng = this.#prng;
    const count = prng.between(1, WORKLOADS_MAX);
    for (let i = 0; i < count; i++) {
      const spec = drawWorkload(prng, `w${i}`, this.#requests);
      const tenant = prng.pick(tenants);
      this.#sometime(() => this.#world.ask({ kind: 'submit', tenant, spec }));
    }
    const cancels = prng.chance(50) ? 0 : prng.between(1, count);
    for (let i = 0; i < cancels; i++) {
      this.#sometime(() => this.#cancelOne());
    }
  }

  /** One of the last that were submitted, or one that never was. */
  #cancelOne(): void {
    const ever = this.#world.engine?.state.workloadsEver ?? 0;
    const number = this.#prng.between(Math.max(1, ever - RECENT), ever + 1);
    const workload = String(number) as WorkloadId;
    this.#world.mark('cancelled', workload);
    this.#world.ask({ kind: 'cancel', workload, by: this.#prng.pick(tenants) });
  }

  /** Each world gets some kinds of trouble, so that quiet and wild ones are both met. */
  #troubles(): void {
    const prng = this.#prng;
    const world = this.#world;
    if (prng.chance(60)) {
      world.driver.faults = {
        lost: prng.pick([0, 10, 50]),
        repeated: prng.pick([0, 10, 50]),
        lateMaxMs: prng.pick([10, 500, 60_000]),
      };
    }
    const kinds: readonly (() => void)[] = [
      () => this.#death(prng.pick(deathPlaces)),
      () => this.#death(prng.pick(deathPlaces)),
      () => this.#loseNode(prng.pick(this.cluster)),
      () => this.#missNode(prng.pick(this.cluster)),
      () => this.#shrinkNode(prng.pick(this.cluster)),
      () => this.#loseLauncher(prng.pick(this.cluster)),
      () => this.#reboot(prng.pick(this.cluster)),
      () => this.#fillDisk(),
      () => world.jump(prng.between(1, 600_000)),
    ];
    for (const kind of kinds) {
      if (!prng.chance(40)) continue;
      const times = prng.between(1, 4);
      for (let i = 0; i < times; i++) this.#sometime(kind);
    }
  }

  /** The daemon dies at once, or when it comes to that place; now and then in the middle of a cancel. */
  #death(place: DeathPlace): void {
    const visits = place === 'while-acting' ? this.#prng.between(1, 4) : this.#prng.between(1, 3);
    if (place === 'idle') this.#world.kill();
    else this.#world.doom(place, visits);
    if (this.#prng.chance(30)) this.#cancelOne();
  }

  /** Something starts the daemon again; now and then it is doomed to die while it recovers. */
  #restartLater(): void {
    const prng = this.#prng;
    const again = prng.chance(30) ? prng.pick(deathPlaces) : undefined;
    const visits = prng.between(1, 3);
    this.#after(prng.between(1, 300_000), () => {
      this.#restart();
      if (again === undefined) return;
      this.#world.doom(again, visits);
    });
  }

  #restart(): void {
    if (this.#world.engine === undefined) this.#world.boot();
  }

  #join(node: Node): void {
    if (!this.#present.has(node.id)) this.#world.driver.powerOn(node.id);
    this.#present.add(node.id);
    this.#world.join(node);
  }

  /** The machine is gone at once; the daemon is told a little later, and it comes back later still. */
  #loseNode(node: Node): void {
    if (!this.#present.delete(node.id)) return;
    const prng = this.#prng;
    this.#world.mark('node lost', node.id);
    this.#world.driver.powerOff(node.id);
    const noticedMs = prng.below(30_000);
    this.#unnoticed.add(node.id);
    this.#after(noticedMs, () => {
      this.#unnoticed.delete(node.id);
      this.#world.leave(node.id);
    });
    this.#after(noticedMs + prng.between(1, 600_000), () => this.#join(node));
  }

  /** It is taken for lost, but works on. */
  #missNode(node: Node): void {
    if (!this.#present.has(node.id)) return;
    this.#world.mark('node out of reach', node.id);
    this.#world.leave(node.id);
    this.#after(this.#prng.between(1, 300_000), () => {
      if (this.#present.has(node.id)) this.#world.join(node);
    });
  }

  #shrinkNode(node: Node): void {
    if (!this.#present.has(node.id)) return;
    this.#world.mark('node shrunk', node.id);
    this.#world.join(shrunk(node, this.#prng));
    this.#after(this.#prng.between(1, 300_000), () => {
      if (this.#present.has(node.id)) this.#world.join(node);
    });
  }

  #loseLauncher(node: Node): void {
    this.#world.mark('launcher lost', node.id);
    this.#world.driver.loseProcesses(node.id);
  }

  /** The machine restarts, and the daemon with it: nobody is told but by what is found afterwards. */
  #reboot(node: Node): void {
    this.#world.mark('machine rebooted', node.id);
    this.#world.kill();
    this.#world.driver.loseProcesses(node.id);
  }

  #fillDisk(): void {
    const { journal } = this.#world;
    const code = this.#prng.chance(70) ? 'STATE_FULL' : 'STATE_UNWRITABLE';
    this.#world.mark(code === 'STATE_FULL' ? 'disk full' : 'disk unwritable');
    journal.refusing = code;
    this.#after(this.#prng.between(1, 120_000), () => {
      journal.refusing = undefined;
    });
  }

  /** At a moment of the storm. */
  #sometime(run: () => void): void {
    this.#after(this.#prng.below(STORM_MS), run);
  }

  /** `heal` overtakes what is still to come. */
  #after(ms: number, run: () => void): void {
    this.#world.timeline.after(ms as SpanMs, () => {
      if (this.#stormy) run();
    });
  }
}

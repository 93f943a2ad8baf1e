import { assert } from '../base/assert.ts';
import type { Prng } from '../base/prng.ts';
import { spanMs, type TimeMs, timeMs } from '../base/units.ts';
import type { Answer } from '../engine/decision.ts';
import type { Engine } from '../engine/engine.ts';
import { restoreSnapshot, takeSnapshot } from '../engine/snapshot.ts';
import { OperationError } from '../model/errors.ts';
import type { NodeId } from '../model/ids.ts';
import type { Event } from '../model/messages.ts';
import type { Node } from '../model/node.ts';
import type { LaunchSite } from '../runtime/attempt-start.ts';
import { Loop, type Request } from '../runtime/loop.ts';
import type { Report } from '../runtime/ports.ts';
import { deathMark, type Mark, type MarkCounts, noMarks } from './faults.ts';
import { type DeathPlace, Life } from './life.ts';
import { MemoryJournal } from './memory-journal.ts';
import { ModelledDriver } from './modelled-driver.ts';
import type { TruthOf } from './task-truth.ts';
import { Timeline } from './timeline.ts';
import { VirtualClock } from './virtual-clock.ts';

/** 2026-01-01, so that times in a trace look like times. */
const START = timeMs(1_767_225_600_000);
/** Longer than any chain of promises between two entries of the timeline; determinism does not hang on it. */
const MICROTASKS = 8;

const site: LaunchSite = { baseEnv: {}, workRoot: '/work', nodePath: '/node' };

/** Sees what happens in a world; what it throws ends the run. */
export interface Witness {
  /** A batch became durable; the engine stands right after it. */
  durable(events: readonly Event[], engine: Engine): void;
  /** A batch was acted on, or reconciling has ended. */
  acted(): void;
  answered(request: Request, answer: Answer): void;
  /** The daemon starts with this engine. */
  rebuilt(engine: Engine): void;
  /** A line of the trace. */
  note(at: TimeMs, line: string): void;
}

export interface WorldDeps {
  readonly prng: Prng;
  readonly truth: TruthOf;
  /** A fresh engine, the same each time. */
  readonly engine: () => Engine;
  /** Of 100 batches, how many are followed by a snapshot. */
  readonly snapshots: number;
  readonly witness: Witness;
}

/** The daemon, when it lives. */
interface Daemon {
  readonly life: Life;
  readonly engine: Engine;
  readonly loop: Loop;
  recovering: boolean;
}

/**
 * Machines, a disk, people and one daemon that may die and come back, on virtual time. Everything follows
 * from the generator that it is given: the loop is asynchronous, but waits for virtual time only.
 */
export class World {
  readonly timeline = new Timeline(START);
  readonly journal: MemoryJournal;
  readonly driver: ModelledDriver;
  readonly counts: MarkCounts = noMarks();
  readonly #deps: WorldDeps;
  /** Called when the daemon has died, with the world free to start another. */
  onDeath: () => void = () => {};
  #daemon: Daemon | undefined;
  #failure: { readonly error: unknown } | undefined;
  /** Commands about nodes that were not answered yet: told again after a restart, in order. */
  #owed: Request[] = [];
  /** Asked and not answered. */
  readonly #open = new Set<Request>();
  readonly #snapshotChance: Prng;
  #snapshot: { readonly text: string; readonly batches: number } | undefined;

  constructor(deps: WorldDeps) {
    this.#deps = deps;
    this.journal = new MemoryJournal({
      timeline: this.timeline,
      prng: deps.prng.fork(),
      onDurable: (events) => this.#durable(events, this.#daemon!.engine),
    });
    this.#snapshotChance = deps.prng.fork();
    this.driver = new ModelledDriver({
      timeline: this.timeline,
      prng: deps.prng.fork(),
      truth: deps.truth,
      onFault: (fault, report) => {
        this.mark(fault, report.attempt);
      },
    });
  }

  /** The engine of the daemon that lives, or nothing while none does. */
  get engine(): Engine | undefined {
    return this.#daemon?.engine;
  }

  /** Asked of the daemon that lives, and not answered yet. */
  get unanswered(): number {
    return this.#open.size + this.#owed.length;
  }

  mark(mark: Mark, about = ''): void {
    this.counts[mark]++;
    this.#deps.witness.note(this.timeline.now, `! ${mark}${about === '' ? '' : ` (${about})`}`);
  }

  /** Runs what is due until `deadline`, or until nothing is left to do; says whether anything is left. */
  async run(deadline: TimeMs): Promise<boolean> {
    while (this.timeline.now < deadline) {
      for (let i = 0; i < MICROTASKS; i++) await undefined;
      if (this.#failure !== undefined) throw this.#failure.error;
      if (!this.timeline.step()) return false;
    }
    return true;
  }

  /** Starts the daemon on what the journal holds, tells it what it missed, and reconciles. */
  boot(): void {
    assert(this.#daemon === undefined, 'one daemon at a time');
    const engine = this.#rebuild();
    const life = new Life((place) => this.#died(place));
    const driver = this.driver.connect(life, (report) => this.#report(report));
    const loop = new Loop(site, {
      engine,
      journal: this.journal.open(life),
      clock: new VirtualClock(this.timeline, life),
      driver,
      onBatch: () => {
        if (!life.over && !daemon.recovering) this.#observe(() => this.#deps.witness.acted());
        life.reaches('before-answer');
      },
      onFatal: (error) => {
        if (!life.over) this.#failure ??= { error };
      },
    });
    const daemon: Daemon = { life, engine, loop, recovering: true };
    this.#daemon = daemon;
    this.#deps.witness.note(this.timeline.now, '* daemon starts');
    this.#recover(daemon).catch((error: unknown) => {
      if (!life.over) this.#failure ??= { error };
    });
  }

  #rebuild(): Engine {
    const engine = this.#deps.engine();
    if (this.#snapshot !== undefined) restoreSnapshot(engine.state, this.#snapshot.text);
    const tail = this.journal.batches.slice(this.#snapshot?.batches ?? 0);
    for (const event of tail.flat()) engine.apply(event);
    const last = tail.at(-1)?.at(-1);
    if (last !== undefined) engine.replayed(last.at);
    this.mark(
      this.#snapshot === undefined ? 'replayed from the start' : 'restored from a snapshot',
    );
    this.#deps.witness.rebuilt(engine);
    return engine;
  }

  #durable(events: readonly Event[], engine: Engine): void {
    this.#deps.witness.durable(events, engine);
    if (!this.#snapshotChance.chance(this.#deps.snapshots)) return;
    this.#snapshot = {
      text: takeSnapshot(engine.state),
      batches: this.journal.batches.length,
    };
  }

  /** What a witness throws inside the loop is not the loop's failure. */
  #observe(look: () => void): void {
    try {
      look();
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  async #recover(daemon: Daemon): Promise<void> {
    await Promise.all(this.#owed.map((request) => this.#tellNode(daemon, request)));
    await daemon.loop.reconcile();
    if (daemon.life.over) return;
    daemon.recovering = false;
    this.#deps.witness.acted();
    this.#deps.witness.note(this.timeline.now, '* reconciled');
  }

  /** Kills the daemon at once. */
  kill(): void {
    this.#daemon?.life.end('idle');
  }

  /** Lets the daemon die at its `visits`-th visit of that place. */
  doom(place: DeathPlace, visits: number): void {
    this.#daemon?.life.doom(place, visits);
  }

  /** Takes back what `doom` announced. */
  spare(): void {
    this.#daemon?.life.spare();
  }

  /** A person or a program asks the daemon; nobody hears it while none lives. */
  ask(request: Request): void {
    const daemon = this.#daemon;
    if (daemon === undefined) return;
    const { witness } = this.#deps;
    witness.note(this.timeline.now, `> ${brief(request)}`);
    this.#open.add(request);
    daemon.loop.send(request).then(
      (answer) => {
        if (daemon.life.over) return;
        this.#open.delete(request);
        if (answer.kind === 'refused' && request.kind === 'submit') this.mark('submission refused');
        witness.answered(request, answer);
      },
      (error: unknown) => {
        if (daemon.life.over) return;
        this.#open.delete(request);
        if (error instanceof OperationError && error.code.startsWith('STATE_')) {
          this.mark('refused while the disk was full');
        } else this.#failure ??= { error };
      },
    );
  }

  join(node: Node): void {
    this.#owe({ kind: 'join-node', node });
  }

  leave(node: NodeId): void {
    this.#owe({ kind: 'leave-node', node });
  }

  #owe(request: Request): void {
    this.#owed.push(request);
    if (this.#daemon === undefined) return;
    this.#tellNode(this.#daemon, request).catch((error: unknown) => {
      this.#failure ??= { error };
    });
  }

  async #tellNode(daemon: Daemon, request: Request): Promise<void> {
    this.#deps.witness.note(this.timeline.now, `> ${brief(request)}`);
    await daemon.loop.send(request);
    if (!daemon.life.over) this.#owed = this.#owed.filter((owed) => owed !== request);
  }

  #died(place: DeathPlace): void {
    this.mark(deathMark(place));
    if (this.#daemon?.recovering) this.mark('died while recovering');
    this.#daemon = undefined;
    for (const request of this.#open) this.mark('answer never came', request.kind);
    this.#open.clear();
    this.onDeath();
  }

  #report(report: Report): void {
    const daemon = this.#daemon!;
    this.#deps.witness.note(this.timeline.now, `> ${report.kind} ${report.attempt}`);
    if (report.kind === 'started' && this.driver.ends.has(report.attempt)) {
      this.mark('ended before started', report.attempt);
    }
    daemon.loop.report(report);
  }

  jump(ms: number): void {
    this.timeline.jump(spanMs(ms));
    this.mark('clock jumped', `${ms} ms`);
  }
}

function brief(request: Request): string {
  switch (request.kind) {
    case 'submit':
      return `submit ${request.spec.name} by ${request.tenant}`;
    case 'cancel':
      return `cancel ${request.workload} by ${request.by}`;
    case 'join-node':
      return `join ${request.node.id}`;
    case 'leave-node':
      return `leave ${request.node}`;
    default:
      return request.kind;
  }
}

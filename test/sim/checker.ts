import assert from 'node:assert/strict';
import type { Prng } from '../../src/base/prng.ts';
import { type TimeMs, timeMs } from '../../src/base/units.ts';
import type { Answer } from '../../src/engine/decision.ts';
import { describeScheduling } from '../../src/engine/describe-scheduling.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { AttemptEnd } from '../../src/model/attempt.ts';
import type { AttemptId } from '../../src/model/ids.ts';
import type { Event } from '../../src/model/messages.ts';
import type { QueueConfig } from '../../src/model/scheduling-config.ts';
import type { Request } from '../../src/runtime/loop.ts';
import type { Witness, World } from '../../src/simulation/world.ts';
import { checkAgreement } from './agreement.ts';
import { Books, type Eligible } from './books.ts';
import { MoneyBook } from './money-book.ts';
import { compareTable } from './node-book.ts';
import type { QueueBook } from './queue-book.ts';
import { checkReplay, checkSameFuture } from './replay.ts';
import { eventLine } from './trace.ts';

/** What the driver told: of a limit the engine knows more. */
function asTold({ message, ...end }: AttemptEnd): AttemptEnd {
  if (end.cause === 'over-limit') return { ...end, cause: 'cancelled' };
  const isOurs = message === undefined || message.startsWith('The workload has used up');
  return isOurs ? end : { ...end, message };
}

/** Watches one world and holds it to what Berth promises. */
export class Checker implements Witness {
  readonly books: Books;
  readonly money = new MoneyBook();
  /** Set once, right after both were made. */
  world: World | undefined;
  readonly #rules: QueueBook | undefined;
  readonly #prng: Prng;
  readonly #fresh: () => Engine;
  readonly #trace: ((line: string) => void) | undefined;
  readonly #batches: (readonly Event[])[] = [];
  /** Of each batch, whether renewals were not paid yet when it was decided: known to the loop, and to no journal. */
  readonly #paused: boolean[] = [];
  readonly #accepted = new Map<string, string>();

  constructor(
    prng: Prng,
    fresh: () => Engine,
    trace: ((line: string) => void) | undefined,
    policy: {
      readonly rules?: QueueBook | undefined;
      readonly promises?: boolean;
      readonly root?: QueueConfig | undefined;
    } = {},
  ) {
    this.books = new Books(policy.rules, policy.promises, policy.root);
    this.#rules = policy.rules;
    this.#prng = prng;
    this.#fresh = fresh;
    this.#trace = trace;
  }

  durable(events: readonly Event[], engine: Engine): void {
    this.#batches.push([...events]);
    this.#paused.push(engine.state.money.paused);
    for (const event of events) {
      this.note(event.at, `  ${eventLine(event)}`);
      this.books.record(event);
      this.money.record(event);
    }
    this.books.checkSettled();
    compareTable(this.books.nodes, engine);
    if (this.#rules !== undefined) {
      this.#rules.checkDescription(describeScheduling(engine.state, timeMs(events[0]!.at)));
    }
    if (this.#prng.chance(1)) {
      checkSameFuture(engine, this.#batches, this.#fresh, timeMs(events[0]!.at));
    }
  }

  rebuilt(engine: Engine): void {
    checkReplay(engine, this.#batches, this.#fresh);
    this.money.compare(engine);
    compareTable(this.books.nodes, engine);
  }

  /** Nothing runs but what the books say runs, and nothing that was told to stop was forgotten. */
  acted(): void {
    for (const { attempt, stopping } of this.world!.driver.running()) {
      if (stopping) continue;
      const book = this.books.attempts.get(attempt);
      assert.ok(book !== undefined && book.end === undefined, `${attempt} runs, and nobody knows`);
      assert.ok(!book.stopped, `${attempt} runs on, although it was to stop`);
    }
  }

  answered(request: Request, answer: Answer): void {
    if (request.kind === 'submit' && answer.kind === 'accepted') {
      this.#accepted.set(answer.workload, request.spec.name);
      this.#checkAccepted();
    }
    if (request.kind === 'cancel' && answer.kind === 'done') {
      assert.ok(this.books.cancelled.has(request.workload), 'a cancel that was answered is kept');
    }
  }

  note(at: TimeMs, line: string): void {
    this.#trace?.(`${new Date(at).toISOString().slice(11, 23)} ${line}`);
  }

  /** After the faults ended and nothing more happens: what can run has run, and the truth is recorded. */
  checkRest(): void {
    const { driver, engine } = this.world!;
    assert.ok(engine !== undefined, 'the daemon lives');
    assert.deepEqual(driver.running(), [], 'nothing runs any more');
    assert.equal(driver.unsettled, 0, 'every record was settled');
    assert.equal(this.world!.unanswered, 0, 'everybody got an answer');
    this.#checkAccepted();
    this.money.compare(engine);
    this.#checkTruth();
    for (const [id, attempt] of this.books.attempts) {
      assert.ok(attempt.end !== undefined, `${id} has ended`);
    }
    this.#checkLeftOvers();
    checkReplay(engine, this.#batches, this.#fresh);
  }

  /** After what could never run was cancelled. */
  checkEmpty(): void {
    const { engine } = this.world!;
    assert.deepEqual([...this.books.active.keys()], [], 'every workload has ended');
    assert.equal(engine!.state.tasksActive, 0, 'no task is active');
    for (const node of this.books.nodes.values()) assert.equal(node.held.size, 0, 'all is free');
    checkSameFuture(engine!, this.#batches, this.#fresh, this.world!.timeline.now);
    checkAgreement(this.#batches, this.#fresh, (batch) => this.#paused[batch]!);
  }

  #checkAccepted(): void {
    for (const [id, name] of this.#accepted) {
      assert.equal(this.books.specs.get(id)?.name, name, `workload ${id} was accepted and is kept`);
    }
  }

  #checkTruth(): void {
    const { driver } = this.world!;
    for (const [id, times] of driver.begun) {
      assert.equal(times, 1, `${id} was begun once`);
      const recorded = this.books.attempts.get(id)?.end;
      assert.ok(recorded !== undefined, `${id} is in the books, with an end`);
      if (!this.#nodeLeft(id))
        assert.deepEqual(asTold(recorded), driver.ends.get(id), `the true end of ${id}`);
    }
    for (const [id, { end }] of this.books.attempts) {
      const unseen = !driver.begun.has(id as AttemptId);
      if (!unseen || end?.cause === 'unstarted') continue;
      if (end?.message?.startsWith('A hole of the command') === true) continue;
      assert.equal(end?.cause, 'lost', `${id} never ran, so its node must have left`);
    }
  }

  /** Another task of the workload that its queue keeps back, or that fits on no node, keeps its place among those that may run. */
  #isInWay(one: Eligible, other: Eligible, eligible: readonly Eligible[]): boolean {
    if (other === one || other.name.split('.')[0] !== one.name.split('.')[0]) return false;
    if (this.books.mayWait(other, eligible)) return true;
    const seats = [...this.books.nodes.values()].map((node) => node.seats(other.ask, other.needed));
    const all = other.oneNode ? Math.max(0, ...seats) : seats.reduce((sum, n) => sum + n, 0);
    return all < other.needed;
  }

  /** It, or one before it in its line, was given up with its node: what it did there is not known. */
  #nodeLeft(id: string): boolean {
    const { end, behind } = this.books.attempts.get(id)!;
    if (end?.cause === 'unstarted' && behind !== undefined) return this.#nodeLeft(behind);
    return end?.cause === 'lost' && /(^|\. )node /.test(end.message ?? '');
  }

  /** What still waits asks for more than any node has, empty as they all are. */
  #checkLeftOvers(): void {
    for (const node of this.books.nodes.values()) assert.equal(node.held.size, 0, 'all is free');
    const waiting = new Set<string>();
    const eligible = [...this.books.eligible()];
    for (const one of eligible) {
      const { name, ask, needed, oneNode } = one;
      waiting.add(name.slice(0, name.indexOf('.')));
      if (this.books.mayWait(one, eligible)) continue;
      // Of its workload something else is in the way, or it would run.
      if (one.bound && eligible.some((other) => this.#isInWay(one, other, eligible))) continue;
      const each = [...this.books.nodes.values()].map((node) => node.seats(ask, needed));
      const seats = oneNode ? Math.max(0, ...each) : each.reduce((sum, seat) => sum + seat, 0);
      assert.ok(seats < needed, `${needed} of ${name} could run`);
      const grown = this.books.grown(name);
      // A gang may outgrow the cluster as a whole while each of it still fits.
      assert.ok(!grown || needed > 1, `${name} grew beyond every node`);
    }
    for (const id of this.books.active.keys()) {
      assert.ok(waiting.has(id), `workload ${id} goes on or ends`);
    }
  }
}

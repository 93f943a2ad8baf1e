import assert from 'node:assert/strict';
import type { Event } from '../../src/model/messages.ts';
import type { ReplicaShare } from '../../src/model/service.ts';
import type { StepSpec, WorkloadSpec } from '../../src/model/workload.ts';

interface Replica {
  ready: boolean;
  up: boolean;
  started: boolean;
  stopped: boolean;
  leaving: boolean;
  running: boolean;
  ports: readonly number[];
}

/** What was promised of one service, kept from the events alone by code of its own. */
export class ServiceChecker {
  readonly #replicas = new Map<string, Replica>();
  readonly #terms = new Map<string, NonNullable<StepSpec['service']>>();
  /** The revision that replicas belong or move to, and the one that all were of before. */
  #target = 'web';
  #stable = 'web';
  #wanted: number;
  #updating = false;
  #isBack = false;
  #cancelled = false;
  retiredReady = 0;

  constructor(spec: WorkloadSpec) {
    this.#wanted = spec.steps[0]!.count;
    this.#terms.set('web', spec.steps[0]!.service!);
  }

  get target(): string {
    return this.#target;
  }

  get wanted(): number {
    return this.#wanted;
  }

  get ready(): number {
    return [...this.#replicas.values()].filter((replica) => this.#isReady(replica)).length;
  }

  /** Tasks that are there in any way, with those on their way out. */
  get present(): string[] {
    return [...this.#replicas.keys()];
  }

  record(event: Event): void {
    switch (event.kind) {
      case 'replica-opened':
        this.#open(event.task);
        break;
      case 'replica-retired':
        this.#retire(event.task);
        break;
      case 'task-placed':
        this.#place(event);
        break;
      case 'task-started':
        this.#of(event.attempt).started = true;
        this.#of(event.attempt).up = !this.#termsOf(event.attempt).startup;
        if (!this.#termsOf(event.attempt).readiness) this.#of(event.attempt).ready = true;
        break;
      case 'task-probed':
        this.#probe(event);
        break;
      case 'stop-ordered':
        this.#of(event.attempt).stopped = true;
        break;
      case 'task-ended':
        this.#end(event.attempt, event.retry !== undefined);
        break;
      case 'service-scaled':
        this.#wanted = event.replicas;
        break;
      case 'service-updated': {
        const step = event.spec.steps[0]!;
        this.#target = `web-r${event.revision}`;
        this.#terms.set(this.#target, step.service!);
        this.#wanted = step.count;
        this.#updating = true;
        this.#isBack = false;
        break;
      }
      case 'service-rolled-back':
        assert.ok(this.#updating && !this.#isBack, 'only an update is rolled back, and once');
        assert.ok(this.#terms.get(this.#target)!.update.rollback, 'it may be rolled back');
        this.#target = this.#stable;
        this.#isBack = true;
        break;
      case 'rollout-finished':
        assert.equal(this.ready, this.#wanted, 'an update is over when all are ready');
        assert.ok(this.present.every((task) => revision(task) === this.#target));
        this.#stable = this.#target;
        this.#updating = false;
        break;
      case 'cancel-requested':
        this.#cancelled = true;
        break;
    }
  }

  #open(task: string): void {
    assert.ok(!this.#cancelled, 'nothing comes after a cancel');
    assert.ok(!this.#replicas.has(task), `${task} was gone`);
    this.#replicas.set(task, {
      ...{ ready: false, up: false, started: false, stopped: false, leaving: false },
      running: false,
      ports: [],
    });
    // What leaves does not count where no update goes on: a replica in its place comes at once.
    const there = this.#updating
      ? this.#replicas.size
      : [...this.#replicas.values()].filter(({ leaving }) => !leaving).length;
    const most = this.#wanted + (this.#updating ? this.#extra() : 0);
    assert.ok(there <= most, `${there} replicas, and at most ${most} are allowed`);
  }

  /** How many more than wanted an update may have at once. */
  #extra(): number {
    const { strategy, canary, maxSurge, maxUnavailable } = this.#terms.get(this.#target)!.update;
    if (strategy === 'blue-green') return this.#wanted;
    const surge = share(maxSurge, this.#wanted, Math.ceil);
    const stands = surge === 0 && share(maxUnavailable, this.#wanted, Math.floor) === 0;
    const extra = stands ? 1 : surge;
    if (strategy !== 'canary' || this.#isBack) return extra;
    const canaries = Math.max(1, share(canary.replicas, this.#wanted, Math.ceil));
    return extra + Math.min(this.#wanted, canaries);
  }

  #retire(task: string): void {
    const replica = this.#replicas.get(task)!;
    assert.ok(!replica.leaving, `${task} leaves once`);
    const wasReady = this.#isReady(replica);
    replica.leaving = true;
    if (!replica.running) this.#replicas.delete(task);
    if (!wasReady) return;
    this.retiredReady++;
    const { update } = this.#terms.get(this.#target)!;
    const fewer =
      this.#updating && update.strategy !== 'blue-green'
        ? share(update.maxUnavailable, this.#wanted, Math.floor)
        : 0;
    assert.ok(
      this.ready >= this.#wanted - fewer,
      `${task} was taken away: ${this.ready} of ${this.#wanted} are ready, ${fewer} may be missing`,
    );
  }

  #place({ attempt, placement }: Extract<Event, { kind: 'task-placed' }>): void {
    const replica = this.#of(attempt);
    assert.ok(!replica.running && !replica.leaving, `${attempt} is placed once`);
    const ports = Object.values(placement.ports ?? {});
    for (const other of this.#replicas.values()) {
      for (const port of ports) assert.ok(!other.ports.includes(port), `port ${port} is free`);
    }
    Object.assign(replica, { running: true, started: false, stopped: false, ready: false, ports });
  }

  #probe({ attempt, probe, ok }: Extract<Event, { kind: 'task-probed' }>): void {
    const replica = this.#of(attempt);
    assert.ok(replica.started, 'only what runs is probed');
    if (probe === 'startup' && ok) replica.up = true;
    if (probe === 'readiness') {
      assert.notEqual(replica.ready, ok, 'only what changes is told');
      replica.ready = ok;
    } else if (!ok) replica.stopped = true;
  }

  #end(attempt: string, again: boolean): void {
    const replica = this.#of(attempt);
    assert.ok(replica.running, `${attempt} ends once`);
    assert.equal(
      again,
      !replica.leaving && !this.#cancelled,
      'a replica that is wanted comes again',
    );
    Object.assign(replica, { running: false, started: false, ready: false, stopped: false });
    replica.ports = [];
    if (!again) this.#replicas.delete(taskOf(attempt));
  }

  #isReady({ ready, up, started, stopped, leaving, running }: Replica): boolean {
    return ready && up && started && running && !stopped && !leaving;
  }

  #of(attempt: string): Replica {
    const replica = this.#replicas.get(taskOf(attempt));
    assert.ok(replica !== undefined, `${attempt} is of a replica that is there`);
    return replica;
  }

  #termsOf(attempt: string): NonNullable<StepSpec['service']> {
    return this.#terms.get(revision(attempt))!;
  }
}

const taskOf = (attempt: string): string => attempt.slice(0, attempt.lastIndexOf('.'));
const revision = (id: string): string => id.split('.')[1]!;
const share = (of: ReplicaShare, wanted: number, round: (n: number) => number): number =>
  of.kind === 'count' ? of.count : round((wanted * of.part) / 10_000);

import { assertNever } from '../base/assert.ts';
import type { TimeMs } from '../base/units.ts';
import { type AttemptEnd, causeOfStop, type TermEnforcement } from '../model/attempt.ts';
import { type AttemptId, attemptId, type TenantId, type WorkloadId } from '../model/ids.ts';
import type { Command, Event } from '../model/messages.ts';
import { type SpotQuote, samePrice } from '../model/spot.ts';
import { decideAdjust, decidePause, type LiveDecision } from './adjustments.ts';
import { advanceSpace } from './advance-space.ts';
import { endAll, endAttempt, endWithout } from './attempt-outcome.ts';
import { decideUse } from './decide-use.ts';
import { type Answer, type Decision, facts, nothing, refuse } from './decision.ts';
import type { EngineOptions, MakeScheduler } from './engine-options.ts';
import { decideEviction } from './evictions.ts';
import { endOfLease, heldAttempt, renewals } from './lease-ends.ts';
import { placedOn } from './placement.ts';
import { decideRebalance, nextMove, settledAt } from './rebalance.ts';
import { type AttemptRecord, attemptsOf, type WorkloadRecord } from './records.ts';
import { planRetry } from './resume-run.ts';
import { decideService } from './service-decide.ts';
import { copyState } from './snapshot.ts';
import { State } from './state.ts';
import { nextOfStep, workloadEnd } from './step-ends.ts';
import { enterSpilled, type Site, submit, termsFor } from './submit.ts';

const said = (decided: LiveDecision): Decision =>
  'refusal' in decided ? refuse(decided.refusal) : { ...nothing, events: decided.events };

/**
 * Decides, and remembers what was decided. No clock, no chance, no I/O, no promises.
 * A loop calls `decide` once per command and applies its events, then calls `next` and applies its event
 * until there is none: that is one pass, and its events are one batch of the journal.
 */
export class Engine {
  readonly state: State;
  readonly #options: EngineOptions;
  readonly #site: Site;
  readonly #deps: { readonly scheduler: MakeScheduler };

  constructor(options: EngineOptions, deps: { readonly scheduler: MakeScheduler }) {
    this.#options = options;
    this.#deps = deps;
    this.state = new State(deps.scheduler, options);
    this.#site = { state: this.state, options };
  }

  /** Of the same options and policy, and without a state: to restore a copy into. */
  empty(): Engine {
    return new Engine(this.#options, this.#deps);
  }

  /** Between two passes: stands where this one stands, and goes its own way from there. */
  fork(): Engine {
    return this.#copyTo(this.empty(), 'same-site');
  }

  /** The same with an empty engine of other options or another policy: as if a daemon started anew under those. */
  forkInto(other: Engine): Engine {
    return this.#copyTo(other, 'other-site');
  }

  #copyTo(engine: Engine, onto: Parameters<typeof copyState>[2]): Engine {
    copyState(this.state, engine.state, onto);
    engine.state.money.paused = this.state.money.paused;
    return engine;
  }

  /** Reads the state, never writes it. */
  decide(command: Command): Decision {
    switch (command.kind) {
      case 'join-node':
        return facts({ kind: 'node-joined', at: command.at, node: command.node });
      case 'leave-node':
        return this.#leaveNode(command);
      case 'submit':
        return submit(this.#site, command);
      case 'enter-spilled':
        return enterSpilled(this.#site, command);
      case 'drop-spilled': {
        const { at, workload } = command;
        if (this.state.spilled.of(workload) === undefined) return nothing;
        return facts({ kind: 'spill-dropped', at, workload });
      }
      case 'retry':
        return this.#retry(command);
      case 'cancel':
        return this.#cancel(command.at, command.workload, command.by);
      case 'renew-lease':
        return this.#renewLease(command.at, command.workload);
      case 'release-lease':
        return this.#releaseLease(command.at, command.workload, command.by);
      case 'report-started':
        return this.#reportStarted(command);
      case 'report-ended':
        return this.#reportEnded(command.at, command.attempt, command.end);
      case 'report-storage': {
        const { at, used } = command;
        const isNews = this.state.storage?.isNews(used) === true;
        return isNews ? facts({ kind: 'storage-measured', at, used }) : nothing;
      }
      case 'report-use':
        return facts(...decideUse(this.state, command));
      case 'report-spend':
        return this.#reportSpend(command);
      case 'adjust':
        return said(decideAdjust(this.state, command));
      case 'pause':
      case 'unpause':
        return said(decidePause(this.state, command));
      case 'report-adjusted':
        return this.#reportAdjusted(command);
      case 'report-pressure': {
        const event = decideEviction(this.state, this.#options.scheduling?.eviction, command);
        return event === undefined ? nothing : facts(event);
      }
      case 'spot-notice':
        return this.#spotNotice(command);
      case 'spot-price':
        return this.#spotPrice(command);
      case 'rebalance': {
        const decided = decideRebalance(this.state, command);
        return 'event' in decided ? facts(decided.event) : refuse(decided.refusal);
      }
      case 'report-probe':
      case 'scale':
        return decideService(this.state, command);
      case 'update': {
        const spec = termsFor(this.#site, command.spec, false);
        return 'code' in spec ? refuse(spec) : decideService(this.state, { ...command, spec });
      }
      case 'resume':
        return facts(...renewals(this.state.workloads(), command.at));
      case 'tick':
        return nothing;
      default:
        return assertNever(command);
    }
  }

  /**
   * The next fact that follows from the state at `at`, or nothing when it is settled: ends of steps and
   * workloads, stops, retries that are due, then one placement, one preemption, what is kept for whom, then
   * one line. Reads the state, never writes its tables;
   * it does note what it found settled or without a place, which is derived and forgotten on recovery.
   */
  next(at: TimeMs): Event | undefined {
    return (
      this.#nextUnstarted(at) ??
      this.#nextEnd(at) ??
      this.#nextLeaseEnd(at) ??
      this.state.limitEnds.next(at) ??
      this.state.money.next(at) ??
      this.state.services.next(at) ??
      this.#nextStop(at) ??
      this.#nextDue(at) ??
      this.#nextFalseAlarm(at) ??
      nextMove(this.state, at) ??
      this.#nextPlacement(at) ??
      this.#nextPreemption(at) ??
      this.#nextKeep(at) ??
      this.#nextLine(at)
    );
  }

  /** Writes the state, never decides: replaying the journal through `apply` rebuilds it exactly. */
  apply(event: Event): void {
    this.state.apply(event);
  }

  #retry(command: Extract<Command, { kind: 'retry' }>): Decision {
    const planned = planRetry(this.state, command);
    if ('code' in planned) return refuse(planned);
    return submit(this.#site, { at: command.at, ...planned });
  }

  #cancel(at: TimeMs, id: WorkloadId, by: TenantId): Decision {
    const workload = this.state.workload(id);
    if (workload === undefined) return refuse({ code: 'no-such-workload', workload: id });
    if (workload.state !== 'active') return refuse({ code: 'already-ended', workload: id });
    if (workload.cancelledBy !== undefined) return nothing;
    return facts({ kind: 'cancel-requested', at, workload: id, by });
  }

  #lease(id: WorkloadId): Extract<Answer, { kind: 'refused' }> | WorkloadRecord {
    const workload = this.state.workload(id);
    const code = workload?.leaseEndsAt === undefined ? 'no-such-workload' : 'already-ended';
    if (workload?.leaseEndsAt !== undefined && workload.state === 'active') return workload;
    return { kind: 'refused', refusal: { code, workload: id } };
  }

  #renewLease(at: TimeMs, id: WorkloadId): Decision {
    const lease = this.#lease(id);
    if ('kind' in lease) return { events: [], answer: lease };
    // It is about to end whoever is heard of.
    if (heldAttempt(lease)?.stop !== undefined) return nothing;
    return facts({ kind: 'lease-renewed', at, workload: id });
  }

  #releaseLease(at: TimeMs, id: WorkloadId, by: TenantId): Decision {
    const lease = this.#lease(id);
    if ('kind' in lease) return { events: [], answer: lease };
    const held = heldAttempt(lease);
    if (held === undefined) return this.#cancel(at, id, by);
    const cause = held.stop === undefined ? 'succeeded' : causeOfStop(held.stop);
    return facts(this.#endLease(held, at, cause));
  }

  #reportSpend({ at, workload, spending }: Extract<Command, { kind: 'report-spend' }>): Decision {
    return facts({ kind: 'spend-settled', at, ...(workload && { workload }), spending });
  }

  #leaveNode(command: Extract<Command, { kind: 'leave-node' }>): Decision {
    if (this.state.table.rowOf(command.node) === undefined) return nothing;
    const running = [...this.state.runningAttempts()];
    const there = running.filter(({ placement }) => placement.node === command.node);
    const lost = endWithout('lost', `node ${command.node} left`);
    const events = endAll(this.state, command.at, there, lost);
    events.push({ kind: 'node-left', at: command.at, node: command.node });
    return facts(...events);
  }

  #reportStarted(command: Extract<Command, { kind: 'report-started' }>): Decision {
    const { at, attempt: id, pid, terms } = command;
    const attempt = this.state.attempt(id);
    if (attempt === undefined || attempt.end !== undefined || attempt.startedAt !== undefined) {
      return nothing;
    }
    return facts({ kind: 'task-started', at, attempt: id, pid, ...(terms && { terms }) });
  }

  #reportEnded(at: TimeMs, id: AttemptId, end: AttemptEnd): Decision {
    const attempt = this.state.attempt(id);
    if (attempt === undefined || attempt.end !== undefined) return nothing;
    if (isEarly(attempt, end)) return nothing;
    return facts(...endAttempt(this.state, at, id, end));
  }

  /** The end of a lease, paid for. */
  #endLease(...[held, at, cause]: Parameters<typeof endOfLease>): Event {
    const event = endOfLease(held, at, cause);
    return { ...event, ...this.state.money.chargeFor(held, event.end, at) };
  }

  /** In line behind an attempt that did not succeed. */
  #nextUnstarted(at: TimeMs): Event | undefined {
    const first = this.state.lines.firstBroken();
    if (first === undefined) return undefined;
    const message = `${first.behind!.id}, whose place it was to take over, did not succeed`;
    return { kind: 'task-ended', at, attempt: first.id, end: endWithout('unstarted', message) };
  }

  #nextEnd(at: TimeMs): Event | undefined {
    const { unsettled } = this.state;
    for (const [workload, steps] of unsettled.size === 0 ? NONE : unsettled.entries()) {
      for (const step of steps) {
        const event = nextOfStep(step, at, this.#options.tasksMax - this.state.tasksActive);
        if (event !== undefined) return event;
        steps.delete(step);
      }
      if (haveEnded(workload)) {
        return { kind: 'workload-ended', at, workload: workload.id, state: workloadEnd(workload) };
      }
      unsettled.settle(workload);
    }
    const oldest = this.state.oldestEnded(this.#options.endedMax);
    return oldest === undefined ? undefined : { kind: 'workload-retired', at, workload: oldest.id };
  }

  /** A lease whose holder was not heard of in time, was told to stop, or had it for as long as he may. */
  #nextLeaseEnd(at: TimeMs): Event | undefined {
    const due = this.state.leases.first();
    if (due === undefined || due.at > at) return undefined;
    const { workload } = due;
    const held = heldAttempt(workload);
    if (held === undefined) {
      return { kind: 'cancel-requested', at, workload: workload.id, by: workload.tenant };
    }
    if (held.stop !== undefined) return this.#endLease(held, at, causeOfStop(held.stop));
    return this.#endLease(held, at, workload.leaseEndsAt! <= at ? 'lost' : 'timed-out');
  }

  #reportAdjusted({ at, attempt: id, terms }: Extract<Command, { kind: 'report-adjusted' }>) {
    const attempt = this.state.attempt(id);
    if (attempt?.live === undefined || attempt.end !== undefined) return nothing;
    const known = attempt.live.terms ?? [];
    const news = terms.filter((one) => !known.some((old) => sameTerm(old, one)));
    if (news.length === 0) return nothing;
    return facts({ kind: 'adjustment-reported', at, attempt: id, terms });
  }

  #spotNotice({ at, node, deadline }: Extract<Command, { kind: 'spot-notice' }>): Decision {
    if (this.state.table.rowOf(node) === undefined || deadline <= at) return nothing;
    if (this.state.live.notice(node) !== undefined) return nothing;
    return facts({ kind: 'spot-noticed', at, node, deadline });
  }

  /** Only what is news. */
  #spotPrice({ at, quotes }: Extract<Command, { kind: 'spot-price' }>): Decision {
    const known = this.state.table.spot.quotes;
    const isKnown =
      quotes.length === known.length && quotes.every((q, i) => sameQuote(q, known[i]!));
    return isKnown ? nothing : facts({ kind: 'spot-priced', at, quotes });
  }

  /** A node that is still there when it was to be taken away takes tasks again. */
  #nextFalseAlarm(at: TimeMs): Event | undefined {
    for (const { deadline, node } of this.state.live.notices) {
      if (deadline <= at) return { kind: 'node-joined', at, node };
    }
    return undefined;
  }

  #nextStop(at: TimeMs): Event | undefined {
    const first = this.state.firstToStop();
    if (first === undefined) return undefined;
    return { kind: 'stop-ordered', at, attempt: first.attempt.id, reason: first.reason };
  }

  #nextDue(at: TimeMs): Event | undefined {
    const task = this.state.firstResting();
    if (task === undefined || task.dueAt! > at) return undefined;
    return { kind: 'retry-due', at, task: task.id };
  }

  #nextPlacement(at: TimeMs): Event | undefined {
    advanceSpace(this.state, at);
    const choice = this.state.scheduler.next(at);
    return choice && placedOn(this.state, choice, at);
  }

  /** Free capacity was used first: nothing is left to place. */
  #nextPreemption(at: TimeMs): Event | undefined {
    const preemption = this.state.scheduler.preempt?.(at);
    return preemption && { kind: 'preemption-ordered', at, preemption };
  }

  /** Nobody is stopped for it either. */
  #nextKeep(at: TimeMs): Event | undefined {
    const keep = this.state.scheduler.keep?.(at);
    return keep && { kind: 'seats-kept', at, keep };
  }

  /** Nothing else is to be decided: those who run short tasks are told in advance what comes next. */
  #nextLine(at: TimeMs): Event | undefined {
    const line = this.state.lines.next();
    if (line === undefined) return undefined;
    const attempts = line.tasks.map((task) => attemptId(task.id, attemptsOf(task) + 1));
    return { kind: 'attempts-lined-up', at, behind: line.behind.id, attempts };
  }

  /** When `next` may have something to say without any command: a retry is due, a drain is over, a quota starts afresh, a lease ends, or somebody may be stopped. */
  nextTimer(): TimeMs | undefined {
    const { live, leases, limitEnds, scheduler, services, table, money } = this.state;
    const { rebalance, notices } = live;
    let first = earlier(this.state.firstResting()?.dueAt, scheduler.nextTimer?.());
    first = earlier(first, limitEnds.first()?.at);
    first = earlier(first, leases.first()?.at);
    first = earlier(first, services.nextTimer());
    first = earlier(first, money.nextTimer());
    first = earlier(first, table.space.dueAt);
    first = earlier(first, rebalance && settledAt(this.state, rebalance));
    for (const { deadline } of notices) first = earlier(first, deadline);
    return first;
  }
}

/** It has run, so the one before it in line has ended: but how is not known yet. To be told again then. */
export const isEarly = (attempt: AttemptRecord, end: AttemptEnd): boolean =>
  attempt.behind !== undefined && end.cause !== 'unstarted';

const haveEnded = ({ service, steps, stepsLeft }: WorkloadRecord): boolean =>
  service === undefined ? stepsLeft === 0 : steps.every(({ endedAt }) => endedAt !== undefined);

const sameQuote = (a: SpotQuote, b: SpotQuote): boolean =>
  a.type === b.type && a.source === b.source && samePrice(a, b);

const NONE: readonly never[] = [];

const earlier = (a: TimeMs | undefined, b: TimeMs | undefined): TimeMs | undefined =>
  a === undefined || (b !== undefined && b < a) ? b : a;

const sameTerm = (a: TermEnforcement, b: TermEnforcement): boolean =>
  a.term === b.term && a.by === b.by && a.note === b.note;

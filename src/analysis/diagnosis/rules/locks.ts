import { countOf } from '../../amounts.ts';
import type { Facts, LockUse, RunningTask } from '../facts.ts';
import { makeFinding } from '../make-finding.ts';
import { attemptParty } from '../parties.ts';
import { LOCK_SWITCHES_MIN } from '../profile.ts';
import { ranked, watch } from '../remedies.ts';
import { type DoctorFinding, percent, ratioOf, type Verdict } from '../report.ts';
import type { MetricWindow } from '../window.ts';

/** Threads in locks, on average: fewer keep nobody from working. */
const THREADS_MIN = 1;
const SWITCHES = 'berth_node_context_switches_per_second';
/** It is only slower than it could be, and nobody else is. */
const SCORE_MAX = 0.59;

/** Threads of one task that wait for each other: each time they do, the kernel switches; those that idle sleep on. */
export function locksRule(window: MetricWindow, { tasks, look }: Facts): Verdict {
  const byAttempt = new Map(tasks.map((task) => [task.attempt, task]));
  const contended = look.locks.filter(isContended);
  const findings = contended.flatMap((use): DoctorFinding[] => {
    const task = byAttempt.get(use.attempt);
    return task === undefined ? [] : [findingOf(use, task)];
  });
  const threads = look.locks.reduce((sum, one) => sum + one.threads, 0);
  const waiting = contended.reduce((sum, one) => sum + one.inLocks, 0);
  const switches = window.mean(SWITCHES);
  const rate =
    switches === undefined ? 'unknown' : `${Math.round(switches)} context switches a second`;
  return {
    findings,
    looked: [
      {
        resource: 'locks',
        utilisation: undefined,
        saturation: threads === 0 ? undefined : ratioOf(waiting / threads),
        errors: undefined,
        sentence:
          threads === 0
            ? `Unknown from counters alone (${rate}), and no task with several threads was looked at.`
            : `Of ${threads} threads of ${countOf(look.locks.length, 'task')}, ${amount(waiting)} waited for each other (${rate} on the machine).`,
      },
    ],
  };
}

const isContended = ({ inLocks, switchesPerSecond }: LockUse): boolean =>
  inLocks >= THREADS_MIN && switchesPerSecond >= LOCK_SWITCHES_MIN;

function findingOf(use: LockUse, task: RunningTask): DoctorFinding {
  const share = ratioOf(use.inLocks / use.threads);
  const switches = Math.round(use.switchesPerSecond);
  const profile = {
    title: 'See which locks: profile it',
    why: 'Threads that wait in the kernel are seen from outside; whose lock it is, only its program knows.',
    risk: 'none',
    effect: 'Says how many threads wait, and in which function of the kernel.',
    command: `berth profile ${task.attempt}`,
  } as const;
  const fewer = {
    title: 'Give it fewer threads',
    why: `${amount(use.inLocks)} of its ${use.threads} threads wait for each other.`,
    risk: 'low',
    effect: 'Less is lost to switching; what it computes alone may be as fast with half of them.',
    command: undefined,
  } as const;
  return makeFinding({
    id: `locks:${task.attempt}`,
    kind: 'lock-contention',
    resource: 'locks',
    score: Math.min(SCORE_MAX, 0.2 + 0.4 * share),
    sentence: `${amount(use.inLocks)} of ${use.threads} threads of ${task.attempt} wait for each other (${percent(share)}), with ${switches} switches a second; others are not held up by it.`,
    since: undefined,
    evidence: [
      {
        name: SWITCHES,
        labels: {},
        unit: 'none',
        value: use.switchesPerSecond,
        threshold: LOCK_SWITCHES_MIN,
        sentence: 'Times a second that its threads gave up the CPU of themselves',
      },
    ],
    culprits: [{ ...attemptParty(task, share), sentence: 'has threads that wait for each other' }],
    remedies: ranked([
      { force: 'prevent', remedy: fewer },
      { force: 'gradual', remedy: fewer },
      { force: 'watch', remedy: profile },
      watch(SWITCHES),
    ]),
  });
}

const amount = (threads: number): string => String(Number(threads.toFixed(1)));

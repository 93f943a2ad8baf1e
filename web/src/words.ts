import type {
  AttemptDocument,
  EnforcedDocument,
  WorkloadDocument,
} from '../../src/api/contract/documents.ts';
import { bytes, counted, duration, listed } from './format.ts';

export type Cause = NonNullable<AttemptDocument['cause']>;

export const causeWords: Readonly<Record<Cause, string>> = {
  succeeded: 'done',
  failed: 'failed',
  signalled: 'killed by signal',
  'oom-killed': 'out of memory',
  'timed-out': 'timed out',
  'disk-exceeded': 'out of scratch',
  'model-calls-exceeded': 'too many model calls',
  'tokens-exceeded': 'too many tokens',
  'results-exceeded': 'too many results',
  'requests-exceeded': 'too many requests',
  cancelled: 'cancelled',
  preempted: 'preempted',
  unhealthy: 'unhealthy',
  'over-limit': 'over a limit',
  'over-budget': 'over budget',
  overused: 'too much GPU memory',
  'start-failed': 'did not start',
  unstarted: 'not begun',
  lost: 'lost',
};

export function attemptWord({
  state,
  cause,
  exit_code,
  signal,
  cached_from,
}: AttemptDocument): string {
  if (cached_from !== undefined) return 'from the cache';
  if (cause === null) return state === 'placed' ? 'starting' : state;
  if (cause === 'failed' && exit_code !== null) return `failed, exit ${exit_code}`;
  if (cause === 'signalled' && signal !== null) return `killed, ${signal}`;
  return causeWords[cause];
}

/** What happened to one attempt, in a sentence; nothing while all is as it should be. */
export function attemptSentence(attempt: AttemptDocument): string | undefined {
  const { cause, message, memory_peak_bytes, memory_limit_bytes, exit_code, signal, wall_ms } =
    attempt;
  const after = wall_ms === null ? '' : ` after ${duration(wall_ms)}`;
  const note = message === null ? '' : ` ${message}`;
  switch (cause) {
    case null:
      return undefined;
    case 'succeeded':
      return attempt.cached_from === undefined
        ? undefined
        : `Nothing was run: the result is the one of ${attempt.cached_from.attempt}.`;
    case 'oom-killed':
      return `Killed for memory${after}: it reached ${bytes(memory_peak_bytes)} of the ${bytes(memory_limit_bytes)} it may use.${note}`;
    case 'failed':
      return `Failed${after}${exit_code === null ? '' : ` with exit code ${exit_code}`}.${note}`;
    case 'signalled':
      return `Ended by ${signal ?? 'a signal'}${after}.${note}`;
    case 'timed-out':
      return `Stopped${after}: its time was up.${note}`;
    case 'disk-exceeded':
      return `Stopped${after}: it outgrew its space on the disk.${note}`;
    case 'cancelled':
      return `Cancelled${after}.${note}`;
    case 'preempted':
      return `Preempted${after}, to make room.${note}`;
    case 'unhealthy':
      return `Stopped${after}: a probe said that it no longer works.${note}`;
    case 'over-limit':
    case 'model-calls-exceeded':
    case 'tokens-exceeded':
    case 'results-exceeded':
    case 'requests-exceeded':
      return `Stopped${after}.${note}`;
    case 'over-budget':
      return `Stopped${after}: there was no money for more.${note}`;
    case 'overused':
      return `Stopped${after}: it used more memory of a GPU than its share.${note}`;
    case 'start-failed':
      return `It did not start.${note}`;
    case 'unstarted':
      return `It was not begun.${note}`;
    case 'lost':
      return `No record of its end was found.${note}`;
  }
}

/** The sentence under the name of a workload. */
export function workloadSentence(document: WorkloadDocument, now: number): string {
  const { status, workload, steps } = document;
  const ran =
    workload.started_at === null ? null : (workload.ended_at ?? now) - workload.started_at;
  const waiting = steps.find((step) => step.waiting_for.length > 0)?.waiting_for[0]?.sentence;
  switch (status) {
    case 'spilled':
    case 'waiting':
      return `Waits for ${duration(now - workload.submitted_at)}. ${waiting ?? ''}`;
    case 'running': {
      const busy = steps.filter((step) => step.state === 'running');
      const parts = busy.map(({ id, tasks }) =>
        tasks.total === 1 ? id : `${id} with ${tasks.running} of ${counted(tasks.total, 'task')}`,
      );
      const runs =
        busy.length === 0
          ? 'nothing runs just now'
          : steps.length === 1 && steps[0]!.tasks.total === 1
            ? ''
            : listed(parts);
      return `Runs for ${duration(ran)}${runs === '' ? '' : `: ${runs}`}.${busy.length === 0 && waiting !== undefined ? ` ${waiting}` : ''}`;
    }
    case 'succeeded':
      return `Done in ${duration(ran)}${retries(document)}.`;
    case 'failed': {
      const step = steps.find(({ state }) => state === 'failed');
      const last = step?.attempts
        .filter(({ cause }) => cause !== null && cause !== 'succeeded')
        .at(-1);
      const why =
        document.limit_reached?.message ??
        (last === undefined ? step?.note : attemptSentence(last));
      return `Failed after ${duration(ran)}${step === undefined || steps.length === 1 ? '' : ` in step ${step.id}`}. ${why ?? ''}`;
    }
    case 'cancelled':
      return ran === null ? 'Cancelled before it started.' : `Cancelled after ${duration(ran)}.`;
    case 'skipped':
      return 'Skipped: a step that it needs did not succeed.';
  }
}

function retries({ steps }: WorkloadDocument): string {
  const count = steps.flatMap(({ attempts }) => attempts).filter(({ number }) => number > 1).length;
  return count === 0 ? '' : `, with ${count} ${count === 1 ? 'retry' : 'retries'}`;
}

const drivers: Readonly<Record<EnforcedDocument['driver'], string>> = {
  'cgroup-v2': 'cgroup v2',
  'cgroup-v1': 'cgroup v1',
  unprivileged: 'an unprivileged process',
  simulated: 'a simulation',
  unknown: 'an unknown driver',
};

const holders: Readonly<
  Record<'quota' | 'weight' | 'kernel' | 'watchdog' | 'rlimit' | 'none', string | undefined>
> = {
  quota: 'quota',
  weight: 'weight',
  kernel: 'the kernel',
  watchdog: 'a watchdog',
  rlimit: 'rlimit',
  none: undefined,
};

/** What holds tasks to their limits, said plainly where nothing does. */
export function enforcementSentence({ driver, cpu, memory, pids }: EnforcedDocument): string {
  const byHolder = Map.groupBy(
    [
      ['CPU', cpu],
      ['memory', memory],
      ['processes', pids],
    ] as const,
    ([, how]) => holders[how],
  );
  const held = [...byHolder].flatMap(([holder, of]) =>
    holder === undefined ? [] : `${listed(of.map(([name]) => name))} by ${holder}`,
  );
  const open = [
    cpu === 'none' && 'CPU',
    memory === 'none' && 'memory',
    pids === 'none' && 'processes',
  ].filter((part) => part !== false);
  const limits =
    held.length === 0
      ? `No limits are held by ${drivers[driver]}`
      : `Limits are held by ${drivers[driver]}: ${held.join(', ')}`;
  return `${limits}${open.length > 0 && held.length > 0 ? `; ${listed(open)} not at all` : ''}.`;
}

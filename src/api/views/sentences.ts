import { assertNever } from '../../base/assert.ts';
import {
  formatAmount,
  formatBytes,
  formatDollars,
  formatMoment,
  formatSpan,
} from '../../base/format.ts';
import type { TimeMs } from '../../base/units.ts';
import { type Refusal, refusalMeaning } from '../../model/refusal.ts';
import type { SpotObstacle } from '../../model/spot.ts';
import { queueSentence } from './queue-sentence.ts';

const order: readonly string[] = Object.keys(refusalMeaning);

/** The first matters most; what is no refusal comes last. */
export const precedenceOf = (code: string | undefined): number => {
  const place = code === undefined ? -1 : order.indexOf(code);
  return place < 0 ? order.length : place;
};

export const meaningOf = (code: Refusal['code'] | undefined): string =>
  code === undefined ? 'Nothing is in its way.' : refusalMeaning[code];

/** What is lacking and where, in words. The one place that turns a refusal into a sentence. */
export function refusalSentence(refusal: Refusal, now: TimeMs): string {
  switch (refusal.code) {
    case 'never-fits':
      return (
        `step ${refusal.step} can never start: it asks for ${formatAmount(refusal.resource, refusal.asked)}, ` +
        `and the node that comes nearest${refusal.node === undefined ? '' : `, ${refusal.node},`} has ` +
        formatAmount(refusal.resource, refusal.largest)
      );
    case 'insufficient':
      return (
        `asks for ${formatAmount(refusal.resource, refusal.asked)}; ` +
        `${refusal.node ?? 'no node'} has ${formatAmount(refusal.resource, refusal.free)} free`
      );
    case 'gang-never-fits':
    case 'gang-no-room':
    case 'gang-incomplete':
    case 'waits-for-victims':
    case 'waits-for-completion':
    case 'reserved':
      return togetherSentence(refusal, now);
    case 'spot':
      return `${spotSentence(refusal.obstacle)}; ${refusal.node} has room`;
    case 'constraints':
      return constraintsSentence(refusal.filters);
    case 'plugin-failed':
      return pluginSentence(refusal);
    case 'no-nodes':
      return 'no node has joined';
    case 'waits-for-steps':
      return `waits for ${refusal.steps.length === 1 ? 'step' : 'steps'} ${refusal.steps.join(', ')}`;
    case 'waits-to-retry':
      return `tries again in ${formatSpan(Math.max(0, refusal.dueAt - now))}`;
    case 'step-parallelism':
      return `at most ${refusal.max} of its tasks may run at once`;
    case 'group-parallelism':
      return `at most ${refusal.max} tasks of group ${refusal.group} may run at once`;
    case 'workload-limit':
      return workloadLimitSentence(refusal);
    case 'queue-full':
    case 'behind-spilled':
    case 'overflow-full':
    case 'spilled':
    case 'no-such-queue':
    case 'exceeds-queue':
    case 'queue-cap':
    case 'queue-limit':
    case 'kept-for-others':
      return queueSentence(refusal);
    case 'quota':
    case 'budget':
    case 'deadline':
    case 'scratch-space':
    case 'preferred-hours':
    case 'batch-gathers':
    case 'next-batch':
      return timedSentence(refusal, now);
    case 'storage-quota':
    case 'volume-space':
      return storageSentence(refusal);
    case 'too-many-active':
    case 'too-many-submitted':
      return submissionSentence(refusal, now);
    case 'behind':
      return `waits behind ${refusal.task}, which is first in queue ${refusal.queue}`;
    case 'reserved-for':
      return (
        `would delay ${refusal.task}, which is to start on ${refusal.node ?? 'a node'} in ` +
        formatSpan(Math.max(0, refusal.startsAt - now))
      );
    default:
      return changeSentence(refusal);
  }
}

type Unchanged = Extract<
  Refusal,
  {
    readonly code:
      | 'nothing-runs'
      | 'cores-short'
      | 'no-gain'
      | 'rebalancing'
      | 'already-ended'
      | 'not-ended'
      | 'nothing-failed'
      | 'not-retried'
      | 'retried-already'
      | 'no-such-workload'
      | 'not-a-service'
      | 'other-queue'
      | 'outside-autoscaling'
      | Classed['code'];
  }
>;

type Classed = Extract<
  Refusal,
  { readonly code: 'no-such-class' | 'above-class' | 'class-may-be-stopped' }
>;

/** Of submissions and of changes of what runs. */
function changeSentence(refusal: Unchanged): string {
  switch (refusal.code) {
    case 'nothing-runs': {
      const { step, workload } = refusal;
      return `nothing of ${step === undefined ? `workload ${workload}` : `step ${step}`} runs that could be changed`;
    }
    case 'cores-short':
      return `it has cores of its own and gets whole CPUs: asks ${refusal.asked / 1000}, and ${refusal.free} of ${refusal.node} are free of the pins of others`;
    case 'no-gain':
      return `no ${refusal.movesMax} moves or fewer would gain more than they disturb`;
    case 'rebalancing':
      return `tasks of ${refusal.node} are being moved already`;
    case 'already-ended':
      return `workload ${refusal.workload} has ended`;
    case 'no-such-workload':
      return `there is no workload ${refusal.workload}`;
    case 'not-ended':
      return `workload ${refusal.workload} has not ended`;
    case 'nothing-failed':
      return `workload ${refusal.workload} succeeded`;
    case 'not-retried':
      return `workload ${refusal.workload} is neither a job nor a pipeline`;
    case 'retried-already':
      return `workload ${refusal.by} goes on with ${refusal.workload} now`;
    case 'not-a-service':
    case 'other-queue':
    case 'outside-autoscaling':
      return serviceRefusal(refusal);
    case 'no-such-class':
    case 'above-class':
    case 'class-may-be-stopped':
      return classSentence(refusal);
    default:
      return assertNever(refusal);
  }
}

function workloadLimitSentence(refusal: Extract<Refusal, { code: 'workload-limit' }>): string {
  const { resource, held, asked, limit } = refusal;
  const amount = (n: number): string =>
    resource === 'tasks' ? `${n} ${n === 1 ? 'task' : 'tasks'}` : formatAmount(resource, n);
  return `its workload may have ${amount(limit)} at once, has ${amount(held)}, and this asks for ${amount(asked)}`;
}

function classSentence(refusal: Classed): string {
  switch (refusal.code) {
    case 'no-such-class': {
      const { near, classes } = refusal;
      const meant = near === undefined ? ';' : `; did you mean ${near}?`;
      const there = classes.length === 0 ? 'the site has none' : `there are ${classes.join(', ')}`;
      return `there is no priority class ${refusal.class}${meant} ${there}`;
    }
    case 'above-class':
      return `asks for priority ${refusal.asked}, and its class ${refusal.class} has ${refusal.limit} at most`;
    case 'class-may-be-stopped':
      return `step ${refusal.step} may not be stopped for others, and tasks of class ${refusal.class} may`;
    default:
      return assertNever(refusal);
  }
}

function submissionSentence(
  refusal: Extract<Refusal, { code: 'too-many-active' | 'too-many-submitted' }>,
  now: TimeMs,
): string {
  const { limit, tenant, max } = refusal;
  const whose = `${limit}${tenant === undefined ? '' : `, ${tenant}`}`;
  if (refusal.code === 'too-many-active') {
    return `the limit of ${whose} is ${max} workloads at once, and ${refusal.active} have not ended`;
  }
  const { submitted, resetsAt } = refusal;
  const reset =
    resetsAt === undefined ? '' : `; it resets in ${formatSpan(Math.max(0, resetsAt - now))}`;
  return `the limit of ${whose} is ${max} submissions, and ${submitted} were made${reset}`;
}

function storageSentence(
  refusal: Extract<Refusal, { code: 'storage-quota' | 'volume-space' }>,
): string {
  if (refusal.code === 'volume-space') {
    const { storageClass, held, asked, capacity } = refusal;
    const disk = storageClass === '' ? 'the state folder' : `the class ${storageClass}`;
    return (
      `asks for volumes of ${formatBytes(asked)} more; ${formatBytes(held)} of the ` +
      `${formatBytes(capacity)} of the disk of ${disk} are promised to other volumes`
    );
  }
  const { quota, tenant, used, limit } = refusal;
  const whose = tenant === undefined ? '' : ` of ${tenant}`;
  return (
    `storage quota ${quota}${whose}: ${formatBytes(used)} of ${formatBytes(limit)} are kept in scratch, ` +
    'working folders, volumes, kept results and logs; it can start when some of that is removed'
  );
}

type OnPurpose = Extract<
  Refusal,
  { readonly code: 'preferred-hours' | 'batch-gathers' | 'next-batch' }
>;

/** Of what waits although there may be room. */
function onPurposeSentence(refusal: OnPurpose, now: TimeMs): string {
  const { until } = refusal;
  const when = `at ${formatMoment(until)}, in ${formatSpan(Math.max(0, until - now))}`;
  switch (refusal.code) {
    case 'preferred-hours': {
      const hours = `waits for its hours, ${refusal.hours} ${refusal.zone}`;
      return until < refusal.opensAt
        ? `${hours}, but not for longer: it may start ${when}`
        : `${hours}: it may start ${when}`;
    }
    case 'batch-gathers': {
      const { ready, max } = refusal;
      return `waits for others like it to start together, ${ready} of ${max} are ready: it may start ${when}`;
    }
    case 'next-batch': {
      const { queue, started, size } = refusal;
      const full = started < size ? '' : `, and this one of ${started} is full`;
      return `queue ${queue} starts work in batches${full}: the next begins ${when}`;
    }
    default:
      return assertNever(refusal);
  }
}

type Timed =
  | OnPurpose
  | Extract<Refusal, { code: 'quota' | 'budget' | 'deadline' | 'scratch-space' }>;

/** Of what changes as time goes by. */
function timedSentence(refusal: Timed, now: TimeMs): string {
  if (refusal.code === 'quota') return quotaSentence(refusal, now);
  if (refusal.code === 'budget') return budgetSentence(refusal, now);
  if (refusal.code === 'deadline') return deadlineSentence(refusal, now);
  return refusal.code === 'scratch-space'
    ? spaceSentence(refusal, now)
    : onPurposeSentence(refusal, now);
}

function spaceSentence(refusal: Extract<Refusal, { code: 'scratch-space' }>, now: TimeMs): string {
  const { peak, lacking, capacity, node, until } = refusal;
  return (
    `its scratch needs ${formatBytes(peak)} at its peak: begun now, ${formatBytes(lacking)} more ` +
    `than the ${formatBytes(capacity)} of ${node} would be held when the phases of others are at theirs` +
    (until === undefined
      ? '; it can start when one of them ends'
      : `; it can start in ${formatSpan(Math.max(0, until - now))}`)
  );
}

function deadlineSentence(refusal: Extract<Refusal, { code: 'deadline' }>, now: TimeMs): string {
  return (
    `cannot be done in time: by its deadline in ` +
    `${formatSpan(Math.max(0, refusal.deadlineAt - now))}, ` +
    `${formatUse(refusal.resource, refusal.due)} of work are due, and ` +
    `${formatUse(refusal.resource, refusal.possible)} can be done`
  );
}

function serviceRefusal(
  refusal: Extract<Refusal, { code: 'not-a-service' | 'other-queue' | 'outside-autoscaling' }>,
): string {
  if (refusal.code === 'not-a-service') return `workload ${refusal.workload} is no service`;
  if (refusal.code === 'outside-autoscaling') {
    const { workload, asked, min, max } = refusal;
    return `workload ${workload} is autoscaled between ${min} and ${max} replicas, and ${asked} were asked for; \`berth update\` with another \`scaling_policy\`, or without \`autoscaling\`, changes that`;
  }
  const { queue, asked } = refusal;
  return `the service is in queue ${queue}; an update cannot take it to ${asked}`;
}

function pluginSentence({ plugin, problem }: Extract<Refusal, { code: 'plugin-failed' }>): string {
  return `the site's own filter ${plugin} failed and was set aside (its ${problem}); nothing is placed without it`;
}

/** What keeps a task from spot nodes. */
export function spotSentence(obstacle: SpotObstacle): string {
  switch (obstacle.why) {
    case 'disabled':
      return 'the site does not use spot nodes';
    case 'unsuitable':
      return 'it may not be on spot nodes: no suitable task by its name or task_type, and it does not ask for them';
    case 'price': {
      const { type, price, base, most } = obstacle;
      const times = (Math.round((price / base) * 100) / 100).toFixed(2).replace(/0$/, '');
      return (
        `the spot price${type === undefined ? '' : ` of ${type}`} is ${times}× its base, ` +
        `${formatDollars(price)} an hour, and at most ${formatDollars(most)} is paid`
      );
    }
    case 'share': {
      const { onSpot, running, percentage } = obstacle;
      return (
        `${onSpot} of the ${running} running tasks that may be on spot nodes are there, ` +
        `and at most ${percentage} % may be`
      );
    }
    default:
      return assertNever(obstacle);
  }
}

/** A closed node is nothing that the task could change. */
function constraintsSentence(filters: readonly string[]): string {
  if (filters.join() === 'node-health') {
    return 'nodes with room for it are drained or unhealthy, and take nothing new';
  }
  return `nodes with room for it are not allowed by its constraints (${filters.join(', ')})`;
}

function quotaSentence(refusal: Extract<Refusal, { code: 'quota' }>, now: TimeMs): string {
  const { resource, resetsAt } = refusal;
  const hours = (amount: number): string => formatUse(resource, amount);
  const reserved = refusal.reserved === 0 ? '' : ` and ${hours(refusal.reserved)} reserved`;
  const whose = refusal.tenant === undefined ? '' : ` of ${refusal.tenant}`;
  return (
    `quota ${refusal.quota}${whose}: ${hours(refusal.used)} used${reserved} of ` +
    `${hours(refusal.limit)}, and it needs ${refusal.asked === 0 ? 'some' : hours(refusal.asked)}` +
    (resetsAt === undefined ? '' : `; it resets in ${formatSpan(Math.max(0, resetsAt - now))}`)
  );
}

function budgetSentence(refusal: Extract<Refusal, { code: 'budget' }>, now: TimeMs): string {
  const { budget, tenant, spent, reserved, asked, limit, resetsAt } = refusal;
  const whose = tenant === undefined ? '' : ` of ${tenant}`;
  const held = reserved === 0 ? '' : ` and ${formatDollars(reserved)} reserved`;
  return (
    `budget ${budget}${whose}: ${formatDollars(spent)} spent${held} of ${formatDollars(limit)}, ` +
    `and it needs ${formatDollars(asked)}` +
    (resetsAt === undefined ? '' : `; it resets in ${formatSpan(Math.max(0, resetsAt - now))}`)
  );
}

/** `100 CPU-hours`, `2.5 GB-hours`: of what is counted in milli-units or MiB, times seconds. */
export function formatUse(resource: string, amount: number): string {
  const perHour = resource === 'memory' ? 1024 * 3600 : 1000 * 3600;
  const unit = resource === 'memory' ? 'GiB' : resource.toUpperCase();
  const hours = Math.round((amount / perHour) * 100) / 100;
  return `${hours} ${unit}-${hours === 1 ? 'hour' : 'hours'}`;
}

type Together = Extract<
  Refusal,
  {
    readonly code:
      | 'gang-never-fits'
      | 'gang-no-room'
      | 'gang-incomplete'
      | 'waits-for-victims'
      | 'waits-for-completion'
      | 'reserved';
  }
>;

/** Of gangs, and of what is kept or freed for somebody. */
function togetherSentence(refusal: Together, now: TimeMs): string {
  switch (refusal.code) {
    case 'gang-never-fits':
      return (
        `step ${refusal.step} can never start: its ${refusal.needed} tasks start together, and ` +
        `${refusal.room} of them fit on empty nodes` +
        (refusal.topology === undefined ? '' : ` of one ${refusal.topology}`)
      );
    case 'gang-no-room':
      return (
        `its ${refusal.needed} tasks start together, and ${refusal.room} of them fit ` +
        (refusal.topology === undefined ? 'now' : `in one ${refusal.topology} now`)
      );
    case 'gang-incomplete':
      return `its tasks start together: ${refusal.ready} of ${refusal.needed} are ready`;
    case 'waits-for-victims':
      return `waits for ${refusal.victims.join(', ')} to stop`;
    case 'waits-for-completion':
      return refusal.until === undefined
        ? 'waits for tasks that were told to stop'
        : `nobody is stopped for it: it can start in ${formatSpan(Math.max(0, refusal.until - now))}`;
    case 'reserved':
      return `would fit on ${refusal.node}, where what is free is kept for ${refusal.by}`;
    default:
      return assertNever(refusal);
  }
}

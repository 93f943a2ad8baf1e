import type { AttemptId, NodeId, QueueName, StepId, TaskId, TenantId, WorkloadId } from './ids.ts';
import type { Event } from './messages.ts';
import type { BudgetFacts } from './money.ts';
import type { SpotObstacle } from './spot.ts';

/** "Not now" or "never", as data: stored, counted, and turned into sentences only at the edge. */
export type Refusal =
  /** Not even an empty node could hold it; `largest` is what the node that comes nearest has. */
  | {
      readonly code: 'never-fits';
      readonly step: StepId;
      readonly resource: string;
      readonly asked: number;
      readonly largest: number;
      readonly node: NodeId | undefined;
    }
  /** No node has it free now; `free` is the most that one node has free of the binding resource. */
  | {
      readonly code: 'insufficient';
      readonly resource: string;
      readonly asked: number;
      readonly free: number;
      /** The node that lacks least, and so would be first to fit. */
      readonly node: NodeId | undefined;
    }
  /** There is room on a node where the task's constraints do not allow it; `filters` say which ones. */
  | { readonly code: 'constraints'; readonly filters: readonly string[] }
  /**
   * With the scratch of those placed there, `lacking` bytes more than the node has would be held at the worst
   * time, were it begun now; `until` when time alone makes the room, undefined when only an end does.
   */
  | {
      readonly code: 'scratch-space';
      readonly node: NodeId;
      readonly peak: number;
      readonly capacity: number;
      readonly lacking: number;
      readonly until: number | undefined;
    }
  /** The node has room, but may be taken away, and that is not for this task, or not now. */
  | { readonly code: 'spot'; readonly node: NodeId; readonly obstacle: SpotObstacle }
  | { readonly code: 'no-nodes' }
  /** A filter of the site's own failed and was set aside; without it nothing is placed. `problem`: "it …". */
  | { readonly code: 'plugin-failed'; readonly plugin: string; readonly problem: string }
  /** Not even on empty nodes, where its topology lets them, would all that a gang needs find a place. */
  | {
      readonly code: 'gang-never-fits';
      readonly step: StepId;
      readonly needed: number;
      readonly room: number;
      readonly topology: string | undefined;
    }
  /** A gang: so many of its tasks fit at once where its topology lets them, of those it needs. */
  | {
      readonly code: 'gang-no-room';
      readonly needed: number;
      readonly room: number;
      readonly topology: string | undefined;
    }
  /** A gang starts again once all of it has stopped and waits. */
  | { readonly code: 'gang-incomplete'; readonly ready: number; readonly needed: number }
  /** Others were told to stop for it. */
  | { readonly code: 'waits-for-victims'; readonly victims: readonly AttemptId[] }
  /** Waiting is cheaper than stopping anybody, or those who stop anyway leave enough; `until` when known. */
  | { readonly code: 'waits-for-completion'; readonly until: number | undefined }
  /** It would fit, but what is free is kept for others. */
  | { readonly code: 'reserved'; readonly by: string; readonly node: NodeId }
  | { readonly code: 'waits-for-steps'; readonly steps: readonly StepId[] }
  | { readonly code: 'waits-to-retry'; readonly dueAt: number }
  | { readonly code: 'step-parallelism'; readonly max: number }
  /** As many tasks of steps that were made of one run as may at once. */
  | { readonly code: 'group-parallelism'; readonly group: StepId; readonly max: number }
  /** `tasks`, `cpu` or `memory` of what of its workload runs at once, or waits for a place. */
  | {
      readonly code: 'workload-limit';
      readonly resource: 'tasks' | 'cpu' | 'memory' | 'gpu';
      readonly held: number;
      readonly asked: number;
      readonly limit: number;
    }
  | {
      readonly code: 'queue-full';
      readonly active: number;
      readonly asked: number;
      readonly max: number;
    }
  /** Its queue has `spilled` submissions that wait on disk, and this one may not go before them or wait there. */
  | { readonly code: 'behind-spilled'; readonly queue: QueueName; readonly spilled: number }
  /** Its queue is full, and so is what is kept on disk of all queues. */
  | {
      readonly code: 'overflow-full';
      readonly queue: QueueName;
      readonly rows: number;
      readonly rowsMax: number;
      readonly bytes: number;
      readonly bytesMax: number;
    }
  /** It waits on disk until its queue has room. */
  | { readonly code: 'spilled'; readonly queue: QueueName; readonly ahead: number }
  /** `near` is the name that was most likely meant. */
  | {
      readonly code: 'no-such-queue';
      readonly queue: QueueName;
      readonly near: string | undefined;
      /** The first few there are. */
      readonly queues: readonly QueueName[];
    }
  /** The site has no priority class of this name; `near` is the one that was most likely meant. */
  | {
      readonly code: 'no-such-class';
      readonly class: string;
      readonly near: string | undefined;
      /** The first few there are. */
      readonly classes: readonly string[];
    }
  /** A priority above that of its class. */
  | {
      readonly code: 'above-class';
      readonly class: string;
      readonly asked: number;
      readonly limit: number;
    }
  /** The step may not be stopped for others, and tasks of its class may. */
  | { readonly code: 'class-may-be-stopped'; readonly class: string; readonly step: StepId }
  /** Not even alone in its queue: one task asks for more than a limit of the queue or of its tenant there. */
  | {
      readonly code: 'exceeds-queue';
      readonly queue: QueueName;
      readonly resource: string;
      readonly asked: number;
      readonly limit: number;
    }
  /** A cap on the number of tasks of a queue, or of one tenant in it. */
  | {
      readonly code: 'queue-cap';
      readonly queue: QueueName;
      readonly tenant?: TenantId | undefined;
      readonly what: 'active' | 'running';
      readonly count: number;
      readonly asked: number;
      readonly max: number;
    }
  /** The queue, or the tenant in it, would hold more than its limit. */
  | {
      readonly code: 'queue-limit';
      readonly queue: QueueName;
      readonly tenant?: TenantId | undefined;
      readonly resource: string;
      readonly held: number;
      readonly asked: number;
      readonly limit: number;
    }
  /** `kept` of what is `free` below `queue` is dedicated to other queues there, used or not. */
  | {
      readonly code: 'kept-for-others';
      readonly queue: QueueName;
      readonly resource: string;
      readonly asked: number;
      readonly free: number;
      readonly kept: number;
    }
  /** In milli-CPU-seconds, MiB-seconds or milli-GPU-seconds; `reserved` is what running tasks may still use. */
  | {
      readonly code: 'quota';
      readonly quota: string;
      readonly tenant?: TenantId | undefined;
      readonly resource: string;
      readonly used: number;
      readonly reserved: number;
      readonly asked: number;
      readonly limit: number;
      /** When the next period begins, or the window moves on; undefined where no such time is known. */
      readonly resetsAt: number | undefined;
    }
  /**
   * Outside of the hours in which its workload would rather start: `hours` as the clock on the wall of `zone` has
   * them. It waits until they begin, or for as long as it waits at most.
   */
  | {
      readonly code: 'preferred-hours';
      readonly hours: string;
      readonly zone: string;
      readonly opensAt: number;
      readonly until: number;
    }
  /** `ready` tasks that are alike wait to start together: until there are `max`, or until then. */
  | {
      readonly code: 'batch-gathers';
      readonly ready: number;
      readonly max: number;
      readonly until: number;
    }
  /** Its queue starts work in batches: `started` of this one have, and the next begins not before `until`. */
  | {
      readonly code: 'next-batch';
      readonly queue: QueueName;
      readonly started: number;
      readonly size: number;
      readonly until: number;
    }
  /** In micro-dollars; of a limit per hour, `spent` is what all that runs costs in an hour. */
  | ({ readonly code: 'budget'; readonly resetsAt: number | undefined } & BudgetFacts)
  /** In bytes, of the disk of a class of volumes: `held` by others. An empty class is the state folder. */
  | {
      readonly code: 'volume-space';
      readonly storageClass: string;
      readonly held: number;
      readonly asked: number;
      readonly capacity: number;
    }
  /** In bytes: so much is kept on disks already; of one tenant, or of all that the quota counts. */
  | {
      readonly code: 'storage-quota';
      readonly quota: string;
      readonly tenant?: TenantId | undefined;
      readonly used: number;
      readonly limit: number;
    }
  /** A cap on workloads that have not ended; of one tenant, or of all that the limit counts, as those of a queue. */
  | {
      readonly code: 'too-many-active';
      readonly limit: string;
      readonly tenant?: TenantId | undefined;
      readonly active: number;
      readonly max: number;
    }
  /** A cap on submissions in a period. */
  | {
      readonly code: 'too-many-submitted';
      readonly limit: string;
      readonly tenant?: TenantId | undefined;
      readonly submitted: number;
      readonly max: number;
      /** When the next period begins; undefined where no such time is known. */
      readonly resetsAt: number | undefined;
    }
  /** Its queue is strict, and this task is first there. */
  | { readonly code: 'behind'; readonly task: TaskId; readonly queue: QueueName }
  /** It has room, but would make a task that was promised a start later. */
  | {
      readonly code: 'reserved-for';
      readonly task: TaskId;
      readonly node: NodeId | undefined;
      readonly startsAt: number;
    }
  /** By that time, more work is due than all nodes can do: `due` milli-CPU-seconds of `possible`. */
  | {
      readonly code: 'deadline';
      readonly deadlineAt: number;
      readonly resource: string;
      readonly due: number;
      readonly possible: number;
    }
  /** Nothing of it runs that could be changed; `step` when only that was meant. */
  | {
      readonly code: 'nothing-runs';
      readonly workload: WorkloadId;
      readonly step: StepId | undefined;
    }
  /** It has cores of its own, and gets whole CPUs that nobody else has: `asked` in milli-CPU, `free` in CPUs. */
  | {
      readonly code: 'cores-short';
      readonly node: NodeId;
      readonly asked: number;
      readonly free: number;
    }
  /** So many moves of a node would gain less than they disturb, or find no place. */
  | { readonly code: 'no-gain'; readonly movesMax: number }
  /** One at a time. */
  | { readonly code: 'rebalancing'; readonly node: NodeId }
  | { readonly code: 'already-ended'; readonly workload: WorkloadId }
  | { readonly code: 'no-such-workload'; readonly workload: WorkloadId }
  | { readonly code: 'not-ended'; readonly workload: WorkloadId }
  | { readonly code: 'nothing-failed'; readonly workload: WorkloadId }
  | { readonly code: 'not-retried'; readonly workload: WorkloadId }
  /** Another run goes on with it: two would work in one folder. */
  | { readonly code: 'retried-already'; readonly workload: WorkloadId; readonly by: WorkloadId }
  | { readonly code: 'not-a-service'; readonly workload: WorkloadId }
  /** An update may not take a service elsewhere. */
  | { readonly code: 'other-queue'; readonly queue: QueueName; readonly asked: QueueName }
  /** The service is autoscaled between these numbers. */
  | {
      readonly code: 'outside-autoscaling';
      readonly workload: WorkloadId;
      readonly asked: number;
      readonly min: number;
      readonly max: number;
    };

/** May evicting help, and which events are worth another look? Anything else sleeps. */
export const refusalTraits: Record<
  Refusal['code'],
  { readonly evictionHelps: boolean; readonly wokenBy: readonly Event['kind'][] }
> = {
  'never-fits': { evictionHelps: false, wokenBy: ['node-joined'] },
  insufficient: { evictionHelps: true, wokenBy: ['task-ended', 'node-joined'] },
  'gang-never-fits': { evictionHelps: false, wokenBy: ['node-joined'] },
  'gang-no-room': { evictionHelps: true, wokenBy: ['task-ended', 'node-joined'] },
  'gang-incomplete': { evictionHelps: false, wokenBy: ['task-ended', 'retry-due'] },
  'waits-for-victims': { evictionHelps: false, wokenBy: ['task-ended'] },
  'waits-for-completion': { evictionHelps: false, wokenBy: ['task-ended', 'node-joined'] },
  reserved: { evictionHelps: false, wokenBy: ['task-ended', 'node-joined'] },
  constraints: { evictionHelps: true, wokenBy: ['task-ended', 'node-joined'] },
  'scratch-space': { evictionHelps: false, wokenBy: ['task-ended', 'node-joined'] },
  spot: {
    evictionHelps: true,
    wokenBy: ['task-placed', 'task-ended', 'node-joined', 'spot-priced'],
  },
  'no-nodes': { evictionHelps: false, wokenBy: ['node-joined'] },
  'plugin-failed': { evictionHelps: false, wokenBy: [] },
  'waits-for-steps': { evictionHelps: false, wokenBy: ['step-ended'] },
  'waits-to-retry': { evictionHelps: false, wokenBy: ['retry-due'] },
  'step-parallelism': { evictionHelps: false, wokenBy: ['task-ended'] },
  'group-parallelism': { evictionHelps: false, wokenBy: ['task-ended'] },
  'workload-limit': { evictionHelps: false, wokenBy: ['task-ended'] },
  'queue-full': { evictionHelps: false, wokenBy: ['task-placed', 'workload-ended'] },
  'behind-spilled': { evictionHelps: false, wokenBy: ['workload-ended'] },
  'overflow-full': { evictionHelps: false, wokenBy: ['workload-ended'] },
  spilled: { evictionHelps: false, wokenBy: ['workload-ended'] },
  'no-such-queue': { evictionHelps: false, wokenBy: [] },
  'no-such-class': { evictionHelps: false, wokenBy: [] },
  'above-class': { evictionHelps: false, wokenBy: [] },
  'class-may-be-stopped': { evictionHelps: false, wokenBy: [] },
  'exceeds-queue': { evictionHelps: false, wokenBy: [] },
  'queue-cap': { evictionHelps: true, wokenBy: ['task-ended', 'workload-ended'] },
  'queue-limit': { evictionHelps: true, wokenBy: ['task-ended'] },
  'kept-for-others': { evictionHelps: false, wokenBy: ['task-ended', 'node-joined'] },
  'preferred-hours': { evictionHelps: false, wokenBy: [] },
  'batch-gathers': { evictionHelps: false, wokenBy: ['workload-submitted', 'step-ended'] },
  'next-batch': { evictionHelps: false, wokenBy: [] },
  quota: { evictionHelps: false, wokenBy: ['task-ended'] },
  budget: { evictionHelps: false, wokenBy: ['task-ended'] },
  'volume-space': { evictionHelps: false, wokenBy: ['workload-ended'] },
  'storage-quota': { evictionHelps: false, wokenBy: ['storage-measured'] },
  'too-many-active': { evictionHelps: false, wokenBy: ['workload-ended'] },
  'too-many-submitted': { evictionHelps: false, wokenBy: [] },
  behind: { evictionHelps: false, wokenBy: ['task-placed', 'task-ended'] },
  'reserved-for': { evictionHelps: false, wokenBy: ['task-placed', 'task-ended'] },
  deadline: { evictionHelps: false, wokenBy: ['task-ended', 'node-joined'] },
  'nothing-runs': { evictionHelps: false, wokenBy: ['task-placed'] },
  'cores-short': { evictionHelps: false, wokenBy: ['task-ended'] },
  'no-gain': { evictionHelps: false, wokenBy: ['task-placed', 'task-ended'] },
  rebalancing: { evictionHelps: false, wokenBy: ['move-ended'] },
  'already-ended': { evictionHelps: false, wokenBy: [] },
  'no-such-workload': { evictionHelps: false, wokenBy: [] },
  'not-ended': { evictionHelps: false, wokenBy: ['workload-ended'] },
  'nothing-failed': { evictionHelps: false, wokenBy: [] },
  'not-retried': { evictionHelps: false, wokenBy: [] },
  'retried-already': { evictionHelps: false, wokenBy: ['workload-ended'] },
  'not-a-service': { evictionHelps: false, wokenBy: [] },
  'other-queue': { evictionHelps: false, wokenBy: [] },
  'outside-autoscaling': { evictionHelps: false, wokenBy: [] },
};

/**
 * What each says, in order of precedence: where several would be true, the first is given, because what it
 * names must change before the next one matters. `docs/reference/refusals.md` is generated from this.
 */
export const refusalMeaning: Record<Refusal['code'], string> = {
  'no-such-workload': 'There is no such workload.',
  'already-ended': 'The workload has ended.',
  'not-ended': 'Only a run that has ended is tried again.',
  'nothing-failed': 'The run succeeded: there is nothing to go on with.',
  'not-retried': 'Only jobs and pipelines are tried again.',
  'retried-already': 'Another run goes on with this one.',
  'nothing-runs': 'Nothing of it runs that could be changed.',
  rebalancing: 'Tasks are being moved already.',
  'cores-short': 'It has cores of its own, and too few whole CPUs are free of the pins of others.',
  'no-gain': 'No moves would gain more than they disturb.',
  'not-a-service': 'Only services are scaled and updated.',
  'other-queue': 'An update names another queue than the one that the service is in.',
  'outside-autoscaling':
    'The service is autoscaled between two numbers, and another was asked for.',
  'queue-full': 'As many tasks are active as the site allows.',
  'too-many-active': 'The tenant, its team or the queue has as many workloads as it may at once.',
  'too-many-submitted': 'The tenant, or its team, submitted as much in this period as it may.',
  'never-fits': 'No node could hold it, empty as it may be.',
  'volume-space': 'Volumes of one class would together be larger than the disk that they lie on.',
  'gang-never-fits': 'Its tasks start together, and would not fit on empty nodes either.',
  'no-such-queue': 'The queue does not exist, or takes nothing itself.',
  'no-such-class': 'The site has no such priority class.',
  'above-class': 'It asks for a higher priority than its priority class has.',
  'class-may-be-stopped':
    'It says that it may not be stopped for others, and tasks of its priority class may.',
  'exceeds-queue': 'A limit of the queue, or of the tenant there, is smaller than one task.',
  'waits-for-steps': 'A step that it needs has not succeeded yet.',
  'waits-to-retry': 'It rests until its next attempt.',
  'step-parallelism': 'As many tasks of its step run as may at once.',
  'group-parallelism': 'As many tasks of its group of steps run as may at once.',
  'workload-limit': 'What of its workload runs at once is as much as its own limits allow.',
  'gang-incomplete': 'Its tasks start together, and not all that are needed are ready.',
  'preferred-hours': 'It waits for the hours in which it would rather start.',
  'batch-gathers': 'It waits for others like it, to start together.',
  quota: 'The quota for this period is used up or reserved.',
  budget: 'There is not enough money for it: a budget, or a limit of its own.',
  'storage-quota': 'The tenant, or its team, keeps as much on disks as it may.',
  'next-batch': 'Its queue starts work in batches, and this one is full or was there before it.',
  deadline: 'More work is due by its deadline than can be done.',
  'queue-cap': 'The queue, or the tenant there, has as many tasks as it may.',
  'overflow-full': 'The queue is full, and as much is kept on disk as may be.',
  'behind-spilled': 'Submissions to its queue wait on disk, and it may not go before them.',
  spilled: 'It waits on disk until its queue has room.',
  'queue-limit': 'The queue, or the tenant there, holds as much as it may.',
  'kept-for-others': 'What is free is dedicated to other queues.',
  behind: 'Its queue is strict, and another task is first.',
  'plugin-failed':
    "A filter of the site's own failed: nothing is placed until the daemon starts again.",
  'no-nodes': 'No node has joined.',
  'waits-for-victims': 'Others were told to stop for it.',
  'waits-for-completion': 'Waiting is cheaper than stopping anybody for it.',
  reserved: 'What is free is kept for others: a reservation, or whom others were stopped for.',
  'gang-no-room': 'Its tasks start together, and not all that are needed find room now.',
  'scratch-space':
    'The scratch of those placed, at the peak of each phase, leaves too little for its own.',
  spot: 'What is free are spot nodes, which it does not use, or not at this price, or not so many.',
  constraints: 'No node that its constraints allow has enough free now.',
  insufficient: 'No node has enough free now.',
  'reserved-for': 'It would delay a task that was promised a start.',
};

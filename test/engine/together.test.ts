import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { withClasses } from '../../src/admission/class-terms.ts';
import { type BasisPoints, bytes, spanMs, timeMs } from '../../src/base/units.ts';
import { attemptsOf, currentAttempt } from '../../src/engine/records.ts';
import { causeOfStop } from '../../src/model/attempt.ts';
import { noConstraints } from '../../src/model/constraints.ts';
import type { NodeId, QueueName, TenantId, WorkloadId } from '../../src/model/ids.ts';
import type { Command, Event } from '../../src/model/messages.ts';
import { UTC } from '../../src/model/reservation.ts';
import type { SchedulingConfig } from '../../src/model/scheduling-config.ts';
import { isSpot } from '../../src/model/spot.ts';
import type { WorkloadSpec } from '../../src/model/workload.ts';
import { endedBy } from '../builders/engine-bench.ts';
import { queueConfig } from '../builders/site.ts';
import { plainNode, policy, quote, spotNode, spotStage } from '../builders/spot-stage.ts';
import { node, resources, step, workload } from '../builders/workload.ts';
import { checkSameFuture } from '../sim/replay.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const GIB = 1024 ** 3;
const [ada, bo] = ['ada', 'bo'] as TenantId[];

/** All that may keep a task from its start, in one site. */
function schedulingOf(reserves: boolean): Partial<SchedulingConfig> {
  const batch = { size: 2, intervalMs: spanMs(5 * MINUTE) };
  const terms = (preemptionPriority: number) => ({
    guarantee: 5_000 as BasisPoints,
    burst: 20_000 as BasisPoints,
    preemptionPriority,
  });
  const root = queueConfig('root', {
    children: [
      queueConfig('plain'),
      queueConfig('batch', { batch, activeMax: 6, overflow: 'spill-to-disk' }),
      queueConfig('small', { activeMax: 3, overflow: 'compress', guaranteedProcessing: true }),
    ],
  });
  const gold = {
    name: 'class gold',
    selector: { classes: ['gold'] },
    amount: resources({ cpu: 1000, memory: GIB }),
    parts: 1,
    duration: { kind: 'always' } as const,
    lentBelow: 5,
  };
  return {
    root,
    scorers: [{ name: 'first-fit', weight: 1 }],
    classes: [
      { name: 'gold', priority: 5, multiplier: 20_000 as BasisPoints },
      { name: 'low', priority: -5, preemptible: true },
    ],
    qos: { guaranteed: terms(2), burstable: terms(1), 'best-effort': terms(0) },
    gpuAbsent: 'cpu',
    storageQuotas: [{ name: 'bo', tenants: [bo!], each: true, limit: bytes(10) }],
    submissions: [{ name: 'each', each: true, active: 20 }],
    offPeak: { kind: 'daily', startMs: 22 * HOUR, endMs: 6 * HOUR, zone: UTC },
    preemption: { minRunMs: spanMs(0), perQueueHour: 1_000 },
    keepAfterMs: spanMs(HOUR),
    reservations: reserves ? [gold] : [],
  };
}

const shapes = {
  plain: {},
  gang: { count: 2, gangMin: 2 },
  alone: {
    request: resources({ cpu: 500, gpu: 500 }),
    constraints: { ...noConstraints, gpuAlone: true },
  },
  share: { request: resources({ cpu: 500, gpu: 500 }) },
  wide: { request: resources({ cpu: 3000 }), count: 2 },
} as const;

const asked = fc.record({
  do: fc.constant('submit' as const),
  queue: fc.constantFrom('plain', 'batch', 'small'),
  tenant: fc.constantFrom(ada!, bo!),
  shape: fc.constantFrom(...(Object.keys(shapes) as (keyof typeof shapes)[])),
  suits: fc.boolean(),
  class: fc.constantFrom('gold', 'low', undefined),
  maxWait: fc.constantFrom(undefined, 30 * MINUTE, 20 * HOUR),
  gathers: fc.constantFrom(undefined, 2, 3),
  count: fc.integer({ min: 1, max: 2 }),
});
const pick = fc.nat(30);
const happening = fc.oneof(
  { arbitrary: asked, weight: 6 },
  {
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      pick,
      cause: fc.constantFrom('succeeded' as const, 'failed' as const, 'lost' as const),
    }),
    weight: 4,
  },
  fc.record({ do: fc.constant('enter' as const), pick, cancels: fc.boolean() }),
  fc.record({ do: fc.constant('retry' as const), pick }),
  fc.record({ do: fc.constant('cancel' as const), pick }),
  fc.record({ do: fc.constant('raise' as const), pick }),
  fc.record({ do: fc.constant('keeps' as const), bytes: fc.constantFrom(0, 9, 10, 30) }),
  fc.record({ do: fc.constant('price' as const), price: fc.constantFrom(1, 1.5, 9) }),
  fc.record({ do: fc.constant('notice' as const) }),
  fc.record({ do: fc.constant('gpus' as const) }),
  fc.record({ do: fc.constant('rebalance' as const) }),
  fc.record({ do: fc.constant('array' as const) }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 4 * HOUR }) }),
);
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

function specOf(one: Extract<Happening, { do: 'submit' }>): WorkloadSpec {
  const gather = one.gathers && { alike: one.shape, waitMs: spanMs(10 * MINUTE), max: one.gathers };
  const retry = { ...step('x').retry, maxRetries: 1 };
  const only = step(one.suits ? 'batch_processing' : 'train', {
    count: one.count,
    retry,
    ...shapes[one.shape],
    ...(gather && { gather }),
  });
  return {
    ...workload('w', only),
    queue: one.queue as QueueName,
    ...(one.class && { class: { name: one.class } }),
    ...(one.maxWait && { preferred: { hours: 'off-peak', maxWaitMs: spanMs(one.maxWait) } }),
  };
}

/** Of the state just before it: what is placed for the first time was kept back by nothing. */
class Mixed {
  readonly stage;
  readonly kept = new Map<WorkloadId, WorkloadSpec>();
  readonly seen = { spilled: 0, onSpot: 0, retried: 0, preempted: 0, linedUp: 0, waited: 0 };
  readonly #scheduling: Partial<SchedulingConfig>;

  constructor(reserves: boolean) {
    this.#scheduling = schedulingOf(reserves);
    const spot = policy({ percentage: 50 });
    const scheduling = this.#scheduling;
    this.stage = spotStage(
      { spot, scheduling, lineMs: 10_000_000 },
      plainNode('d', 4000),
      spotNode('s', 3000),
    );
  }

  get state() {
    return this.stage.engine.state;
  }

  send(command: Parameters<Mixed['stage']['send']>[0]): void {
    const full = { ...command, at: this.stage.at } as Command;
    const { answer } = this.stage.engine.decide(full);
    this.stage.send(command, (event) => this.#check(event));
    if (answer.kind === 'spilled') {
      this.kept.set(answer.workload, answer.spec);
      this.seen.spilled++;
    }
    this.#checkState();
  }

  end(id: string, cause: 'succeeded' | 'failed' | 'lost'): void {
    const attempt = this.state.attempt(id as never)!;
    const stopped = attempt.stop && causeOfStop(attempt.stop);
    const end = endedBy(stopped ?? cause);
    this.send({ kind: 'report-ended', attempt: attempt.id, end });
  }

  enter(workload: WorkloadId, by?: TenantId): void {
    const spec = this.kept.get(workload)!;
    this.send({ kind: 'enter-spilled', workload, spec, ...(by && { cancelledBy: by }) });
    const known = this.state.workload(workload);
    if (known !== undefined) assert.deepEqual(known.spec, spec, 'as it was accepted');
  }

  #check(event: Event): void {
    const { at, state, seen } = { at: this.stage.at, state: this.state, seen: this.seen };
    if (event.kind === 'preemption-ordered') seen.preempted++;
    if (event.kind === 'attempts-lined-up') seen.linedUp++;
    if (event.kind === 'workload-submitted' && event.resumes !== undefined) seen.retried++;
    if (event.kind !== 'task-placed') return;
    const task = state.task(event.attempt.replace(/\.\d+$/, '') as never)!;
    const { tenant, step: of } = task;
    assert.equal(state.storage!.refusal(tenant), undefined, 'nobody starts beyond his quota');
    const isOnSpot = isSpot(state.table.node(state.table.rowOf(event.placement.node)!)!);
    if (isOnSpot) {
      seen.onSpot++;
      assert.ok(of.spec.id === 'batch_processing' && of.spec.gangMin === undefined);
    }
    if (attemptsOf(task) > 0) return;
    assert.equal(state.deferrals.groupOf(task)?.refusal(at), undefined, 'its hours, its batch');
    if (at > of.openedAt!) seen.waited++;
  }

  #checkState(): void {
    const { state } = this;
    for (const [queue, max] of [
      ['batch', 6],
      ['small', 3],
    ] as const)
      assert.ok(state.active.of(queue as QueueName) <= max, `${queue} has no more than it may`);
    const owners = new Map<string, Set<string | undefined>>();
    for (const { placement } of state.runningAttempts()) {
      for (const gpu of placement.gpus) {
        owners.set(gpu, (owners.get(gpu) ?? new Set()).add(placement.held.gpuFor));
      }
    }
    for (const of of owners.values()) assert.equal(of.size, 1, 'alone is alone');
    for (const { spec } of state.workloads()) {
      assert.deepEqual(withClasses(spec, this.#scheduling, true), spec, 'filled in once');
    }
  }

  checkCopies(): void {
    const { engine, journal, fresh, at } = this.stage;
    checkSameFuture(engine, [journal], fresh, at);
  }
}

function happen(m: Mixed, one: Happening): void {
  if (one.do === 'wait') pass(m, one.ms);
  else if (one.do === 'end') {
    const running = [...m.state.runningAttempts()];
    if (running.length > 0) m.end(running[one.pick % running.length]!.id, one.cause);
  } else if (one.do === 'enter') {
    const waiting = [...m.state.spilled.values()];
    if (waiting.length === 0) return;
    const { workload: id } = waiting[one.pick % waiting.length]!;
    m.enter(id, one.cancels ? ada : undefined);
  } else if (one.do === 'array') {
    // Four are quick, and then others stand in line.
    const spec = workload('w', step('train', { count: 20 }));
    m.send({ kind: 'submit', tenant: ada!, spec: { ...spec, queue: 'plain' as QueueName } });
    for (let i = 0; i < 6; i++) {
      const mine = [...m.state.runningAttempts()].find(({ task }) => task.step.spec.count === 20);
      if (mine !== undefined) m.end(mine.id, 'succeeded');
    }
  } else {
    const command = commandOf(m, one);
    if (command !== undefined) m.send(command);
  }
}

type Commanded = Exclude<
  Happening,
  { do: 'wait' } | { do: 'end' } | { do: 'enter' } | { do: 'array' }
>;

function commandOf(m: Mixed, one: Commanded): Parameters<Mixed['send']>[0] | undefined {
  switch (one.do) {
    case 'submit':
      return { kind: 'submit', tenant: one.tenant, spec: specOf(one), maySpill: true };
    case 'keeps':
      return { kind: 'report-storage', used: [{ tenant: bo!, bytes: bytes(one.bytes) }] };
    case 'price':
      return { kind: 'spot-price', quotes: [quote(one.price)] };
    case 'notice': {
      const deadline = timeMs(m.stage.now + 2 * MINUTE);
      return { kind: 'spot-notice', node: 's' as NodeId, deadline };
    }
    case 'gpus':
      return { kind: 'join-node', node: node('g', { cpu: 2000, gpus: 2 }) };
    case 'rebalance':
      return { kind: 'rebalance', movesMax: 2, settleMs: spanMs(MINUTE) };
    case 'retry':
    case 'cancel':
    case 'raise': {
      const among = [...m.state.workloads()].filter(
        ({ state }) => (state === 'active') === (one.do !== 'retry'),
      );
      const id = among[one.pick % among.length]?.id;
      if (id === undefined) return undefined;
      if (one.do === 'retry') return { kind: 'retry', workload: id, afresh: true };
      if (one.do === 'cancel') return { kind: 'cancel', workload: id, by: ada! };
      return { kind: 'adjust', workload: id, by: ada!, priority: 3 };
    }
  }
}

/** From timer to timer, as a loop does. */
function pass(m: Mixed, ms: number): void {
  const until = m.stage.now + ms;
  for (;;) {
    const timer = m.stage.engine.nextTimer();
    if (timer === undefined || timer > until) break;
    m.stage.now = Math.max(timer, m.stage.now);
    m.send({ kind: 'tick' });
  }
  m.stage.now = until;
  m.send({ kind: 'tick' });
}

/** Nothing is in the way any more: all that was accepted comes to its end. */
function finish(m: Mixed): void {
  m.send({ kind: 'report-storage', used: [] });
  m.send({ kind: 'spot-price', quotes: [quote(1)] });
  for (let round = 0; round < 200; round++) {
    for (const { id } of [...m.state.runningAttempts()]) {
      const attempt = m.state.attempt(id);
      if (attempt?.end === undefined && attempt?.behind === undefined) m.end(id, 'succeeded');
    }
    for (const { workload: id } of [...m.state.spilled.values()]) m.enter(id);
    pass(m, HOUR);
    const left = [...m.state.workloads()].filter(({ state }) => state === 'active');
    if (left.length === 0 && m.state.spilled.size === 0) return;
  }
  const left = [...m.state.workloads()].flatMap(({ state, steps }) =>
    state === 'active'
      ? steps.flatMap(({ tasks }) =>
          tasks.map((task) => [
            task.id,
            task.state,
            m.state.scheduler.refusal(task),
            currentAttempt(task)?.stop,
          ]),
        )
      : [],
  );
  assert.fail(`still there: ${JSON.stringify(left)} ${m.state.spilled.size}`);
}

const gold = (changes: Partial<Extract<Happening, { do: 'submit' }>> = {}): Happening => ({
  do: 'submit',
  queue: 'plain',
  tenant: ada!,
  shape: 'plain',
  suits: false,
  class: 'gold',
  maxWait: undefined,
  gathers: undefined,
  count: 1,
  ...changes,
});

/** Somebody was stopped for the fourth, which got another place, and was stopped itself, before he had ended. */
const stoppedAgain: Happening[] = [
  gold(),
  gold(),
  gold({ suits: true }),
  { do: 'wait', ms: 1 },
  { do: 'gpus' },
  gold({ suits: true }),
  gold(),
  { do: 'end', pick: 0, cause: 'succeeded' },
  gold({ queue: 'small', shape: 'alone' }),
  { do: 'raise', pick: 0 },
  { do: 'end', pick: 11, cause: 'succeeded' },
];

/** Others were stopped for it; then its priority was raised, and it was cancelled before any pass of a replay. */
const cancelledInReplay: Happening[] = [
  gold(),
  { do: 'gpus' },
  gold(),
  gold({ queue: 'batch', shape: 'share', gathers: 2 }),
  gold({ suits: true }),
  { do: 'wait', ms: 10 * MINUTE },
  { do: 'raise', pick: 18 },
  gold(),
  gold(),
  gold(),
  gold({ suits: true }),
  { do: 'end', pick: 17, cause: 'succeeded' },
  { do: 'wait', ms: 1 },
  gold(),
  { do: 'cancel', pick: 29 },
];

/** What was quick is cancelled: another that becomes quick has lines, whoever waits on purpose. */
const quickAndCancelled: Happening[] = [
  { do: 'array' },
  { do: 'end', pick: 0, cause: 'succeeded' },
  { do: 'gpus' },
  { do: 'cancel', pick: 0 },
  gold(),
  gold({ gathers: 3 }),
  { do: 'end', pick: 0, cause: 'succeeded' },
];

/** Seats are kept for one that is alone on its device; others that are so, and some that are not, take turns there. */
const aloneAmongShares: Happening[] = [
  gold({ shape: 'alone' }),
  { do: 'gpus' },
  gold({ queue: 'batch', shape: 'alone', gathers: 3, count: 2 }),
  { do: 'wait', ms: 10 * MINUTE },
  gold({ queue: 'batch', shape: 'alone', class: 'low', count: 2 }),
  { do: 'array' },
  { do: 'end', pick: 0, cause: 'succeeded' },
  gold({ queue: 'batch', shape: 'share' }),
  gold({ shape: 'share' }),
  { do: 'notice' },
  { do: 'retry', pick: 0 },
  { do: 'cancel', pick: 20 },
  { do: 'wait', ms: 55 * MINUTE + 1 },
  { do: 'gpus' },
  gold({ queue: 'batch' }),
  gold({ queue: 'batch' }),
  gold({ queue: 'batch', shape: 'share' }),
];

/** There were too few to stop for a gang, until the priority of one that ran became less. */
const lowered: Happening[] = [
  gold(),
  gold({ count: 2 }),
  { do: 'end', pick: 0, cause: 'succeeded' },
  gold({ class: 'low' }),
  gold({ shape: 'gang' }),
  { do: 'end', pick: 0, cause: 'succeeded' },
  { do: 'raise', pick: 1 },
];

test('all that keeps tasks waiting at once: each rule holds, copies have the same future, and all comes to its end', (t) => {
  const seen: Record<string, number> = {};
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.array(happening, { minLength: 10, maxLength: 40, size: 'max' }),
      (reserves, all) => {
        const m = new Mixed(reserves);
        // Where others wait already, nobody is put in line.
        if (!reserves) happen(m, { do: 'array' });
        for (const [i, one] of all.entries()) {
          happen(m, one);
          if (i % 5 === 4) m.checkCopies();
        }
        m.checkCopies();
        finish(m);
        m.checkCopies();
        for (const [what, count] of Object.entries(m.seen)) seen[what] = (seen[what] ?? 0) + count;
      },
    ),
    {
      numRuns: 100,
      examples: [
        [false, stoppedAgain],
        [false, cancelledInReplay],
        [false, quickAndCancelled],
        [true, aloneAmongShares],
        [false, lowered],
      ],
    },
  );
  t.diagnostic(JSON.stringify(seen));
  for (const [what, count] of Object.entries(seen)) assert.ok(count > 0, `${what}: ${count}`);
});

test('those whom others were stopped for wait for them still once their priority is another', () => {
  const preemption = { minRunMs: spanMs(0), perQueueHour: 10 };
  const s = spotStage({ scheduling: { preemption } }, plainNode('d', 1000));
  s.submit(workload('low', step('s')));
  s.submit({ ...workload('high', step('s')), priority: 5 });
  s.send({ kind: 'adjust', workload: '2' as WorkloadId, by: ada!, priority: 6 });
  assert.equal(s.refusal('2.s.0')?.code, 'waits-for-victims');
  s.checkCopies();
  s.submit({ ...workload('higher', step('s')), priority: 9 });
  assert.ok(s.end('1.s.0.1', 'preempted').includes('placed 2.s.0.1 on d'));
});

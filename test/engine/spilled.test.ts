import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { timeMs, UNLIMITED } from '../../src/base/units.ts';
import type { Answer } from '../../src/engine/decision.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { restoreSnapshot, takeSnapshot } from '../../src/engine/snapshot.ts';
import type { AttemptId, QueueName, TenantId, WorkloadId } from '../../src/model/ids.ts';
import type { Command, Event } from '../../src/model/messages.ts';
import type { QueueConfig, SchedulingConfig } from '../../src/model/scheduling-config.ts';
import type { WorkloadSpec } from '../../src/model/workload.ts';
import { endedBy } from '../builders/engine-bench.ts';
import { type Ask, config, node, queueConfig, Site, specOf } from '../builders/site.ts';

type Submitting = Extract<Command, { kind: 'submit' }>;

/** A site whose overflow is a map: what the engine told to keep, by id. */
class Spilling {
  readonly site: Site;
  readonly kept = new Map<WorkloadId, WorkloadSpec>();
  readonly events: Event[] = [];

  constructor(scheduling: SchedulingConfig, cpu = 100_000) {
    this.site = new Site(scheduling, node('n', { cpu }));
    this.events.push(...this.site.journal);
  }

  get engine(): Engine {
    return this.site.engine;
  }

  send(command: Command): Answer {
    const { events, answer } = this.engine.decide(command);
    for (const event of events) this.#apply(event);
    this.settle();
    return answer;
  }

  submit(ask: Ask, changes: Partial<Submitting> = { maySpill: true }): Answer {
    const tenant = (ask.tenant ?? 'ada') as TenantId;
    const spec = specOf(ask);
    const answer = this.send({ kind: 'submit', at: this.site.at, tenant, spec, ...changes });
    if (answer.kind === 'spilled') this.kept.set(answer.workload, answer.spec);
    return answer;
  }

  enter(id: string, cancelledBy?: string): Answer {
    const workload = id as WorkloadId;
    const by = cancelledBy === undefined ? {} : { cancelledBy: cancelledBy as TenantId };
    const spec = this.kept.get(workload)!;
    return this.send({ kind: 'enter-spilled', at: this.site.at, workload, spec, ...by });
  }

  end(attempt: string, cause: Parameters<typeof endedBy>[0] = 'succeeded'): void {
    const id = attempt as AttemptId;
    this.send({ kind: 'report-ended', at: this.site.at, attempt: id, end: endedBy(cause) });
  }

  settle(): void {
    const { engine, site } = this;
    for (let e = engine.next(site.at); e !== undefined; e = engine.next(site.at)) this.#apply(e);
  }

  running(): string[] {
    return [...this.engine.state.runningAttempts()].map(({ id }) => id);
  }

  waiting(): string[] {
    return [...this.engine.state.spilled.values()].map(({ workload }) => workload);
  }

  #apply(event: Event): void {
    this.engine.apply(event);
    this.events.push(event);
  }
}

const small = (changes: Partial<QueueConfig> = {}): QueueConfig =>
  queueConfig('q', { activeMax: 2, overflow: 'spill-to-disk', ...changes });
const told = (answer: Answer): string =>
  answer.kind === 'refused'
    ? answer.refusal.code
    : 'workload' in answer
      ? `${answer.kind} ${answer.workload}`
      : answer.kind;

test('what finds its queue full gets an id, waits, and is let in under it', () => {
  const a = new Spilling(config([small()]));
  assert.deepEqual(
    [1, 2, 3, 4].map(() => told(a.submit({ queue: 'q' }))),
    ['accepted 1', 'accepted 2', 'spilled 3', 'spilled 4'],
  );
  assert.equal(told(a.enter('3')), 'queue-cap', 'the queue is still full');
  a.end('1.s.0.1');
  // There is room, and 3 and 4 come first.
  const behind = a.submit({ queue: 'q' });
  assert.deepEqual([told(behind), behind.kind === 'spilled' && behind.ahead], ['spilled 5', 2]);
  assert.equal(told(a.enter('3')), 'accepted 3');
  assert.deepEqual(a.running(), ['2.s.0.1', '3.s.0.1']);
  assert.equal(told(a.enter('3')), 'accepted 3', 'the same answer again');
  assert.equal(a.events.filter(({ kind }) => kind === 'workload-submitted').length, 3);
  assert.equal(told(a.submit({ queue: 'q' })), 'spilled 6', 'ids are not used twice');
});

const refused: Record<
  string,
  { readonly ask: Ask; readonly may?: boolean; readonly want: string }
> = {
  'nowhere to keep it': { ask: {}, may: false, want: 'queue-cap' },
  'more tasks than the queue ever holds': { ask: { count: 3 }, want: 'queue-cap' },
  'more than a node has': { ask: { cpu: 1_000 }, want: 'never-fits' },
  'a queue that refuses': { ask: { queue: 'strict' }, want: 'queue-cap' },
  'the cap of a tenant': { ask: { tenant: 'capped' }, want: 'queue-cap' },
};
for (const [name, { ask, may = true, want }] of Object.entries(refused)) {
  test(`refused at once although queues spill: ${name}`, () => {
    const none = { weight: 1, limit: queueConfig('x').limit, runningMax: UNLIMITED };
    const tenants = {
      byDefault: { ...none, activeMax: UNLIMITED },
      byName: { capped: { ...none, activeMax: 0 } },
    };
    const a = new Spilling(config([small({ tenants }), queueConfig('strict', { activeMax: 0 })]));
    a.submit({ queue: 'q', count: 2 });
    const answer = a.submit({ queue: 'q', ...ask }, may ? { maySpill: true } : {});
    assert.equal(told(answer), want);
    assert.equal(a.engine.state.workloadsEver, 1, 'a refusal takes no id');
  });
}

test('what may not wait on disk does not go before what does', () => {
  const a = new Spilling(config([small({ activeMax: 1 })]));
  for (let i = 0; i < 2; i++) a.submit({ queue: 'q' });
  a.end('1.s.0.1');
  assert.equal(told(a.submit({ queue: 'q' }, {})), 'behind-spilled');
  assert.equal(told(a.enter('2')), 'accepted 2');
});

test('it is counted by limits of submissions when it is accepted, once', () => {
  const window = { kind: 'periods', starts: [0, 86_400_000].map(timeMs) } as const;
  const scheduling = {
    ...config([small({ activeMax: 1 })]),
    submissions: [{ name: 'user', each: true, active: 3, submitted: { max: 4, window } }],
  };
  const a = new Spilling(scheduling);
  for (let i = 0; i < 3; i++) a.submit({ queue: 'q' });
  assert.equal(told(a.submit({ queue: 'q' })), 'too-many-active', 'two of three wait on disk');
  a.site.restart();
  assert.equal(told(a.submit({ queue: 'q' })), 'too-many-active', 'after a restart, too');
  a.end('1.s.0.1');
  assert.equal(told(a.enter('2')), 'accepted 2', 'its own limit does not hold it up');
  assert.equal(told(a.submit({ queue: 'q' })), 'spilled 4');
  a.end('2.s.0.1');
  a.enter('3');
  a.end('3.s.0.1');
  a.enter('4');
  a.end('4.s.0.1');
  assert.equal(told(a.submit({ queue: 'q' })), 'too-many-submitted', 'four, each once');
});

test('what could not be kept after all counts for nothing', () => {
  const window = { kind: 'periods', starts: [0, 86_400_000].map(timeMs) } as const;
  const limit = { name: 'user', each: true, active: 2, submitted: { max: 2, window } };
  const a = new Spilling({ ...config([small({ activeMax: 1 })]), submissions: [limit] });
  a.submit({ queue: 'q' });
  a.submit({ queue: 'q' });
  assert.equal(told(a.submit({ queue: 'q' })), 'too-many-active');
  const dropped = { kind: 'drop-spilled', at: a.site.at, workload: '2' as WorkloadId } as const;
  a.send(dropped);
  assert.equal(a.send(dropped).kind, 'done', 'dropped once');
  assert.equal(told(a.submit({ queue: 'q' })), 'spilled 3');
});

test('one that is cancelled while it waits ends as any other', () => {
  const a = new Spilling(config([small({ activeMax: 1 })]));
  a.submit({ queue: 'q' });
  a.submit({ queue: 'q' });
  assert.equal(told(a.enter('2', 'ada')), 'accepted 2');
  const cancelled = a.engine.state.workload('2' as WorkloadId)!;
  assert.deepEqual([cancelled.state, cancelled.steps[0]!.tasks[0]!.attempts], ['cancelled', []]);
  assert.deepEqual(a.waiting(), []);
});

test('it was submitted when it was accepted, and goes before younger ones of other queues', () => {
  const queues = [small({ activeMax: 1 }), queueConfig('other')];
  const a = new Spilling(config([queueConfig('both', { children: queues, childOrder: 'usage' })]));
  a.submit({ queue: 'q' });
  a.submit({ queue: 'q' });
  a.site.now = 5_000;
  a.end('1.s.0.1');
  a.enter('2');
  assert.equal(a.engine.state.workload('2' as WorkloadId)!.submittedAt, 0);
});

test('of a queue that guarantees: a lost attempt is tried again without a retry, as often as it happens', () => {
  const outcome = (guaranteedProcessing: boolean) => {
    const a = new Spilling(config([small({ guaranteedProcessing })]));
    a.submit({ queue: 'q' });
    for (let tries = 0; tries < 5 && a.running().length > 0; tries++) {
      a.end(a.running()[0]!, 'lost');
      a.site.now += 3_600_000;
      a.send({ kind: 'tick', at: a.site.at });
      a.site.restart();
    }
    const workload = a.engine.state.workload('1' as WorkloadId)!;
    return [workload.state, workload.steps[0]!.tasks[0]!.attempts.length, workload.retried];
  };
  assert.deepEqual(outcome(true), ['active', 6, 0]);
  assert.deepEqual(outcome(false), ['failed', 1, 0]);
});

test('of a queue that guarantees: its own failure ends it, and the promise is that of the day it was accepted', () => {
  const a = new Spilling(config([small({ guaranteedProcessing: true })]));
  a.submit({ queue: 'q' });
  a.end('1.s.0.1', 'failed');
  assert.equal(a.engine.state.workload('1' as WorkloadId)!.state, 'failed');
  for (let i = 0; i < 3; i++) a.submit({ queue: 'q' });
  assert.equal(a.kept.get('4' as WorkloadId)!.guaranteed, true);
  const { guaranteed } = a.engine.state.workload('2' as WorkloadId)!.spec;
  assert.equal(guaranteed, true);
});

/** What people, the drain and the world may do, in any order. */
const step = fc.oneof(
  fc.record({
    do: fc.constant('submit' as const),
    queue: fc.constantFrom('q', 'r'),
    tenant: fc.constantFrom('ada', 'bo'),
    count: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({ do: fc.constantFrom('enter', 'enter-again', 'cancel', 'drop'), pick: fc.nat(20) }),
  fc.record({ do: fc.constant('end' as const), pick: fc.nat(20) }),
  fc.record({ do: fc.constant('restart' as const) }),
);

test('whatever is tried in whatever order: each id is let in once, none is lost, caps hold, replay is exact', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const r = queueConfig('r', {
        activeMax: 3,
        overflow: 'compress',
        guaranteedProcessing: true,
      });
      const a = new Spilling(config([small(), r]));
      const accepted = new Set<string>();
      const dropped = new Set<string>();
      for (const one of steps) {
        const waiting = a.waiting();
        if (one.do === 'submit') {
          const answer = a.submit(one);
          if ('workload' in answer) {
            assert.ok(!accepted.has(answer.workload), 'a new id');
            accepted.add(answer.workload);
            const ahead = waiting.filter(
              (id) => a.kept.get(id as WorkloadId)!.queue === one.queue,
            ).length;
            assert.ok(
              answer.kind === 'spilled' || ahead === 0,
              'nobody goes before those who wait',
            );
          }
        } else if (one.do === 'end') {
          const running = a.running();
          if (running.length > 0) a.end(running[one.pick % running.length]!);
        } else if (one.do === 'restart') a.site.restart();
        else {
          const ids = one.do === 'enter-again' ? [...a.kept.keys()] : waiting;
          const id = ids[one.pick % ids.length];
          if (id === undefined) continue;
          if (one.do !== 'drop') a.enter(id, one.do === 'cancel' ? 'ada' : undefined);
          else {
            a.send({ kind: 'drop-spilled', at: a.site.at, workload: id as WorkloadId });
            dropped.add(id);
          }
        }
        const { active } = a.engine.state;
        assert.ok(
          active.of('q' as QueueName) <= 2 && active.of('r' as QueueName) <= 3,
          'caps hold',
        );
      }
      const submitted = a.events.flatMap((e) =>
        e.kind === 'workload-submitted' ? e.workload : [],
      );
      assert.equal(new Set(submitted).size, submitted.length, 'let in once');
      const seen = new Set<string>([...submitted, ...a.waiting(), ...dropped]);
      assert.deepEqual(
        [...accepted].filter((id) => !seen.has(id)),
        [],
        'none is lost',
      );
      const again = a.site.fresh();
      for (const event of a.events) again.apply(event);
      assert.equal(takeSnapshot(again.state), takeSnapshot(a.engine.state));
      const restored = a.site.fresh();
      restoreSnapshot(restored.state, takeSnapshot(a.engine.state));
      assert.equal(takeSnapshot(restored.state), takeSnapshot(a.engine.state));
    }),
    { numRuns: 300 },
  );
});

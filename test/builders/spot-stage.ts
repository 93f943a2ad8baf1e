import assert from 'node:assert/strict';
import { type MicroDollars, type TimeMs, timeMs } from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import { restoreSnapshot, takeSnapshot } from '../../src/engine/snapshot.ts';
import type { EndCause } from '../../src/model/attempt.ts';
import type { AttemptId, NodeId, TenantId } from '../../src/model/ids.ts';
import type { Command, Event } from '../../src/model/messages.ts';
import type { MoneyConfig } from '../../src/model/money.ts';
import type { Node } from '../../src/model/node.ts';
import { defaultScheduling, type SchedulingConfig } from '../../src/model/scheduling-config.ts';
import type { SpotPolicy, SpotQuote } from '../../src/model/spot.ts';
import type { WorkloadSpec } from '../../src/model/workload.ts';
import { makeScheduler, type SchedulingParts } from '../../src/scheduling/make-scheduler.ts';
import { eventLine } from '../sim/trace.ts';
import { endedBy } from './engine-bench.ts';
import { node, step, workload } from './workload.ts';

type Asked = Command extends infer C ? (C extends Command ? Omit<C, 'at'> : never) : never;

export const dollars = (amount: number): MicroDollars =>
  Math.round(amount * 1_000_000) as MicroDollars;

export const policy = (changes: Partial<SpotPolicy> = {}): SpotPolicy => ({
  enabled: true,
  percentage: 70,
  onInterruption: 'checkpoint_and_retry',
  priceMax: 20_000 as never,
  suitableTasks: ['batch_processing', 'data_preprocessing'],
  ...changes,
});

export const quote = (price: number, changes: Partial<SpotQuote> = {}): SpotQuote => ({
  base: dollars(1),
  price: dollars(price),
  source: 'test',
  ...changes,
});

export function spotNode(id: string, cpu = 4000, type?: string): Node {
  const labels = { spot: 'true', ...(type && { 'instance-type': type }) };
  return { ...node(id, { cpu, memory: 64 * 1024 ** 3 }), labels };
}

export const plainNode = (id: string, cpu = 4000): Node =>
  node(id, { cpu, memory: 64 * 1024 ** 3 });

export const suitable = (name = 'batch_processing', count = 1): WorkloadSpec =>
  workload('w', step(name, { count }));

export interface SpotStageOptions {
  readonly spot?: SpotPolicy | undefined;
  readonly money?: MoneyConfig;
  readonly scheduling?: Partial<SchedulingConfig>;
  readonly parts?: SchedulingParts;
  readonly lineMs?: number;
}

/** An engine as a site with spot nodes has it, on a clock that is set by hand. */
export function spotStage(options: SpotStageOptions, ...nodes: Node[]) {
  const { spot, money, parts, lineMs = 0 } = options;
  const scheduling = { ...defaultScheduling, ...options.scheduling, ...(spot && { spot }) };
  const fresh = () =>
    new Engine(
      { tasksMax: 10_000, endedMax: 1_000, scheduling, lineMs, ...(money && { money }) },
      { scheduler: makeScheduler(scheduling, undefined, parts) },
    );
  const engine = fresh();
  const journal: Event[] = [];
  const stage = {
    engine,
    journal,
    now: 0,
    fresh,
    get at(): TimeMs {
      return timeMs(stage.now);
    },
    send(asked: Asked, watch?: (event: Event) => void): string[] {
      const { events, answer } = engine.decide({ ...asked, at: stage.at } as Command);
      const seen: Event[] = [];
      const apply = (event: Event): void => {
        watch?.(event);
        engine.apply(event);
        seen.push(event);
      };
      events.forEach(apply);
      for (let e = engine.next(stage.at); e !== undefined; e = engine.next(stage.at)) apply(e);
      journal.push(...seen);
      const refused = answer.kind === 'refused' ? [`refused ${answer.refusal.code}`] : [];
      return [...refused, ...seen.map(eventLine)];
    },
    submit: (spec: WorkloadSpec) =>
      stage.send({ kind: 'submit', tenant: 'tester' as TenantId, spec }),
    price: (...quotes: SpotQuote[]) => stage.send({ kind: 'spot-price', quotes }),
    notice: (id: string, inMs = 120_000) =>
      stage.send({
        kind: 'spot-notice',
        node: id as NodeId,
        deadline: timeMs(stage.now + inMs),
      }),
    end: (attempt: string, cause: EndCause = 'succeeded') =>
      stage.send({ kind: 'report-ended', attempt: attempt as AttemptId, end: endedBy(cause) }),
    wait(ms: number): string[] {
      stage.now += ms;
      return stage.send({ kind: 'tick' });
    },
    /** Where what runs is, by task. */
    where: (): Record<string, string> =>
      Object.fromEntries(
        [...engine.state.runningAttempts()].map(({ task, placement }) => [task.id, placement.node]),
      ),
    refusal: (task: string) => engine.state.scheduler.refusal(engine.state.task(task as never)!),
    /** A replay, and a snapshot, come to the same state. */
    checkCopies(): void {
      const want = takeSnapshot(engine.state);
      const replayed = fresh();
      for (const event of journal) replayed.apply(event);
      assert.equal(takeSnapshot(replayed.state), want);
      const restored = fresh();
      restoreSnapshot(restored.state, want);
      assert.equal(takeSnapshot(restored.state), want);
      for (const copy of [replayed, restored]) {
        assert.deepEqual(copy.state.table.spot.count, engine.state.table.spot.count);
        assert.deepEqual(copy.next(stage.at), engine.next(stage.at), 'it decides the same');
      }
    },
  };
  for (const one of nodes) stage.send({ kind: 'join-node', node: one });
  return stage;
}

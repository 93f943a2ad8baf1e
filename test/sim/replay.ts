import assert from 'node:assert/strict';
import type { TimeMs } from '../../src/base/units.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { restoreSnapshot, takeSnapshot } from '../../src/engine/snapshot.ts';
import type { TenantId } from '../../src/model/ids.ts';
import type { Command, Event } from '../../src/model/messages.ts';

/** What the journal rebuilds is what was there, down to the last character. */
export function checkReplay(
  live: Engine,
  batches: readonly (readonly Event[])[],
  fresh: () => Engine,
): Engine {
  const replayed = fresh();
  for (const event of batches.flat()) replayed.apply(event);
  assert.equal(takeSnapshot(replayed.state), takeSnapshot(live.state), 'the replayed state');
  return replayed;
}

/**
 * The four ways to come to a state have the same future: the engine that lived through it, one that replayed the
 * journal, one restored from a snapshot, and a fork. Only decides with the live one, which stays as it is.
 */
export function checkSameFuture(
  live: Engine,
  batches: readonly (readonly Event[])[],
  fresh: () => Engine,
  at: TimeMs,
): void {
  const replayed = checkReplay(live, batches, fresh);
  const restored = fresh();
  restoreSnapshot(restored.state, takeSnapshot(live.state));
  const was = takeSnapshot(live.state);
  const forked = live.fork();
  assert.equal(takeSnapshot(forked.state), was, 'the forked state');
  const others = { replayed, restored, forked };
  for (const [how, engine] of Object.entries(others)) {
    // Whether renewals are paid yet is known to the loop, and to no journal.
    engine.state.money.paused = live.state.money.paused;
    assert.equal(engine.next(at), undefined, `the ${how} engine has nothing to add`);
    assert.equal(engine.nextTimer(), live.nextTimer(), `the ${how} engine's first timer`);
  }
  const commands = questions(live, at);
  for (const command of commands) {
    const decision = JSON.stringify(live.decide(command));
    assert.equal(JSON.stringify(live.decide(command)), decision, `${command.kind}: twice the same`);
    for (const [how, engine] of Object.entries(others))
      assert.equal(JSON.stringify(engine.decide(command)), decision, `${command.kind}: ${how}`);
  }
  for (const command of commands.slice(0, 6)) {
    const events = pass(replayed, command);
    assert.deepEqual(pass(restored, command), events, `after ${command.kind}: restored`);
    assert.deepEqual(pass(forked, command), events, `after ${command.kind}: forked`);
  }
  const then = takeSnapshot(replayed.state);
  assert.equal(takeSnapshot(restored.state), then, 'and the restored state');
  assert.equal(takeSnapshot(forked.state), then, 'and the forked one');
  assert.equal(takeSnapshot(live.state), was, 'what a fork does changes nothing of the live one');
}

/** One command of each sort that the state gives an occasion for. */
function questions(engine: Engine, at: TimeMs): Command[] {
  const by = 'checker' as TenantId;
  const commands: Command[] = [{ kind: 'tick', at: (at + 3_600_000) as TimeMs }];
  for (const node of engine.state.nodes().slice(0, 2)) {
    commands.push({ kind: 'leave-node', at, node: node.id });
  }
  const [running] = engine.state.runningAttempts();
  if (running !== undefined) {
    const enforced = { driver: 'simulated', cpu: 'none', memory: 'none', pids: 'none' } as const;
    const end = { cause: 'failed', usage: {}, enforced: { ...enforced, notes: [] } } as const;
    commands.push({ kind: 'report-ended', at, attempt: running.id, end });
  }
  const active = [...engine.state.workloads()].find((workload) => workload.state === 'active');
  if (active !== undefined) {
    commands.push({ kind: 'cancel', at, workload: active.id, by });
    commands.push({ kind: 'submit', at, tenant: by, spec: active.spec });
  }
  return commands;
}

function pass(engine: Engine, command: Command): Event[] {
  const events = [...engine.decide(command).events];
  for (const event of events) engine.apply(event);
  for (let e = engine.next(command.at); e !== undefined; e = engine.next(command.at)) {
    engine.apply(e);
    events.push(e);
  }
  return events;
}

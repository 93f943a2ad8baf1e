import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Prng } from '../../src/base/prng.ts';
import { timeMs } from '../../src/base/units.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { takeSnapshot } from '../../src/engine/snapshot.ts';
import type { TenantId } from '../../src/model/ids.ts';
import type { Command, Event } from '../../src/model/messages.ts';
import { drawnSite } from '../builders/drawn-site.ts';
import { endedBy } from '../builders/engine-bench.ts';
import { node, type Site, specOf } from '../builders/site.ts';

const RUNS = 150;
const COMMANDS = 25;

test('a fork of any site has the same text, and does the same under the same commands', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), (seed) => {
      const { engine, now } = settledSite(seed);
      const fork = engine.fork();
      const was = takeSnapshot(engine.state);
      assert.equal(takeSnapshot(fork.state), was);
      const script = draw(fork.fork(), new Prng(seed), now);
      const events = play(fork, script);
      assert.equal(takeSnapshot(engine.state), was, 'the fork is no part of it');
      const then = takeSnapshot(fork.state);
      assert.deepEqual(play(engine, script), events);
      assert.equal(takeSnapshot(engine.state), then);
      assert.equal(takeSnapshot(fork.state), then, 'nor is it a part of the fork');
    }),
    { numRuns: RUNS },
  );
});

test('what a live engine does afterwards does not reach its fork', () => {
  const { engine, now } = settledSite(7);
  const fork = engine.fork();
  const was = takeSnapshot(fork.state);
  assert.ok(play(engine, draw(engine.fork(), new Prng(7), now)).length > COMMANDS);
  assert.notEqual(takeSnapshot(engine.state), was);
  assert.equal(takeSnapshot(fork.state), was);
});

/** Between two passes, as every snapshot is taken. */
function settledSite(seed: number): Site {
  const site = drawnSite(seed);
  site.pass();
  return site;
}

/** Commands that mean something, drawn along a fork that is thrown away. */
function draw(engine: Engine, prng: Prng, from: number): Command[] {
  const commands: Command[] = [];
  let now = from;
  for (let i = 0; i < COMMANDS; i++) {
    now += prng.between(0, 120_000);
    const command = drawOne(engine, prng, now, i);
    commands.push(command);
    play(engine, [command]);
  }
  return commands;
}

function drawOne(engine: Engine, prng: Prng, now: number, i: number): Command {
  const at = timeMs(now);
  const { state } = engine;
  const running = [...state.runningAttempts()];
  const active = [...state.workloads()].filter((workload) => workload.state === 'active');
  const by = 'ada' as TenantId;
  switch (prng.below(5)) {
    case 0:
      return { kind: 'join-node', at, node: node(`m${i}`, { cpu: prng.between(1, 8) * 1000 }) };
    case 1:
      if (active.length > 0) return { kind: 'cancel', at, by, workload: prng.pick(active).id };
      return { kind: 'tick', at };
    case 2:
    case 3: {
      if (running.length === 0) return { kind: 'tick', at };
      const end = endedBy(prng.pick(['succeeded', 'failed', 'oom-killed']));
      return { kind: 'report-ended', at, attempt: prng.pick(running).id, end };
    }
    default: {
      const queue = prng.pick(active)?.spec.queue ?? 'default';
      const spec = specOf({ queue, cpu: prng.between(1, 3), count: prng.between(1, 4) });
      return { kind: 'submit', at, tenant: by, spec };
    }
  }
}

function play(engine: Engine, commands: readonly Command[]): Event[] {
  const events: Event[] = [];
  for (const command of commands) {
    for (const event of engine.decide(command).events) {
      engine.apply(event);
      events.push(event);
    }
    for (let e = engine.next(command.at); e !== undefined; e = engine.next(command.at)) {
      engine.apply(e);
      events.push(e);
    }
  }
  return events;
}

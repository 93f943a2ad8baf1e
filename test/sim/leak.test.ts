import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timeMs } from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { Command, Event } from '../../src/model/messages.ts';
import { PriorityScheduler } from '../../src/scheduling/priority-scheduler.ts';
import { firstFit } from '../../src/scheduling/scorers/first-fit.ts';
import { endedBy } from '../builders/engine-bench.ts';
import { node, step, workload } from '../builders/workload.ts';
import { Books } from './books.ts';
import { compareTable } from './node-book.ts';
import { checkReplay } from './replay.ts';
import { runSeed } from './run-seed.ts';

/** An engine that now and then forgets to give back what a placement held: the same way each time. */
function leaky(...args: ConstructorParameters<typeof Engine>): Engine {
  const engine = new Engine(...args);
  const { table } = engine.state;
  const give = table.give.bind(table);
  let calls = 0;
  table.give = (...held) => {
    calls++;
    if (calls % 3 !== 0) give(...held);
  };
  return engine;
}

/** One node, six jobs, one after the other. */
function history(engine: Engine): Event[][] {
  const batches: Event[][] = [];
  const send = (command: Command): void => {
    const batch = [...engine.decide(command).events];
    for (const event of batch) engine.apply(event);
    for (let e = engine.next(command.at); e !== undefined; e = engine.next(command.at)) {
      engine.apply(e);
      batch.push(e);
    }
    batches.push(batch);
  };
  send({ kind: 'join-node', at: timeMs(0), node: node('n', { cpu: 32_000 }) });
  for (let i = 1; i <= 6; i++) {
    const at = timeMs(i);
    send({ kind: 'submit', at, tenant: 'tester' as never, spec: workload(`w${i}`, step('a')) });
    const [running] = engine.state.runningAttempts();
    send({ kind: 'report-ended', at, attempt: running!.id, end: endedBy('succeeded') });
  }
  return batches;
}

const options = { tasksMax: 100, endedMax: 100 };
const fresh = (): Engine =>
  leaky(options, { scheduler: (deps) => new PriorityScheduler(deps, firstFit) });

function checkBooks(engine: Engine, batches: readonly (readonly Event[])[]): void {
  const books = new Books();
  for (const event of batches.flat()) books.record(event);
  compareTable(books.nodes, engine);
}

test('replaying the journal does not see a leak: it leaks again', () => {
  const engine = fresh();
  checkReplay(engine, history(engine), fresh);
});

test('the second set of books sees it', () => {
  const engine = fresh();
  assert.throws(() => checkBooks(engine, history(engine)), /free CPU of n/);
});

test('the second set of books agrees with the engine as it is', () => {
  const engine = new Engine(options, {
    scheduler: (deps) => new PriorityScheduler(deps, firstFit),
  });
  checkBooks(engine, history(engine));
});

test('a leaky engine fails in the simulation', { timeout: 60_000 }, async () => {
  await assert.rejects(async () => {
    for (let seed = 1; seed <= 20; seed++) await runSeed(seed, { engine: leaky });
  }, /free (CPU|memory) of n\d+/);
});

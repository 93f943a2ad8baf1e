import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { findCascades } from '../../src/analysis/cascades.ts';
import { FailureLedger } from '../../src/analysis/failure-ledger.ts';
import { type Incident, incidentsOf } from '../../src/analysis/incidents.ts';
import { ObjectiveBook } from '../../src/analysis/objectives.ts';
import { OperationsLedger } from '../../src/analysis/operations-ledger.ts';
import { slowerWork } from '../../src/analysis/slower-work.ts';
import { StepDurations } from '../../src/analysis/step-durations.ts';
import { type BasisPoints, spanMs, timeMs } from '../../src/base/units.ts';
import type { DrillTerms } from '../../src/model/drill.ts';
import type { Event } from '../../src/model/messages.ts';
import type { Refusal } from '../../src/model/refusal.ts';
import { type PlayedDrill, runDrill } from '../../src/simulation/drills/run-drill.ts';
import type { Observer } from '../../src/simulation/observer.ts';
import { parseDrill } from '../../src/spec/drill-document.ts';
import { ArrayHistory } from '../builders/metric-history.ts';
import { noise } from '../builders/series.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function drillOf(name: string): DrillTerms {
  const parsed = parseDrill(readFileSync(`examples/drills/${name}.yaml`, 'utf8'));
  assert.ok(parsed.ok, JSON.stringify(!parsed.ok && parsed.issues));
  return parsed.drill;
}

function play(
  drill: DrillTerms,
  variant: string,
  seed = 1,
  observers: Observer[] = [],
): PlayedDrill {
  const found = drill.variants.find(({ name }) => name === variant)!;
  const played = runDrill(drill, { variant: found, seed, observers });
  if ('why' in played) assert.fail(played.why);
  return played;
}

/** The largest of what analysis finds in the record of a drill, with what a site would have measured. */
function largestIncident({ events, measured }: PlayedDrill): Incident {
  const ledger = new FailureLedger();
  for (const event of events) ledger.read(event);
  const found = [...incidentsOf(ledger, { measured })];
  return found.sort((a, b) => b.failures - a.failures)[0]!;
}

const largestFinding = (played: PlayedDrill) => {
  const { id } = largestIncident(played);
  return findCascades(played.events, { measured: played.measured }).find(
    (finding) => finding.id === `cascade/${id}`,
  )!;
};

test('every drill of the folder is one that this file plays', () => {
  const names = globSync('examples/drills/*.yaml').map((file) => basename(file, '.yaml'));
  assert.deepEqual(names.sort(), [
    'broken-promise',
    'overload-cascade',
    'rack-power',
    'slow-month',
    'steady-exhaustion',
  ]);
  for (const name of names) assert.equal(drillOf(name).name, name);
});

const cascade = drillOf('overload-cascade');
const seeds = [1, 2, 3, 4];
const uncured = seeds.map((seed) => play(cascade, 'none', seed));

test('scenario 1: one node goes, and within minutes more than fifty are gone; it is told for what it is', () => {
  for (const [i, played] of uncured.entries()) {
    const seed = seeds[i];
    const incident = largestIncident(played);
    assert.equal(played.outcome.nodesLost, 60, `seed ${seed}`);
    // Whoever is killed ends before its node goes: n3 alone took its task along.
    assert.deepEqual(incident.nodesLost, ['n3']);
    assert.ok(incident.failures > 50);
    assert.ok(incident.to - incident.from < 12 * MINUTE, `seed ${seed}`);
    assert.equal(incident.class, 'exponential');
    assert.equal(incident.memory.verdict, 'yes');
    assert.ok(incident.memory.retransmitRatio! > 0.05 && incident.memory.pressureRatio! > 0.8);
    const finding = largestFinding(played);
    assert.equal(finding.kind, 'memory-pressure-cascade');
    assert.deepEqual(
      finding.remedies.map(({ title }) => title.split(':')[0]),
      ['Hold tasks to the memory that they need', 'Circuit breaker', 'Backpressure', 'Bulkhead'],
    );
  }
});

test('scenario 1: without a loss the same load is carried for as long as it comes', () => {
  const { planned: _, ...failures } = cascade.world.failures!;
  const quiet = { ...cascade, world: { ...cascade.world, failures: { ...failures, planned: [] } } };
  for (const seed of seeds) {
    const { outcome } = play(quiet, 'none', seed);
    assert.equal(outcome.nodesLost, 0);
    assert.ok(outcome.requests!.after > 0.99, `seed ${seed}: ${outcome.requests!.after}`);
  }
});

/** Of 60 workers; goodput after the loss at least, in the worst minute at least; blast radius at most. */
const cures: Record<
  string,
  { killed: [number, number]; good: number; worst: number; blast: number }
> = {
  breaker: { killed: [0, 0], good: 0.95, worst: 0.8, blast: 0 },
  backpressure: { killed: [0, 0], good: 0.985, worst: 0.97, blast: 0 },
  // It saves those on the other side of the wall, and nobody on this one.
  bulkhead: { killed: [19, 19], good: 0.65, worst: 0.63, blast: 0.34 },
};
for (const [cure, { killed, good, worst, blast }] of Object.entries(cures)) {
  test(`scenario 1: what ${cure} is worth`, () => {
    for (const [i, seed] of seeds.entries()) {
      const without = uncured[i]!.outcome.requests!;
      const { requests } = play(cascade, cure, seed).outcome;
      const { after, worstMinute, blastRadius, workersKilled, before } = requests!;
      assert.ok(before > 0.99 && without.before > 0.99);
      assert.ok(without.after < 0.5 && without.worstMinute === 0 && without.blastRadius === 1);
      assert.ok(
        workersKilled >= killed[0] && workersKilled <= killed[1],
        `${seed}: ${workersKilled}`,
      );
      assert.ok(after >= good, `seed ${seed}: good ${after}`);
      assert.ok(worstMinute >= worst, `seed ${seed}: worst minute ${worstMinute}`);
      assert.ok(blastRadius <= blast, `seed ${seed}: blast radius ${blastRadius}`);
      assert.ok(requests!.amplification < without.amplification);
    }
  });
}

test('every request ends once: answered, failed, refused, or still under way', () => {
  for (const variant of cascade.variants) {
    // What comes last is under way at most for all tries and all waits between them.
    const { requests } = cascade.world;
    const open = requests!.rate * ((requests!.timeoutMs + requests!.backoffMs + 1000) * 3) * 1e-3;
    let seen = { requests: 0, ended: 0 };
    const played = play(cascade, variant.name, 2);
    for (const second of played.seconds!) {
      seen = {
        requests: seen.requests + second.requests,
        ended: seen.ended + second.good + second.failed + second.refused,
      };
      assert.ok(seen.ended <= seen.requests, `${variant.name}: none ends twice`);
    }
    assert.ok(seen.requests - seen.ended <= open, `${variant.name}: ${seen.requests - seen.ended}`);
    assert.ok(seen.requests > 1_000_000);
  }
});

test('a drill with the same seed is the same, and with another one is not', () => {
  const text = (seed: number) => JSON.stringify(play(cascade, 'none', seed).events);
  assert.equal(text(3), JSON.stringify(uncured[2]!.events));
  assert.notEqual(text(3), JSON.stringify(uncured[3]!.events));
});

test('a feed that fails takes its rack, and analysis names the rack', () => {
  const drill = drillOf('rack-power');
  for (const seed of seeds) {
    const played = play(drill, 'as it is', seed);
    const incident = largestIncident(played);
    assert.deepEqual(
      [incident.class, incident.parent?.kind, incident.parent?.name],
      ['clustered', 'rack', 'n-r4'],
    );
    assert.match(largestFinding(played).remedies[0]!.title, /^Take rack n-r4 out of use/);
    // All of them go on elsewhere, and end within the six hours.
    assert.equal(played.outcome.succeeded, 160);
  }
});

test('what runs out everywhere at one pace is no cascade, and is told as such', () => {
  const drill = drillOf('steady-exhaustion');
  let right = 0;
  const many = Array.from({ length: 20 }, (_, i) => i + 1);
  for (const seed of many) {
    const played = play(drill, 'as it is', seed);
    const incident = largestIncident(played);
    assert.notEqual(incident.class, 'clustered', `seed ${seed}: nothing is shared`);
    if (incident.class === 'linear') right++;
  }
  assert.ok(right >= 0.9 * many.length, `${right} of ${many.length}`);
});

/** A modelled attempt works from the moment it is placed: the journal of a real site says so itself. */
function* started(events: readonly Event[]): Iterable<Event> {
  for (const event of events) {
    yield event;
    if (event.kind !== 'task-placed') continue;
    yield { kind: 'task-started', at: event.at, attempt: event.attempt, pid: 1 };
  }
}

test('scenario 2: a month in which work loses two fifths of its pace is a slow drift, with its layer', () => {
  const drill = drillOf('slow-month');
  const { events, outcome } = play(drill, 'as it is');
  assert.equal(outcome.succeeded, 1080);
  const durations = new StepDurations();
  for (const event of started(events)) durations.read(event);
  const from = events[0]!.at;
  const window = { from, to: timeMs(from + drill.forMs) };
  const [slow] = drill.world.slowdowns!;
  // What a site would have measured: GPUs as busy as ever, and as much hotter as they are slower.
  const hours = Array.from({ length: drill.forMs / HOUR }, (_, i) => from + i * HOUR);
  const [busy, heat] = [noise(5, hours.length), noise(6, hours.length)];
  const gpu = { gpu: 'g0-gpu0', index: '0' };
  const history = (warmer: number): ArrayHistory =>
    new ArrayHistory([
      {
        name: 'berth_gpu_busy_ratio',
        labels: gpu,
        at: hours,
        values: hours.map((_, i) => 0.6 + 0.05 * busy[i]!),
      },
      {
        name: 'berth_gpu_temperature_celsius',
        labels: gpu,
        at: hours,
        values: hours.map((at, i) => {
          const gone = Math.min(1, Math.max(0, (at - from - slow!.afterMs) / slow!.overMs));
          return 62 + 1.5 * heat[i]! + warmer * gone;
        }),
      },
    ]);
  const [hot] = slowerWork(history(22), durations, window);
  assert.equal(hot?.kind, 'slow-drift');
  const [, higher] = /is (\d+)(?:\.\d+)? ?% higher, little by little since 2026-01-(\d+)/.exec(
    hot.sentence,
  )!;
  // A pace of 0.6 at the very end is 67 % more time; the drift is told as of the last of the month.
  assert.ok(Number(higher) >= 45 && Number(higher) <= 70, hot.sentence);
  assert.match(hot.sentence, /thermal|temperature/i);
  const [cool] = slowerWork(history(0), durations, window);
  assert.equal(cool?.kind, 'slow-drift');
  assert.doesNotMatch(cool.sentence, /thermal|temperature/i);
});

test('scenario 2: a month in which nothing gets slower is found quiet', () => {
  const drill = drillOf('slow-month');
  const { events } = play({ ...drill, world: {} }, 'as it is');
  const durations = new StepDurations();
  for (const event of started(events)) durations.read(event);
  const from = events[0]!.at;
  const found = slowerWork(new ArrayHistory([]), durations, {
    from,
    to: timeMs(from + drill.forMs),
  });
  assert.deepEqual(found, []);
});

/** The promise of half an hour, over what happened until `at`. */
function promiseOf(events: readonly Event[], at: number, waitingSince?: number) {
  const book = new ObjectiveBook([
    {
      name: 'large starts within half an hour',
      target: 9_900 as BasisPoints,
      periodMs: spanMs(30 * DAY),
      indicator: { kind: 'waiting', belowMs: spanMs(30 * MINUTE) },
      only: { workload: 'large' },
    },
  ]);
  const ledger = new OperationsLedger({ from: 0, tell: (occurrence) => book.add(occurrence) });
  for (const event of events) if (event.at <= at) ledger.read(event);
  const whose = { name: 'large', tenant: 'ada', queue: 'default' };
  const waiting =
    waitingSince === undefined
      ? []
      : [{ whose, step: 'large', since: waitingSince, isHandoff: false }];
  return book.states(at, waiting)[0]!;
}

test('scenario 3: left alone the promise is broken, and says why; by preemption eleven stop, not sixteen', () => {
  const drill = drillOf('broken-promise');
  const begin = Date.parse('2026-01-01T00:00:00Z');
  const asked = begin + 5 * HOUR;
  let refusal: Refusal | undefined;
  const look: Observer = {
    settled: (at, engine) => {
      if (at < asked) return;
      for (const workload of engine.state.workloads()) {
        const [task] = workload.steps[0]!.tasks;
        if (workload.spec.name === 'large' && task?.state === 'waiting') {
          refusal ??= engine.state.scheduler.refusal(task);
        }
      }
    },
  };
  const waits = play(drill, 'waits', 1, [look]);
  const [waited] = waits.outcome.waits['large']!;
  // The eleventh of the twenty, which began at minute 10, ends after a day and what its checkpoints cost.
  assert.equal(waited, 10 * MINUTE + (DAY * 605) / 600 - 5 * HOUR);
  assert.ok(refusal?.code === 'gang-no-room');
  assert.deepEqual(
    [refusal.needed, refusal.room],
    [16, 5],
    'the twenty free GPUs are five of sixteen',
  );
  const atOnce = promiseOf(waits.events, asked + 31 * MINUTE, asked);
  assert.ok(atOnce.windows[0]!.fires && atOnce.windows[0]!.severity === 'critical');
  const after = promiseOf(waits.events, asked + 2 * HOUR, asked);
  assert.ok(after.counts.bad > 0 && after.windows.some(({ fires }) => fires), 'and it burns on');

  const preempts = play(drill, 'preempts');
  const stops = preempts.events.filter((event) => event.kind === 'preemption-ordered');
  assert.equal(stops.length, 1, 'one decision, in the journal');
  assert.equal(stops[0]!.preemption.victims.length, 11);
  const [soon] = preempts.outcome.waits['large']!;
  assert.ok(soon! <= 10_000, 'as soon as they have stopped');
  const kept = promiseOf(preempts.events, asked + 2 * HOUR);
  assert.deepEqual([kept.counts.good, kept.counts.bad], [16, 0]);
  assert.deepEqual(preempts.outcome.ends, { preempted: 11 });
  assert.equal(preempts.outcome.succeeded, 36, 'and all are done in the end');
});

test('scenario 3: what preemption costs is the work since the last checkpoint, and the restart', () => {
  const drill = drillOf('broken-promise');
  const { events } = play(drill, 'preempts');
  const held = new Map<string, number>();
  const placed = new Map<string, number>();
  const again = new Set<string>();
  for (const event of events) {
    if (event.kind === 'task-placed') placed.set(event.attempt, event.at);
    if (event.kind !== 'task-ended') continue;
    const [workload] = event.attempt.split('.');
    const task = event.attempt.slice(0, event.attempt.lastIndexOf('.'));
    if (!/small/.test(event.attempt)) continue;
    if (event.end.cause === 'preempted') again.add(task);
    held.set(task, (held.get(task) ?? 0) + event.at - placed.get(event.attempt)!);
    assert.ok(workload);
  }
  assert.equal(again.size, 11);
  const work = DAY * (1 + 5 / 600);
  for (const [task, ms] of held) {
    const lost = ms - work;
    if (!again.has(task)) assert.ok(Math.abs(lost) < 5, `${task}: undisturbed, ${lost}`);
    // At most ten minutes of work at their pace, the time to stop, and two minutes to read them.
    else
      assert.ok(
        lost > 2 * MINUTE && lost <= 10 * MINUTE * (605 / 600) + 130_000 + 10_000,
        `${lost}`,
      );
  }
});

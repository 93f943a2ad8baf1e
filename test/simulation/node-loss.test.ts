import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import {
  type BasisPoints,
  type SpanMs,
  spanMs,
  type TimeMs,
  timeMs,
} from '../../src/base/units.ts';
import { takeSnapshot } from '../../src/engine/snapshot.ts';
import { noConstraints } from '../../src/model/constraints.ts';
import type { NodeId } from '../../src/model/ids.ts';
import type { WorkloadSpec } from '../../src/model/workload.ts';
import { type NodeLossDrill, nodeLossDrill } from '../../src/simulation/drills/node-loss.ts';
import { estimatesNamed } from '../../src/simulation/estimates.ts';
import type { SiteModel } from '../../src/simulation/site-model.ts';
import { service } from '../builders/service.ts';
import { engineNamed, job, machine, playTrace } from '../builders/simulation.ts';
import { config, node, queueConfig, Site } from '../builders/site.ts';
import { GIB, resources, step, workload } from '../builders/workload.ts';

const retry = (maxRetries: number) => ({
  ...step('s').retry,
  maxRetries,
  backoffMs: spanMs(1_000),
  backoffFactor: 10_000 as BasisPoints,
});
const site = (...ids: string[]): Site =>
  new Site(
    config([queueConfig('default')]),
    ...ids.map((id) => node(id, { cpu: 4_000, memory: 16 * GIB })),
  );
const task = (cpu: number, seconds: number, changes: Parameters<typeof step>[1] = {}) =>
  step('s', {
    request: resources({ cpu: cpu * 1000, memory: GIB }),
    estimateMs: spanMs(seconds * 1000),
    retry: retry(3),
    ...changes,
  });
const submit = (on: Site, spec: WorkloadSpec): void => assert.equal(on.submitSpec(spec), undefined);

function drill(on: Site, lost = 'n1'): NodeLossDrill {
  const before = takeSnapshot(on.engine.state);
  const found = nodeLossDrill(on.engine, lost as NodeId, on.at);
  assert.equal(takeSnapshot(on.engine.state), before, 'the live engine is as it was');
  assert.ok(found !== undefined);
  return found;
}

/** `name again-at-second on node`, or why not. */
const fates = ({ lost }: NodeLossDrill): string[] =>
  lost.map(({ name, again, why }) => {
    if (again !== undefined) return `${name} at ${again.at / 1000} on ${again.node}`;
    return `${name} never: ${typeof why === 'string' ? why : why?.code}`;
  });

test('a node is lost: where there is room, its tasks start again after their backoff', () => {
  const on = site('n1', 'n2');
  submit(on, workload('a', task(2, 100)));
  submit(on, workload('b', task(2, 100)));
  on.pass();
  on.now = 30_000;
  const found = drill(on);
  assert.deepEqual(fates(found), ['a at 31 on n2', 'b at 31 on n2']);
  assert.deepEqual(
    found.lost.map(({ redoneMs }) => redoneMs),
    [30_000, 30_000],
  );
  assert.equal(found.recoveredAt, 31_000);
  assert.deepEqual([found.delayed, found.deadlinesMissed, found.services], [[], [], []]);
});

test('a node is lost: where there is none they wait for those that run, and others wait for them', () => {
  const on = site('n1', 'n2');
  const stops = {
    preemptible: true,
    checkpointMs: 20_000 as SpanMs,
    restartMs: 0 as SpanMs,
    minRunMs: 0 as SpanMs,
  };
  submit(on, workload('first', task(4, 100, { stops })));
  submit(on, workload('second', task(4, 60)));
  on.pass();
  on.now = 50_000;
  const late = { ...workload('third', task(4, 10)), deadlineAt: timeMs(80_000) };
  submit(on, late);
  submit(on, { ...workload('fourth', task(4, 10)), deadlineAt: timeMs(75_000) });
  on.pass();
  const found = drill(on);
  // Whoever was there before comes first: at 60, when the second ends; the third waits for it, too.
  assert.deepEqual(fates(found), ['first at 60 on n2']);
  assert.equal(found.lost[0]!.redoneMs, 10_000, 'since its checkpoint at 40');
  assert.equal(found.recoveredAt, 60_000);
  const later = (told: NodeLossDrill) =>
    told.delayed.map(({ name, startMs, endMs }) => [name, startMs, endMs]);
  const both = [
    ['third', 100_000, 100_000],
    ['fourth', 100_000, 100_000],
  ];
  assert.deepEqual(later(found), both);
  assert.deepEqual(found.deadlinesMissed, ['3'], 'the fourth would be late anyway');
  const other = drill(on, 'n2');
  assert.deepEqual(fates(other), ['second at 100 on n1']);
  assert.equal(other.lost[0]!.redoneMs, 50_000);
  assert.deepEqual(later(other), both);
});

test('a node is lost: who has no retry left, and who fits nowhere else, never starts again', () => {
  const on = site('n2');
  on.join({ ...node('n1', { cpu: 4_000, memory: 16 * GIB }), labels: { disk: 'fast' } });
  const constraints = {
    ...noConstraints,
    labels: [{ key: 'disk', operator: 'in' as const, values: ['fast'] }],
  };
  submit(on, workload('tied', task(1, 100, { constraints })));
  submit(on, workload('frail', task(3, 100, { constraints, retry: retry(0) })));
  on.pass();
  const found = drill(on);
  assert.deepEqual(fates(found).sort(), ['frail never: no-retry', 'tied never: constraints']);
  assert.equal(found.recoveredAt, undefined);
});

test('a node is lost: a service is short of replicas until they are back', () => {
  const on = site('n1', 'n2');
  submit(on, service(3));
  on.pass();
  on.now = 10_000;
  const found = drill(on);
  const [short] = found.services;
  assert.deepEqual(
    [short?.name, short?.replicasLost, short?.replicasLeft],
    ['web', found.lost.length, 3 - found.lost.length],
  );
  assert.ok(found.lost.length > 0 && found.recoveredAt !== undefined);
  assert.equal(short?.shortMs, found.recoveredAt - 10_000);
});

test('a node that is not there is no drill', () => {
  const on = site('n1');
  assert.equal(nodeLossDrill(on.engine, 'other' as NodeId, on.at), undefined);
  assert.deepEqual(drill(on).lost, []);
});

test('what a drill foretells is what happens, where run times are as they were said', () => {
  for (let seed = 1; seed <= 30; seed++) {
    const prng = new Prng(seed);
    const jobs = Array.from({ length: prng.between(5, 30) }, (_, i) =>
      job(`j${i}`, prng.between(0, 300), prng.between(20, 400), {
        cpu: prng.between(1, 4),
        tenant: prng.pick(['ada', 'ben']),
        step: { retry: retry(5), count: prng.between(1, 2) },
      }),
    ).sort((a, b) => a.at - b.at);
    const nodes = ['n1', 'n2', 'n3'].map((id) => machine(4, id));
    // After the last arrival, at a moment at which nothing else happens.
    const at = (301_001 + prng.below(100) * 1_000) as TimeMs;
    let told: NodeLossDrill | undefined;
    const loses: SiteModel = {
      begin: (modelled) => {
        modelled.at(at, () => {
          told = nodeLossDrill(modelled.engine, 'n2' as NodeId, at);
          modelled.send({ kind: 'leave-node', at, node: 'n2' as NodeId });
        });
      },
    };
    const { events } = playTrace({
      jobs,
      nodes,
      engine: engineNamed('easy'),
      estimates: estimatesNamed.exact(),
      models: [loses],
    });
    const ended = new Map(
      events.flatMap((event) =>
        event.kind === 'workload-ended' ? [[event.workload, event.at] as const] : [],
      ),
    );
    assert.ok(told !== undefined);
    for (const { task: id, again } of told.lost) {
      const next = events.find(
        (event) =>
          event.kind === 'task-placed' && event.attempt.startsWith(`${id}.`) && event.at > at,
      );
      assert.ok(next?.kind === 'task-placed');
      assert.deepEqual(again, { at: next.at, node: next.placement.node }, `seed ${seed}: ${id}`);
    }
    assert.ok(ended.size === jobs.length, `seed ${seed}`);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spanMs, timeMs } from '../../src/base/units.ts';
import type { AttemptRecord } from '../../src/engine/records.ts';
import type { NodeId } from '../../src/model/ids.ts';
import type { ModelledSite, SiteModel } from '../../src/simulation/site-model.ts';
import { service } from '../builders/service.ts';
import { engineNamed, job, machine, type PlayOptions, playTrace } from '../builders/simulation.ts';
import { GIB, node, resources, step, workload } from '../builders/workload.ts';

const retrying = { maxRetries: 2, backoffMs: spanMs(5_000), backoffMaxMs: spanMs(60_000) };
const retry = { ...step('s').retry, ...retrying };

/** Acts at some seconds. */
const acts = (
  plan: Readonly<Record<number, (site: ModelledSite) => void>>,
  rest: Omit<SiteModel, 'begin'> = {},
): SiteModel => ({
  ...rest,
  begin(site) {
    for (const [at, act] of Object.entries(plan)) {
      site.at(timeMs(Number(at) * 1000), () => act(site));
    }
  },
});

const running = (site: ModelledSite): AttemptRecord[] => [...site.engine.state.runningAttempts()];

/** Pace by second, of all alike. */
const pacing = (paces: Readonly<Record<number, number>>): SiteModel => {
  let pace = 1;
  const plan = Object.entries(paces).map(([at, next]) => {
    const change = (site: ModelledSite): void => {
      pace = next;
      site.paceChanged(running(site));
    };
    return [at, change] as const;
  });
  return acts(Object.fromEntries(plan), { pace: () => pace });
};

const four = [
  job('a', 0, 10, { cpu: 2 }),
  job('b', 1, 10, { cpu: 4 }),
  job('c', 2, 8, { cpu: 2 }),
  job('d', 3, 9, { cpu: 2 }),
];

const tables: Record<string, { options: PlayOptions; want: readonly string[] }> = {
  'first come, first served: nobody overtakes': {
    options: { jobs: four },
    want: [
      '0 a on m',
      '10 a succeeded',
      '10 b on m',
      '20 b succeeded',
      '20 c on m',
      '20 d on m',
      '28 c succeeded',
      '29 d succeeded',
    ],
  },
  'EASY: who ends before the head can start goes before it, and no other': {
    options: { jobs: four, engine: engineNamed('easy') },
    want: [
      '0 a on m',
      '2 c on m',
      '10 a succeeded',
      '10 c succeeded',
      '10 b on m',
      '20 b succeeded',
      '20 d on m',
      '29 d succeeded',
    ],
  },
  'EASY in a fair order: who used less is the head, and who ends before the next can start goes on':
    {
      options: {
        jobs: [
          job('a', 0, 10, { cpu: 4 }),
          job('a2', 1, 5, { cpu: 4 }),
          job('a3', 2, 4, { cpu: 2 }),
          job('b', 3, 6, { cpu: 2, tenant: 'bob' }),
        ],
        engine: engineNamed('fair-share+easy'),
      },
      want: [
        '0 a on m',
        '10 a succeeded',
        '10 b on m',
        '10 a3 on m',
        '14 a3 succeeded',
        '16 b succeeded',
        '16 a2 on m',
        '21 a2 succeeded',
      ],
    },
  'conservative backfill plans in a fair order, too': {
    options: {
      jobs: [
        job('a', 0, 10, { cpu: 4 }),
        job('a2', 1, 5, { cpu: 4 }),
        job('a3', 2, 7, { cpu: 2 }),
        job('b', 3, 6, { cpu: 2, tenant: 'bob' }),
      ],
      engine: engineNamed('fair-share+conservative'),
    },
    want: [
      '0 a on m',
      '10 a succeeded',
      '10 b on m',
      '16 b succeeded',
      '16 a2 on m',
      '21 a2 succeeded',
      '21 a3 on m',
      '28 a3 succeeded',
    ],
  },
  'the shortest first, and behind it who ends before it can start': {
    options: {
      jobs: [
        job('a', 0, 10, { cpu: 3 }),
        job('b', 1, 9, { cpu: 2 }),
        job('c', 2, 4, { cpu: 2 }),
        job('d', 3, 7, { cpu: 1 }),
      ],
      engine: engineNamed('sjf+easy'),
    },
    want: [
      '0 a on m',
      '3 d on m',
      '10 a succeeded',
      '10 d succeeded',
      '10 c on m',
      '10 b on m',
      '14 c succeeded',
      '19 b succeeded',
    ],
  },
  'ends of an instant come before arrivals, and one pass looks at both': {
    options: { jobs: [job('a', 0, 5, { cpu: 4 }), job('b', 5, 5, { cpu: 4 })] },
    want: ['0 a on m', '5 a succeeded', '5 b on m', '10 b succeeded'],
  },
  'what takes no time ends at the instant at which it starts': {
    options: { jobs: [job('a', 1, 0, { cpu: 4 }), job('b', 1, 2, { cpu: 4 })] },
    want: ['1 a on m', '1 a succeeded', '1 b on m', '3 b succeeded'],
  },
  'who asks for more than there is is refused, and the others go on': {
    options: { jobs: [job('a', 0, 5, { cpu: 5 }), job('b', 2, 5)] },
    want: ['0 a refused: never-fits', '2 b on m', '7 b succeeded'],
  },
  'a failure is tried again after its backoff, and the truth of an attempt is its own': {
    options: {
      jobs: [
        job('a', 0, 10, {
          step: { retry },
          truth: ({ attempt }) => ({
            runMs: spanMs(attempt * 1000),
            outcome: attempt < 3 ? 'failed' : 'succeeded',
          }),
        }),
      ],
    },
    want: [
      '0 a on m',
      '1 a failed',
      '6 a#2 on m',
      '8 a#2 failed',
      '18 a#3 on m',
      '21 a#3 succeeded',
    ],
  },
  'a time limit ends what runs longer': {
    options: {
      jobs: [job('a', 0, 10, { step: { limits: { ...step('s').limits, wallMs: spanMs(4_000) } } })],
    },
    want: ['0 a on m', '4 a timed-out'],
  },
  'at half its pace from the third second on, six seconds of work take three more': {
    options: { jobs: [job('a', 0, 6)], models: [pacing({ 3: 0.5 })] },
    want: ['0 a on m', '9 a succeeded'],
  },
  'at no pace it gets no further, and goes on where it was': {
    options: { jobs: [job('a', 0, 6)], models: [pacing({ 2: 0, 12: 1 })] },
    want: ['0 a on m', '16 a succeeded'],
  },
  'paces of two models multiply, and times before the work add up': {
    options: {
      jobs: [job('a', 0, 6)],
      models: [
        { pace: () => 0.5, startupMs: () => spanMs(3_000) },
        { pace: () => 0.5, startupMs: () => spanMs(1_000) },
      ],
    },
    want: ['0 a on m', '28 a succeeded'],
  },
  'an attempt that was killed is tried again, and need not do again what was saved': {
    options: {
      jobs: [job('a', 0, 10, { step: { retry } })],
      models: [
        acts(
          { 7: (site) => site.kill(running(site)[0]!, 'lost') },
          { savedMs: (_, workedMs) => spanMs(Math.floor(workedMs / 5_000) * 5_000) },
        ),
      ],
    },
    want: ['0 a on m', '7 a lost', '12 a#2 on m', '17 a#2 succeeded'],
  },
  'without a model that saves anything it begins anew': {
    options: {
      jobs: [job('a', 0, 10, { step: { retry } })],
      models: [acts({ 7: (site) => site.kill(running(site)[0]!, 'failed') })],
    },
    want: ['0 a on m', '7 a failed', '12 a#2 on m', '22 a#2 succeeded'],
  },
  'a node that leaves takes its tasks along, and they start elsewhere': {
    options: {
      jobs: [job('a', 0, 10, { cpu: 4, step: { retry } }), job('b', 0, 20, { cpu: 4 })],
      nodes: [machine(4, 'm'), machine(4, 'n')],
      models: [
        acts({
          3: (site) => site.send({ kind: 'leave-node', at: site.now, node: 'm' as NodeId }),
        }),
      ],
    },
    want: ['0 a on m', '0 b on n', '3 a lost', '20 b succeeded', '20 a#2 on n', '30 a#2 succeeded'],
  },
  'a cancelled task ends after its grace': {
    options: {
      jobs: [job('a', 0, 60)],
      models: [
        acts({
          5: (site) => {
            const { workload } = running(site)[0]!.task.step;
            site.send({ kind: 'cancel', at: site.now, workload: workload.id, by: workload.tenant });
          },
        }),
      ],
    },
    want: ['0 a on m', '5 a told to stop', '15 a cancelled'],
  },
  'within its grace it may end by itself': {
    options: {
      jobs: [job('a', 0, 12)],
      models: [
        acts({
          5: (site) => {
            const { workload } = running(site)[0]!.task.step;
            site.send({ kind: 'cancel', at: site.now, workload: workload.id, by: workload.tenant });
          },
        }),
      ],
    },
    want: ['0 a on m', '5 a told to stop', '12 a succeeded'],
  },
  'what is paused stands still': {
    options: {
      jobs: [job('a', 0, 6)],
      models: [
        acts({
          2: (site) => {
            const { workload } = running(site)[0]!.task.step;
            site.send({ kind: 'pause', at: site.now, workload: workload.id, by: workload.tenant });
          },
          5: (site) => {
            const { workload } = running(site)[0]!.task.step;
            site.send({
              kind: 'unpause',
              at: site.now,
              workload: workload.id,
              by: workload.tenant,
            });
          },
        }),
      ],
    },
    want: ['0 a on m', '9 a succeeded'],
  },
  'a service lives as long as the trace says, drains and ends; a replica that is killed starts again':
    {
      options: {
        jobs: [job('w', 0, 60, { spec: service(2) })],
        models: [acts({ 10: (site) => site.kill(running(site)[0]!, 'failed') })],
      },
      want: [
        '0 w.web on m',
        '0 w.web on m',
        '10 w.web failed',
        '11 w.web#2 on m',
        '65 w.web#2 told to stop',
        '65 w.web told to stop',
        '75 w.web cancelled',
        '75 w.web#2 cancelled',
      ],
    },
  'a lease is renewed while its holder has it, and while it waits for it': {
    options: {
      jobs: [
        job('a', 0, 50, { cpu: 4 }),
        job('l', 1, 30, {
          spec: {
            ...workload('l', step('s', { run: { kind: 'held', ttlMs: spanMs(8_000) } })),
            kind: 'lease',
          },
        }),
      ],
    },
    want: ['0 a on m', '50 a succeeded', '50 l on m', '80 l succeeded'],
  },
  'a pipeline opens its steps one after the other': {
    options: {
      jobs: [job('p', 0, 4, { spec: workload('p', step('x'), step('y', { needs: ['x'] })) })],
    },
    want: ['0 p.x on m', '4 p.x succeeded', '4 p.y on m', '8 p.y succeeded'],
  },
};

for (const [sentence, { options, want }] of Object.entries(tables)) {
  test(sentence, () => {
    const { lines, end } = playTrace(options);
    assert.deepEqual(lines, want);
    assert.equal(end.unended, 0);
  });
}

test('DRF: 9 CPUs and 18 GB give three tasks of 1 CPU and 4 GB, and two of 3 CPUs and 1 GB (Ghodsi 2011)', () => {
  const asks = (tenant: string, cpu: number, gib: number) =>
    Array.from({ length: 9 }, (_, i) => {
      const request = resources({ cpu: cpu * 1000, memory: gib * GIB });
      return job(`${tenant}${i}`, 0, 100, { tenant, step: { request } });
    });
  const { lines } = playTrace({
    jobs: [...asks('b', 3, 1), ...asks('a', 1, 4)],
    nodes: [node('m', { cpu: 9_000, memory: 18 * GIB })],
    engine: engineNamed('drf'),
    until: timeMs(0),
  });
  assert.deepEqual(lines.map((line) => line[2]).toSorted(), ['a', 'a', 'a', 'b', 'b']);
});

test('nothing happens after `until`', () => {
  const jobs = [job('a', 0, 4), job('b', 4, 4), job('c', 9, 1)];
  const { lines, end } = playTrace({ jobs, until: timeMs(4_000) });
  assert.deepEqual(lines, ['0 a on m', '4 a succeeded', '4 b on m']);
  const { at, jobs: accepted, refused, unended, reachedUntil } = end;
  const want = { at: 4_000, accepted: 2, refused: 0, unended: 1, reachedUntil: true };
  assert.deepEqual({ at, accepted, refused, unended, reachedUntil }, want);
  assert.equal(playTrace({ jobs, until: timeMs(10_000) }).end.reachedUntil, false);
});

test('the trace is read as time goes on, not before', () => {
  let read = 0;
  const jobs = {
    *[Symbol.iterator]() {
      for (; read < 100; read++) yield job(`j${read}`, read * 10, 5);
    },
  };
  const ahead: number[] = [];
  const trace = { name: 't', format: 't', jobs, count: 100, skipped: [] };
  const settled = (at: number): void => {
    ahead.push(read - Math.floor(at / 10_000));
  };
  playTrace({ jobs: [], trace, observers: [{ settled }] } as PlayOptions);
  assert.equal(Math.max(...ahead), 1);
});

test('the engine is told the estimates, and they learn how long each one took', () => {
  const learnt: [string, number][] = [];
  const told: (number | undefined)[] = [];
  const { events } = playTrace({
    jobs: [job('a', 0, 6, { said: 60 }), job('b', 1, 2)],
    estimates: {
      estimateMs: ({ id }) => (id === 'a' ? spanMs(7_000) : undefined),
      learn: ({ id }, tookMs) => learnt.push([id, tookMs]),
    },
  });
  for (const event of events) {
    if (event.kind === 'workload-submitted') told.push(event.spec.steps[0]!.estimateMs);
  }
  assert.deepEqual(told, [7_000, undefined]);
  assert.deepEqual(learnt, [
    ['b', 2_000],
    ['a', 6_000],
  ]);
});

test('who can never start does not keep a simulation from ending', () => {
  const leaves = acts({
    1: (site) => site.send({ kind: 'leave-node', at: site.now, node: 'm' as NodeId }),
  });
  const ticking: SiteModel = {
    begin(site) {
      const tick = (): void => site.at(timeMs(site.now + 1_000), tick);
      tick();
    },
  };
  const { end } = playTrace({ jobs: [job('a', 2, 1)], models: [leaves, ticking] });
  assert.equal(end.unended, 1);
  assert.equal(end.reachedUntil, false);
});

test('a model sees the nodes when it begins, hears of them afterwards, and what it sends waits for the engine', () => {
  const seen: string[] = [];
  let site: ModelledSite;
  const model: SiteModel = {
    begin(modelled) {
      site = modelled;
      seen.push(`begin with ${site.engine.state.nodes().length}`);
    },
    happened(event) {
      seen.push(event.kind);
      if (event.kind !== 'task-placed') return;
      site.kill(site.engine.state.attempt(event.attempt)!, 'failed');
      seen.push('killed');
    },
    settled: (at) => seen.push(`settled at ${at / 1000}`),
  };
  playTrace({ jobs: [job('a', 3, 5), job('b', 3, 5)], models: [model] });
  assert.deepEqual(seen, [
    'begin with 1',
    'node-joined',
    'workload-submitted',
    'workload-submitted',
    'task-placed',
    'killed',
    'task-placed',
    'killed',
    'task-ended',
    'task-ended',
    'step-ended',
    'workload-ended',
    'step-ended',
    'workload-ended',
    'settled at 3',
  ]);
});

test('models draw from streams of their own', () => {
  const draws = (models: number): number[] => {
    const drawn: number[] = [];
    const model: SiteModel = { begin: (_, prng) => drawn.push(prng.next()) };
    playTrace({ jobs: [job('a', 0, 1)], models: Array(models).fill(model), seed: 7 });
    return drawn;
  };
  const two = draws(2);
  assert.notEqual(two[0], two[1]);
  assert.deepEqual(draws(2), two);
  assert.deepEqual(draws(1), two.slice(0, 1));
});

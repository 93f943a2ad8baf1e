import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { berth, runBerth } from '../builders/berth-cli.ts';
import { kill, up } from '../builders/daemon-process.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';

interface Scaling {
  readonly at: number;
  readonly from: number;
  readonly to: number;
  readonly reason: string | null;
}
interface Service {
  readonly replicas: number;
  readonly ready: number;
  readonly autoscaling: { readonly scalings: readonly Scaling[]; readonly reason: string };
}

const example = new URL('../../examples/autoscale.yaml', import.meta.url).pathname;

/** Looks until it is so. */
async function eventually<T>(look: () => Promise<T>, is: (found: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries++) {
    const found = await look();
    if (is(found)) return found;
    assert.ok(tries < 300, `it never comes: ${JSON.stringify(found)}`);
  }
}

const serviceOf = async (state: string, id: string): Promise<Service> =>
  (await berth(state, 'wait', id, '--ready', '--timeout', '100s')).service;

test('examples/autoscale.yaml: busy workers become more, and idle ones fewer', {
  skip: skipSystem,
  timeout: 300_000,
}, async (t) => {
  const { state } = scratchState(t);
  let daemon = await up(state);
  const { id } = await berth(state, 'submit', example);
  assert.equal((await serviceOf(state, id)).replicas, 1);
  const work = join(state, 'work', id, 'work');
  writeFileSync(work, '');
  const more = await eventually(
    () => serviceOf(state, id),
    ({ replicas }) => replicas > 1,
  );
  assert.match(more.autoscaling.scalings[0]!.reason!, /^cpu at \d+ % of 70 % asks \d+/);
  const why = await runBerth(['why', id, '--state', state]);
  assert.match(why.stdout, /autoscaled 1 to 4; cpu /);
  assert.match((await runBerth(['ps', '--state', state])).stdout, /autoscaled 1 to 4/);
  const refused = await runBerth(['scale', id, '9', '--state', state]);
  assert.equal(refused.code, 3);
  assert.match(refused.stderr, /is autoscaled between 1 and 4 replicas, and 9 were asked for/);

  await kill(daemon);
  daemon = await up(state);
  const after = (await serviceOf(state, id)).autoscaling.scalings;
  assert.deepEqual(after.slice(0, more.autoscaling.scalings.length), more.autoscaling.scalings);
  await eventually(
    () => serviceOf(state, id),
    ({ replicas, ready }) => replicas === 4 && ready === 4,
  );

  rmSync(work);
  const { autoscaling } = await eventually(
    () => serviceOf(state, id),
    ({ replicas }) => replicas === 1,
  );
  const { scalings } = autoscaling;
  t.diagnostic(scalings.map(({ from, to }) => `${from} to ${to}`).join(', '));
  for (const [i, { at, from, to }] of scalings.entries()) {
    const wait = i === 0 ? Number.POSITIVE_INFINITY : at - scalings[i - 1]!.at;
    if (to > from) assert.ok(to - from <= 2 && wait >= 3_000, `${from} to ${to} after ${wait} ms`);
    else assert.ok(from - to === 1 && wait >= 5_000, `${from} to ${to} after ${wait} ms`);
  }
  await kill(daemon);
});

const site = `
queues:
  services: {}
  jobs: {limit: {cpu: 0.1}}
autoscaling:
  scaling_policy:
    min_replicas: 0
    max_replicas: 3
    scale_up: {increment: 2, cooldown: 1s}
    scale_down: {decrement: 2, cooldown: 2s}
`;
const consumers = `
name: consumers
queue: services
run: exec sleep 1000
resources: {cpu: 0.01, memory: 16Mi}
service: {drain: 0}
autoscaling:
  metrics: [{type: queue_depth, target: 2, queue: jobs}]
`;
const jobs = `
name: jobs
queue: jobs
run: exec sleep 1000
count: 6
resources: {cpu: 0.1, memory: 16Mi}
`;

test('by what waits in a queue to zero, and back', {
  skip: skipSystem,
  timeout: 300_000,
}, async (t) => {
  const { state, write } = scratchState(t);
  const started = ['up', '-d', '--port', '0', '--site', write('site.yaml', site), '--state', state];
  assert.equal((await runBerth(started)).code, 0);
  const { id } = await berth(state, 'submit', write('consumers.yaml', consumers));
  const gone = await eventually(
    () => serviceOf(state, id),
    ({ replicas }) => replicas === 0,
  );
  assert.equal(gone.autoscaling.scalings.at(-1)!.reason, 'queue_depth at 0 of 2 a replica asks 0');

  const { id: work } = await berth(state, 'submit', write('jobs.yaml', jobs));
  const back = await eventually(
    () => serviceOf(state, id),
    ({ replicas, ready }) => replicas === 3 && ready === 3,
  );
  // One of six runs: five wait.
  const [first] = back.autoscaling.scalings.filter(({ from }) => from === 0);
  const want = 'queue_depth at 5 of 2 a replica asks 3; bounded by +2 in 1 s';
  assert.deepEqual([first!.to, first!.reason], [2, want]);

  await berth(state, 'cancel', work);
  await eventually(
    () => serviceOf(state, id),
    ({ replicas }) => replicas === 0,
  );
});

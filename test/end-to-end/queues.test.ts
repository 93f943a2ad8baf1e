import assert from 'node:assert/strict';
import { test } from 'node:test';
import { berth, runBerth } from '../builders/berth-cli.ts';
import { up } from '../builders/daemon-process.ts';
import { scratchState } from '../builders/scratch-state.ts';

const bounded = { timeout: 180_000 };

test(
  'queues, quotas and reservations of a daemon, and when what waits starts',
  bounded,
  async (t) => {
    const scratch = scratchState(t);
    await up(scratch.state);
    const { capacity } = await berth(scratch.state, 'queue');
    const all = capacity.cpu_milli / 1000;
    const work = (name: string, limit: string) =>
      scratch.write(
        `${name}.yaml`,
        `name: ${name}\nsteps:\n  - {id: s, run: sleep 100, resource_limits: {timeout: ${limit}}, resources: {cpu: ${all}, memory: 16Mi}}\n`,
      );
    await berth(scratch.state, 'submit', work('first', '10m'));
    await berth(scratch.state, 'submit', work('second', '5m'));
    const list = await berth(scratch.state, 'queue');
    const queue = list.queues.find(({ name }: { name: string }) => name === 'default');
    assert.deepEqual([queue.running, queue.waiting], [1, 1]);
    assert.equal(queue.held.cpu_milli, capacity.cpu_milli);
    assert.equal(queue.waiting_for[0].code, 'insufficient');
    assert.equal(queue.waiting_for[0].first.task, '2.s.0');
    const why = await berth(scratch.state, 'why', '2');
    const [reason] = why.steps[0].reasons;
    assert.deepEqual([reason.code, reason.starts_after], ['insufficient', '1.s.0.1']);
    assert.match(reason.change, /^starts in about (10m|9m \d+s)/);
    assert.equal((await berth(scratch.state, 'ps', '--queue', 'default')).total, 2);
    const starts = await berth(scratch.state, 'ps', '--start');
    const [second, first] = starts.workloads;
    assert.deepEqual([starts.calibration, first.starts], [{ inside: 0, of: 0 }, undefined]);
    assert.equal(second.starts.at, reason.starts_at);
    assert.ok(second.starts.low <= second.starts.at && second.starts.at <= second.starts.high);
    assert.equal((await berth(scratch.state, 'ps', '--queue', 'nowhere')).code, 'NOT_FOUND');
    assert.deepEqual((await berth(scratch.state, 'quota')).quotas, []);
    assert.deepEqual((await berth(scratch.state, 'reserve')).reservations, []);
    const shown = await runBerth(['queue', 'default', '--state', scratch.state]);
    assert.equal(shown.code, 0);
    assert.match(shown.stdout, /1 task waits:\n {2}1 insufficient {2}2\.s\.0: asks for/);
  },
);

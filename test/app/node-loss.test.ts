import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whatIfSchema } from '../../src/api/contract/what-if-documents.ts';
import { openDaemon } from '../../src/app/daemon.ts';
import { nodeLossOf } from '../../src/app/node-loss-view.ts';
import { type BasisPoints, spanMs, timeMs } from '../../src/base/units.ts';
import { openClient } from '../../src/cli/io/open-client.ts';
import { renderNodeLoss } from '../../src/cli/node-loss-view.ts';
import type { NodeId, TenantId } from '../../src/model/ids.ts';
import { runBerth } from '../builders/berth-cli.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { service } from '../builders/service.ts';
import { config, node, queueConfig, Site } from '../builders/site.ts';
import { GIB, resources, step, workload } from '../builders/workload.ts';

const page = { width: 100, colour: 'none', unicode: true } as const;
const lose = (id: string) => ({ changes: [{ kind: 'lose-node', node: id as NodeId } as const] });

/** Two nodes; of the first, a job of ada that may try again, one of ben that may not, and replicas. */
function site(): Site {
  const on = new Site(
    config([queueConfig('default')]),
    node('n1', { cpu: 4_000, memory: 16 * GIB }),
    node('n2', { cpu: 2_000, memory: 16 * GIB }),
  );
  const request = resources({ cpu: 1_000, memory: GIB });
  const retry = { ...step('s').retry, maxRetries: 3, backoffFactor: 10_000 as BasisPoints };
  const estimateMs = spanMs(3_600_000);
  const ada = workload('train', step('s', { request, retry, estimateMs }));
  const ben = workload('frail', step('s', { request, estimateMs }));
  on.submitSpec(ada, { tenant: 'ada' });
  on.submitSpec(ben, { tenant: 'ben' });
  on.submitSpec(service(2), { tenant: 'ben' });
  on.pass();
  on.now = 600_000;
  return on;
}

test('the loss of a node, as the API has it and as people read it', () => {
  const on = site();
  const loss = nodeLossOf(on.engine, lose('n1'), { at: on.at, only: undefined })!;
  assert.deepEqual(whatIfSchema.shape.node_loss.parse(loss), loss);
  assert.deepEqual(
    loss.lost.map(({ task, redone_ms, again_on, why }) => [task, redone_ms, again_on, why]),
    [
      ['1.s.0', 600_000, 'n2', null],
      ['2.s.0', 600_000, null, 'it has no retry left'],
      ['3.web.0', 0, 'n2', null],
      ['3.web.1', 0, 'n2', null],
    ],
  );
  assert.equal(loss.recovered_at, null);
  const shown = renderNodeLoss(loss, { page, now: on.now, tasks: 3 }).map((line) => line.trimEnd());
  assert.deepEqual(shown, [
    'LOST     NAME   DONE AGAIN  AGAIN  ON',
    '1.s.0    train     10m 00s  in 1s  n2',
    '2.s.0    frail     10m 00s  never  it has no retry left',
    '3.web.0  web                in 1s  n2',
    '  1 more with --json',
    'Some of them never have a place again.',
    'web loses 2 of 2 replicas for 1.0s.',
  ]);
});

test('a tenant is told of its own alone', () => {
  const on = site();
  const loss = nodeLossOf(on.engine, lose('n1'), { at: on.at, only: 'ada' as TenantId })!;
  assert.deepEqual(
    [loss.lost.map(({ task }) => task), loss.lost_total, loss.services],
    [['1.s.0'], 1, []],
  );
  assert.equal(loss.recovered_at, timeMs(601_000));
});

test('of a question that is another one, or of several changes, nothing is told', () => {
  const on = site();
  const around = { at: on.at, only: undefined };
  const cancel = { kind: 'cancel', workload: '1' as never, by: 'ada' as TenantId } as const;
  assert.equal(nodeLossOf(on.engine, { changes: [cancel] }, around), null);
  const [first] = lose('n1').changes;
  assert.equal(nodeLossOf(on.engine, { changes: [first!, cancel] }, around), null);
  assert.equal(nodeLossOf(on.engine, { ...lose('n1'), engine: () => on.engine }, around), null);
});

test('a daemon is asked what the loss of its machine would do', { timeout: 60_000 }, async (t) => {
  const { state } = scratchState(t);
  const daemon = await openDaemon({
    stateDir: state,
    port: undefined,
    siteFile: undefined,
    foreground: false,
    log: () => {},
  });
  const client = openClient(() => Promise.resolve({ kind: 'socket', path: daemon.socket }));
  try {
    const [machine] = (await client.nodes()).nodes;
    const text =
      'name: long\nrun: sleep 600\nresources: {cpu: 0.1, memory: 16Mi}\nretry: {max_retries: 2}\n';
    await client.submit({ text, fileName: 'job.yaml', cwd: '/', tenant: 'ada' });
    while ((await client.workload('1')).status !== 'running');
    const shown = await runBerth(['whatif', '--lose-node', machine!.id, '--state', state]);
    assert.match(shown.stdout, /^1\.\S+ +long .* never +no other node is there/m);
    assert.match(shown.stdout, /Some of them never have a place again/);
    const asked = { set: [], add_nodes: [], cancel: [], submit: [], lose_nodes: [machine!.id] };
    const { node_loss: loss } = await client.whatIf(asked);
    assert.deepEqual([loss?.node, loss?.lost_total], [machine!.id, 1]);
    assert.equal(loss?.lost[0]?.why, 'no other node is there');
    assert.equal((await client.workload('1')).status, 'running');
  } finally {
    await client.cancel('1');
    client.close();
    await daemon.close();
  }
});

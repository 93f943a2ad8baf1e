import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spanMs } from '../../src/base/units.ts';
import type { Gpu } from '../../src/model/node.ts';
import type { Resources } from '../../src/model/resources.ts';
import { queueConfig } from '../../src/model/scheduling-config.ts';
import { config, node, order, Site } from '../builders/site.ts';
import { GIB, resources, step, workload } from '../builders/workload.ts';

const MINUTE = 60_000;
const big = 2 ** 50;

/**
 * Two nodes of four CPUs on which tasks of one CPU end one at a time, and another always waits already.
 * The minute in which the first task of workload `of` was placed; undefined when it never was.
 */
function nibbled(site: Site, of: number, minutes: number): number | undefined {
  for (let minute = 0; minute < minutes; minute++) {
    site.submit({ cpu: 1, queue: 'small' });
    const [first] = [...site.running.keys()].filter((id) => site.asked(id).cpu === 1);
    if (first !== undefined) site.end(first);
    const placed = site.pass();
    if (placed.some((id) => id.startsWith(`${of}.`))) return minute;
    site.now += MINUTE;
  }
  return undefined;
}

function busySite(keepAfterMs: number | undefined, small: object = {}): Site {
  const { keepAfterMs: _, ...never } = config([queueConfig('large'), queueConfig('small', small)]);
  const keeping = keepAfterMs === undefined ? {} : { keepAfterMs: spanMs(keepAfterMs) };
  const nodes = ['n', 'm'].map((id) => node(id, { cpu: 4000, memory: big }));
  const site = new Site({ ...never, ...keeping }, ...nodes);
  for (let i = 0; i < 20; i++) site.submit({ cpu: 1, queue: 'small' });
  site.pass();
  return site;
}

test('kueue#8309: a gang that small tasks pass starts in the end, and never without the rule', () => {
  for (const [keepAfter, starts] of [
    [undefined, false],
    [30 * MINUTE, true],
  ] as const) {
    const site = busySite(keepAfter);
    site.submit({ queue: 'large', cpu: 2, count: 3, gang: 3 });
    const at = nibbled(site, 21, 120);
    assert.equal(at !== undefined, starts);
    if (at !== undefined) assert.ok(at >= 30 && at <= 45, `after ${at} minutes`);
  }
});

test('kueue#8309: so does one large task, in the very queue of the small ones', () => {
  const site = busySite(30 * MINUTE);
  site.submit({ queue: 'small', cpu: 4, priority: 0 });
  const at = nibbled(site, 21, 120);
  assert.ok(at !== undefined && at >= 30 && at <= 45, `after ${at} minutes`);
});

test('what is kept for two gangs cannot keep both out: it is kept for one after the other', () => {
  const site = busySite(10 * MINUTE);
  site.submit({ queue: 'large', cpu: 3, count: 2, gang: 2 });
  site.submit({ queue: 'large', cpu: 3, count: 2, gang: 2 });
  const first = nibbled(site, 21, 60);
  assert.ok(first !== undefined, 'the older one first');
  for (const id of [...site.running.keys()]) if (site.asked(id).cpu === 3) site.end(id);
  const second = nibbled(site, 22, 60);
  assert.ok(second !== undefined, 'then the other');
  let kept: string | undefined;
  for (const event of site.journal) {
    if (event.kind === 'seats-kept') {
      assert.equal(kept, undefined, 'one at a time');
      kept = event.keep.claims.length === 0 ? undefined : event.keep.task;
    }
    if (event.kind === 'task-placed' && event.attempt.startsWith(`${kept}.`)) kept = undefined;
  }
});

test('who says that it ends in time uses what is kept until it is needed', () => {
  const site = new Site(
    { ...config([queueConfig('default')]), keepAfterMs: spanMs(MINUTE) },
    node('n', { cpu: 4000, memory: big }),
  );
  site.submit({ cpu: 3, runMs: 60 * MINUTE });
  site.submit({ cpu: 4 });
  site.pass();
  site.now = MINUTE;
  assert.equal(site.engine.nextTimer(), MINUTE, 'time alone makes it due');
  site.pass();
  site.submit({ cpu: 1, runMs: 60 * MINUTE });
  // Of those alike only the first is looked at.
  site.submit({ cpu: 1, runMs: 30 * MINUTE, tenant: 'ben' });
  assert.deepEqual(site.pass(), ['4.s.0.1']);
  site.end('4.s.0.1' as never);
  site.pass();
  assert.deepEqual(site.why(3), { code: 'reserved', by: '2.s.0', node: 'n' });
});

test('what is kept is given up when its owner is cancelled', () => {
  const site = busySite(10 * MINUTE);
  site.submit({ queue: 'large', cpu: 4, gang: 1 });
  for (let i = 0; i < 12; i++) {
    site.now += MINUTE;
    site.pass();
  }
  const last = () => site.journal.findLast((event) => event.kind === 'seats-kept');
  assert.equal(last()?.keep.task, '21.s.0');
  const events = site.engine.decide({
    kind: 'cancel',
    at: site.at,
    workload: '21' as never,
    by: 'ada' as never,
  }).events;
  for (const event of events) site.engine.apply(event);
  site.end([...site.running.keys()][0]!);
  site.submit({ queue: 'small', cpu: 1 });
  assert.equal(site.pass().length, 1, 'others have the room again');
});

test('kai#1970: with ageing, a low priority comes up in the end', () => {
  const ageing = { order: order('priority', { ageingPerHour: 60 }) };
  const site = busySite(undefined, ageing);
  site.submit({ queue: 'small', cpu: 1, priority: -20 });
  assert.ok(nibbled(site, 21, 60) !== undefined);
});

test('in a strict queue a gang that finds no room keeps those behind it waiting, and says so', () => {
  const strict = config([queueConfig('default', { fifo: 'strict' })]);
  const site = new Site(strict, node('n', { cpu: 4000, memory: big }));
  site.submit({ cpu: 2 });
  site.submit({ cpu: 1, count: 3, gang: 3 });
  site.submit({ cpu: 1 });
  assert.equal(site.pass().length, 1);
  assert.deepEqual(site.why(3), { code: 'behind', task: '2.s.0', queue: 'default' });
  assert.equal(site.why(2)?.code, 'gang-no-room');
  site.endAll();
  assert.equal(site.pass().length, 4);
});

const caps: Record<string, { queue: object; gang: number; code: string }> = {
  'as many tasks as may run in the queue': { queue: { runningMax: 3 }, gang: 3, code: 'queue-cap' },
  'the limit of the queue': {
    queue: { limit: { cpu: 3000, memory: big, gpu: 0 } },
    gang: 3,
    code: 'queue-limit',
  },
};
for (const [name, { queue, gang, code }] of Object.entries(caps)) {
  test(`a gang is held to ${name} as a whole`, () => {
    const site = new Site(config([queueConfig('q', queue)]), node('n', { cpu: 8000, memory: big }));
    site.submit({ queue: 'q' });
    site.submit({ queue: 'q', count: gang, gang });
    assert.equal(site.pass().length, 1, 'two of three could start, so none does');
    assert.equal(site.why(2)?.code, code);
    site.endAll();
    assert.equal(site.pass().length, gang);
    const more = site.submit({ queue: 'q', count: 4, gang: 4 });
    assert.ok(more?.code === 'queue-cap' || more?.code === 'exceeds-queue', 'four never could');
  });
}

test('an instance of a device is kept as one, and not kept and given up again without end', () => {
  const cut = {
    id: 'n-mig',
    model: 'A100',
    memory: 5 * GIB,
    mig: { kind: 'instance', profile: '1g.5gb' },
  };
  const site = new Site(
    { ...config([queueConfig('default')]), keepAfterMs: spanMs(MINUTE) },
    { ...node('n', { cpu: 4000, memory: big }), gpus: [cut as Gpu] },
  );
  const request: Resources = { ...resources({ gpu: 142 }), mig: '1g.5gb' };
  for (let i = 0; i < 2; i++) site.submitSpec(workload('w', step('s', { request })));
  site.pass();
  site.now = MINUTE;
  const events = [];
  // One event after the other, since a pass would not end where this fails.
  for (let i = 0; i < 5; i++) {
    const event = site.engine.next(site.at);
    if (event === undefined) break;
    site.engine.apply(event);
    events.push(event);
  }
  assert.deepEqual(
    events.map((event) => event.kind === 'seats-kept' && event.keep.ask),
    [request],
  );
});

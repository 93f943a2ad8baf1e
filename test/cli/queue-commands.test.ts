import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { classList } from '../../src/api/views/classes.ts';
import { explaining, explainWorkload } from '../../src/api/views/explain.ts';
import { preemptionList } from '../../src/api/views/preemptions.ts';
import { queueList } from '../../src/api/views/queues.ts';
import { quotaList } from '../../src/api/views/quotas.ts';
import { reservationList } from '../../src/api/views/reservations.ts';
import { withSpilled } from '../../src/api/views/spilled.ts';
import { bytes } from '../../src/base/units.ts';
import type { CommandResult } from '../../src/cli/command.ts';
import { parseCommandLine } from '../../src/cli/parse-command-line.ts';
import { describeError, printResult } from '../../src/cli/printer.ts';
import { registry } from '../../src/cli/registry.ts';
import { projectStarts } from '../../src/engine/projection.ts';
import type { QueueName } from '../../src/model/ids.ts';
import { DocumentSite } from '../builders/document-site.ts';
import { queueScene } from '../builders/queue-scene.ts';
import { config, node, queueConfig, Site } from '../builders/site.ts';
import { workload } from './documents.ts';
import { TestDaemon } from './test-daemon.ts';
import { testWorld } from './test-world.ts';

const bounded = { timeout: 20_000 };

/** A daemon that answers what the views say of the site. */
async function daemonOf(t: TestContext, site: Site): Promise<TestDaemon> {
  const daemon = await TestDaemon.open();
  t.after(() => daemon[Symbol.asyncDispose]());
  const { state } = site.engine;
  const answer = (path: string, document: unknown): void => {
    const body = JSON.stringify(document);
    daemon.answers.set(`/api/v1/${path}`, { status: 200, type: 'application/json', body });
  };
  answer('queues', queueList(state, site.at));
  answer('classes', classList(state, site.at));
  answer('quotas', quotaList(state, site.at));
  answer('reservations', reservationList(state, site.at));
  answer('preemptions', preemptionList(state, 100));
  const context = explaining(state, site.at, {
    starts: projectStarts(site.engine, site.at),
  });
  for (const one of state.workloads()) {
    answer(`workloads/${one.id}/why`, explainWorkload(context, one));
  }
  return daemon;
}

async function run(line: string, daemon: TestDaemon, width = 100) {
  const parsed = parseCommandLine(line.split(' '), registry);
  assert.ok(parsed.kind === 'command');
  const world = testWorld({ ...parsed.flags, state: daemon.stateDir }, { width });
  let result: CommandResult;
  try {
    result = await parsed.command.run(parsed.operands, parsed.values, world);
    await printResult(world.terminal, result, world.settings.json.value);
  } catch (error) {
    const { document, exit } = describeError(error);
    return { exit, out: '', err: `${document.detail}|${document.hint}` };
  }
  return { exit: result.exit, out: world.out.text.trimEnd(), err: '' };
}

test(
  'queue draws the tree, with use against guarantee and limit, and who waits for what',
  bounded,
  async (t) => {
    const daemon = await daemonOf(t, queueScene());
    const { out, exit } = await run('queue', daemon);
    assert.equal(exit, 0);
    assert.equal(
      out,
      `
QUEUE          USE          HELD          GUARANTEED  LIMIT  SHARE  FAIR  RUN  WAIT
root           █████████·┃  14 cpu 3 GiB  —           —        88%  100%    3     5
─ production   ░░░░░·····┃  —             8 cpu       —         0%   60%    0     2
── serving     ··········┃  —             —           —         0%   42%    0     1
── batch       ··········┃  —             —           —         0%   18%    0     1
─ research     ███·┃······  4 cpu 1 GiB   —           6 cpu    25%   30%    1     2
── vision      ███·······┃  4 cpu 1 GiB   —           —        25%   20%    1     1
── others      ··········┃  —             —           —         0%   10%    0     1
─ best_effort  ███████···┃  10 cpu 2 GiB  —           —        63%   10%    2     1

5 tasks wait:
  1 quota              7.s.0: quota cpu-week of ada: 0.67 CPU-hours used and 7.33 CPU-hours reserved
                       of 20 CPU-hours, and it needs 16 CPU-hours; it resets in 3h 50m
  1 queue-cap          3.s.0: queue best_effort has 2 running tasks, and 2 are allowed
  1 queue-limit        6.s.0: asks for 4 CPUs; queue research holds 4 CPUs of its limit of 6 CPUs
  1 waits-for-victims  5.s.0: waits for 4.s.0.1 to stop
  1 insufficient       8.s.0: asks for 9 CPUs; lab-3 has 2 CPUs free`.trim(),
    );
  },
);

test(
  'queue NAME adds the rules of the queue and its tenants, of it and those below it',
  bounded,
  async (t) => {
    const daemon = await daemonOf(t, queueScene());
    const { out } = await run('queue research', daemon);
    assert.match(out, /^research {2}███·┃/m);
    assert.match(out, /^2 tasks wait:$/m);
    assert.match(out, /^order {6}priority, best effort$/m);
    assert.match(out, /^limit {6}6 cpu$/m);
    assert.match(out, /^ada {5}research\/vision {2}4 cpu 1 GiB {4}25%/m);
    assert.doesNotMatch(out, /production/);
    const json = JSON.parse((await run('queue research --json', daemon)).out);
    assert.deepEqual(
      json.queues.map(({ name }: { name: string }) => name),
      ['research', 'research/vision', 'research/others'],
    );
    const missing = await run('queue reserch', daemon);
    assert.deepEqual(missing, {
      exit: 66,
      out: '',
      err: 'There is no queue reserch.|Did you mean research?',
    });
  },
);

const classes = `
scheduling:
  classes:
    critical: {priority: 100, preemptible: false, guaranteed_resources: {cpu: 2, memory: 4Gi}}
    batch: {priority: 10, preemptible: true, resource_multiplier: 0.5}
    other: {priority: 0}
qos: {classes: {burstable: {resource_guarantee: 50%, burst_limit: 200%, network_priority: low}}}`;

test(
  'queue --classes shows what tasks of each are sure of, and who gives way',
  bounded,
  async (t) => {
    const site = new DocumentSite(classes, node('n', { cpu: 4000, memory: 8 * 1024 ** 3 }));
    site.start('run: x\nclass: batch\ncount: 9\n');
    const daemon = await daemonOf(t, site);
    const { out, exit } = await run('queue --classes', daemon);
    assert.equal(exit, 0);
    assert.equal(
      out,
      `
CLASS     PRIORITY  STOPPED FOR OTHERS  KEPT         CPU WEIGHT  WAIT  RUN
critical       100  never               2 cpu 4 GiB        100%     0    0
batch           10  may be              —                   50%     5    4
other            0  —                   —                  100%     0    0

CLASS OF SERVICE  GUARANTEED  BURST  PREEMPTION  NETWORK  EVICTED WHEN
guaranteed                 —      —           —  —        —
burstable                50%   200%           —  low      —
best-effort                —      —           —  —        —`.trim(),
    );
    const json = JSON.parse((await run('queue --classes --json', daemon)).out);
    assert.deepEqual(json, classList(site.engine.state, site.at));
    const { out: kept } = await run('reserve', daemon);
    assert.match(kept, /^class critical {2}2 cpu 4 GiB {2}class critical {2}always {2}open/m);
  },
);

test('a site without classes says where they stand', bounded, async (t) => {
  const daemon = await daemonOf(t, queueScene());
  const { out } = await run('queue --classes', daemon);
  assert.match(out, /^There are no priority classes: .*scheduling\.classes/);
});

test(
  'what waits on disk is told of the queue that it is for, and counts above it',
  bounded,
  async (t) => {
    const text =
      'queues: {default: {}, lab: {children: {a: {overflow_policy: compress}, b: {}}}}\n';
    const site = new DocumentSite(text);
    const daemon = await daemonOf(t, site);
    const use = { queue: 'a' as QueueName, submissions: 2, plainBytes: 4096, keptBytes: 1024 };
    const list = withSpilled(queueList(site.engine.state, site.at), [
      { ...use, oldestAt: site.at },
    ]);
    const body = JSON.stringify(list);
    daemon.answers.set('/api/v1/queues', { status: 200, type: 'application/json', body });
    const counts = list.queues.map(({ name, spilled }) => [name, spilled.submissions]);
    assert.deepEqual(Object.fromEntries(counts), { root: 2, default: 0, lab: 2, a: 2, b: 0 });
    const told = (await run('queue', daemon)).out
      .split('\n')
      .filter((line) => /on disk/.test(line));
    assert.deepEqual(told, [
      '2 submissions wait on disk for a: 1 KiB, of 4 KiB uncompressed; the first for 0ms',
    ]);
  },
);

test('no line of the tree is wider than the page', bounded, async (t) => {
  const daemon = await daemonOf(t, queueScene());
  for (const width of [60, 80, 120]) {
    for (const line of (await run('queue', daemon, width)).out.split('\n')) {
      assert.ok(line.length <= width, `${width}: ${line}`);
    }
  }
});

test(
  'quota lists each account with what is used, reserved and when it resets',
  bounded,
  async (t) => {
    const daemon = await daemonOf(t, queueScene());
    assert.equal(
      (await run('quota', daemon)).out,
      `
QUOTA     QUEUE     TENANT  USED  RESERVED     LIMIT  TAKEN  PERIOD       RESETS
cpu-week  research  ada     0.67      7.33  20 CPU-h    40%  last 7d 00h  in 3h
cpu-week  research  ben        0         0  20 CPU-h     0%  last 7d 00h  in 3h`.trim(),
    );
  },
);

test('reserve lists what is kept, for whom, when and where', bounded, async (t) => {
  const daemon = await daemonOf(t, queueScene());
  assert.equal(
    (await run('reserve', daemon)).out,
    `
RESERVATION  KEEPS        FOR                     WHEN             NOW     CHANGES  WHERE
nightly      2 cpu 4 GiB  pipelines production_*  22:00-06:00 UTC  closed  in 7h    lab-3`.trim(),
  );
});

test('where nothing is set the commands say where to set it', bounded, async (t) => {
  const daemon = await daemonOf(t, new Site(config([queueConfig('default')])));
  assert.match((await run('quota', daemon)).out, /site file, under `quotas`/);
  assert.match((await run('reserve', daemon)).out, /site file, under `reservations`/);
  assert.match((await run('queue', daemon)).out, /^Nothing waits\.$/m);
});

test(
  'quota does not deny a quota of storage of which nobody keeps anything yet',
  bounded,
  async (t) => {
    const storageQuotas = [{ name: 'each user', each: true, limit: bytes(1024) }];
    const daemon = await daemonOf(
      t,
      new Site({ ...config([queueConfig('default')]), storageQuotas }),
    );
    assert.equal(
      (await run('quota', daemon)).out,
      'No quota counts anything yet: they stand in the site file, under `quotas` and `multi_tenancy`.',
    );
  },
);

test('queue --preemptions says who was stopped for whom in these queues', bounded, async (t) => {
  const daemon = await daemonOf(t, queueScene());
  const { out } = await run('queue --preemptions', daemon);
  assert.match(out, /^⇄ .*: 4\.s\.0\.1 was stopped for 5\.s\.0: [\s\S]*0% < 0\.83% and 0% ≤ 0%/);
  const of = await run('queue research --preemptions --json', daemon);
  assert.equal(JSON.parse(of.out).preemptions.length, 1);
  const none = await run('queue production --preemptions', daemon);
  assert.equal(none.out, 'Nobody was stopped for others.');
});

const whys: Record<string, { id: string; want: RegExp }> = {
  'what would fit, and whose end would do': {
    id: '6',
    want: /queue research holds 4 CPUs of its limit of 6 CPUs\n {4}starts in about 5h 0m, when 8\.s\.0\.1 ends \(~\d\d/,
  },
  'for whom others were stopped, with the inequality and the prices': {
    id: '5',
    want: /⇄ now: 4\.s\.0\.1 was stopped for 5\.s\.0: [\s\S]*queue research from 0\.83% to 0%[\s\S]*least-cost costs 154\.2 GPU-seconds, wait_for_completion 1696\.2/,
  },
  'for whom it was stopped': {
    id: '4',
    want: /▶ s running\n {2}1 running\n⇄ now: 4\.s\.0\.1 was stopped for 5\.s\.0/,
  },
};
for (const [name, { id, want }] of Object.entries(whys)) {
  test(`why says: ${name}`, bounded, async (t) => {
    const site = queueScene();
    const daemon = await daemonOf(t, site);
    const document = daemon.answers.get(`/api/v1/workloads/${id}/why`)!.body;
    assert.ok(JSON.parse(document).id === id);
    const parsed = parseCommandLine(['why', id], registry);
    assert.ok(parsed.kind === 'command');
    const world = testWorld({ ...parsed.flags, state: daemon.stateDir }, { width: 88 });
    const now = { ...world, now: () => site.now };
    const result = await parsed.command.run(parsed.operands, parsed.values, now);
    await printResult(world.terminal, result, false);
    assert.match(world.out.text, want);
  });
}

test('ps --queue asks for that queue alone', bounded, async (t) => {
  const daemon = await TestDaemon.open();
  t.after(() => daemon[Symbol.asyncDispose]());
  daemon.workloads.set('12', workload('running', [], { queue: 'research' }));
  const { out, exit } = await run('ps --queue dev', daemon);
  assert.deepEqual([exit, out], [0, 'Nothing runs or waits in queue dev.']);
  assert.match((await run('ps --queue research', daemon)).out, /quickstart/);
});

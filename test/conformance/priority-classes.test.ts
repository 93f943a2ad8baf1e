import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classList } from '../../src/api/views/classes.ts';
import { refusalSentence } from '../../src/api/views/sentences.ts';
import { cpuWeightOf } from '../../src/model/execution-terms.ts';
import { DocumentSite } from '../builders/document-site.ts';
import { node } from '../builders/site.ts';
import { reported } from '../builders/site-text.ts';
import { GIB } from '../builders/workload.ts';
import { seedBlock, whereSeed } from './seed-blocks.ts';

const MINUTE = 60_000;
/** Four cores and 8 GiB, of which two cores and 4 GiB are guaranteed to `critical`. */
const open = (cpu = 4_000) =>
  new DocumentSite(seedBlock('priority-classes'), node('n', { cpu, memory: 8 * GIB }));

const job = (more: string, resources = '{cpu: 1, memory: 64Mi}'): string =>
  `run: x\nresources: ${resources}\n${more}\n`;

test('the block is taken as it is written, without a warning', whereSeed, () => {
  assert.deepEqual(reported(seedBlock('priority-classes')), []);
});

test('strategy: priority orders what waits by the priorities of its classes', whereSeed, () => {
  const site = open(3_000);
  const filler = site.start(job('class: critical', '{cpu: 3, memory: 64Mi}'));
  const big = '{cpu: 3, memory: 64Mi}';
  const [batch, standard, critical] = ['batch', 'standard', 'critical'].map((name) =>
    site.add(job(`class: ${name}`, big)),
  );
  const priorities = [critical, standard, batch].map((id) => site.spec(id!).priority);
  assert.deepEqual(priorities, [100, 50, 10]);
  const order: string[] = [];
  let running = filler;
  for (let i = 0; i < 3; i++) {
    for (const id of running) site.end(id as never);
    running = site.pass();
    order.push(...running);
  }
  assert.deepEqual(order, [`${critical}.job.0.1`, `${standard}.job.0.1`, `${batch}.job.0.1`]);
});

test('preemptible: true may be stopped for others, and false never', whereSeed, () => {
  // One core is still kept for `critical`: not for others, whatever their priority.
  const site = open(3_000);
  site.start(job('class: critical'));
  site.start(job('class: standard'));
  site.now += 2 * MINUTE;
  site.start(job('priority: 1000'));
  assert.deepEqual(site.stopped, ['2.job.0.1']);
  // And goes on where only it may: what is kept is lent to it.
  assert.deepEqual(site.settle(), ['3.job.0.1', '2.job.0.2']);
  site.now += 2 * MINUTE;
  site.start(job('priority: 1000'));
  assert.deepEqual(site.stopped, ['2.job.0.1']);
});

test('guaranteed_resources are kept from who could not be stopped for the class', whereSeed, () => {
  const site = open();
  const rest = 'preemption: {preemptible: false}\ncount: 4';
  assert.deepEqual(site.start(job(rest)), ['1.job.0.1', '1.job.1.1']);
  const refusal = site.why(1);
  assert.deepEqual(refusal, { code: 'reserved', by: 'class critical', node: 'n' });
  assert.equal(
    refusalSentence(refusal!, site.at),
    'would fit on n, where what is free is kept for class critical',
  );
  assert.deepEqual(site.start(job('class: critical\ncount: 3')), ['2.job.0.1', '2.job.1.1']);
});

test('guaranteed_resources of memory are kept, too', whereSeed, () => {
  const site = open();
  const asks = (gib: number) => `{cpu: 500m, memory: ${gib}Gi}`;
  const rest = 'preemption: {preemptible: false}';
  assert.deepEqual(site.start(job(rest, asks(5))), []);
  assert.equal(site.why(1)?.code, 'reserved');
  assert.deepEqual(site.start(job('class: critical', asks(4))), ['2.job.0.1']);
});

test('what is guaranteed is lent to who can be stopped for it, and comes back', whereSeed, () => {
  const site = open();
  assert.equal(site.start(job('class: batch\ncount: 4')).length, 4);
  site.now += 2 * MINUTE;
  assert.deepEqual(site.start(job('class: critical', '{cpu: 2, memory: 4Gi}')), []);
  // Two of the four, and not all: what is kept for it counts as its own.
  assert.equal(site.stopped.length, 2);
  assert.deepEqual(site.settle(), ['2.job.0.1']);
});

test('resource_multiplier is the weight of a core that its tasks ask for', whereSeed, () => {
  const site = open(8_000);
  const weights = ['critical', 'standard', 'batch'].map((name) => {
    const { request, execution } = site.spec(site.add(job(`class: ${name}`))).steps[0]!;
    return cpuWeightOf(request.cpu, execution?.process);
  });
  assert.deepEqual(weights, [1000, 1000, 500]);
});

test('a class that the site does not have is refused, with those that there are', whereSeed, () => {
  const site = open();
  const refusal = site.refusal(job('class: batsch'));
  assert.equal(
    refusalSentence(refusal!, site.at),
    'there is no priority class batsch; did you mean batch? there are critical, standard, batch',
  );
});

test('`resource_requirements` may name it, too', whereSeed, () => {
  const site = open();
  const id = site.add(job('resource_requirements: {class: critical}'));
  assert.equal(site.spec(id).priority, 100);
});

test('the classes are shown with what they have', whereSeed, () => {
  const site = open();
  site.start(job('class: batch\ncount: 9'));
  const { classes } = classList(site.engine.state, site.at);
  const none = { custom: {}, gpu_milli: 0 };
  assert.deepEqual(
    classes.map(({ guaranteed, ...one }) => [Object.values(one), guaranteed]),
    [
      [['critical', 100, false, 1, 0, 0], { cpu_milli: 2000, memory_bytes: 4 * GIB, ...none }],
      [['standard', 50, true, 1, 0, 0], null],
      [['batch', 10, true, 0.5, 5, 4], null],
    ],
  );
});

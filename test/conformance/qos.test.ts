import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classList } from '../../src/api/views/classes.ts';
import { preemptionList } from '../../src/api/views/preemptions.ts';
import type { Bytes } from '../../src/base/units.ts';
import type { AttemptId, NodeId } from '../../src/model/ids.ts';
import { classOf, defaultClasses } from '../../src/model/network-config.ts';
import { DocumentSite } from '../builders/document-site.ts';
import { node } from '../builders/site.ts';
import { reported } from '../builders/site-text.ts';
import { GIB } from '../builders/workload.ts';
import { seedBlock, whereSeed } from './seed-blocks.ts';

const MINUTE = 60_000;
/** Its `preemption` is a matter of the site: the block says only who goes first. */
const open = (cpu = 8_000) =>
  new DocumentSite(
    `${seedBlock('qos')}scheduling: {preemption: true}\n`,
    node('n', { cpu, memory: 16 * GIB }),
  );

/** Two by what they ask for, as Kubernetes tells classes apart; one by its name, as nobody asks for nothing. */
const documents = {
  guaranteed: 'run: x\nresources: {cpu: 2, memory: 1Gi}\n',
  burstable: 'run: x\nresources: {cpu: {request: 2}, memory: {request: 1Gi}}\n',
  best_effort: 'run: x\nresource_requirements: {class: best_effort}\n',
};
const classes = ['guaranteed', 'burstable', 'best_effort'] as const;

test('the block is taken as it is written, without a warning', whereSeed, () => {
  assert.deepEqual(reported(seedBlock('qos')), []);
});

test('resource_guarantee: all of it is theirs, half of it, nothing', whereSeed, () => {
  const site = open();
  const kept = classes.map((name) => {
    const { execution } = site.spec(site.add(documents[name])).steps[0]!;
    const { memoryProtection, memoryGuarantee, cpuShare } = execution?.process ?? {};
    return [memoryProtection, memoryGuarantee, cpuShare];
  });
  assert.deepEqual(kept, [
    ['hard', undefined, undefined],
    ['soft', 5000, 5000],
    [undefined, undefined, 0],
  ]);
});

test('burst_limit: what has no limit may have twice what it asks for', whereSeed, () => {
  const site = open();
  const { limits } = site.spec(site.add(documents.burstable)).steps[0]!;
  assert.deepEqual([limits.cpu, limits.memory], [4000, 2 * GIB]);
  const own = site.add(
    'run: x\nresources: {cpu: {request: 1, limit: 8}, memory: {request: 1Gi}}\n',
  );
  const said = site.spec(own).steps[0]!.limits;
  assert.deepEqual([said.cpu, said.memory], [8000, 2 * GIB]);
});

test('preemption_priority: who is stopped for others first', whereSeed, () => {
  let sentence = '';
  const stoppedOf = (others: readonly string[]): readonly string[] => {
    const site = open(4_000);
    for (const document of others) site.start(document);
    site.now += 2 * MINUTE;
    site.start('run: x\npriority: 9\nresources: {cpu: 2}\n');
    sentence = preemptionList(site.engine.state, 1).preemptions[0]!.sentence;
    return site.stopped;
  };
  const { guaranteed, burstable } = documents;
  // The class decides, whatever was started first and whatever their priorities are.
  assert.deepEqual(stoppedOf([guaranteed, `${burstable}priority: 8\n`]), ['2.job.0.1']);
  assert.deepEqual(stoppedOf([`${burstable}priority: 8\n`, guaranteed]), ['1.job.0.1']);
  assert.match(sentence, /9 > 8, and their class of service has preemption_priority 100;/);
  assert.deepEqual(stoppedOf([guaranteed, `${guaranteed}priority: 8\n`]), ['1.job.0.1']);
});

test('eviction_threshold: over 90 % of memory the task of best effort goes', whereSeed, () => {
  const site = open();
  for (const name of classes) site.start(documents[name]);
  const evicted = (memoryUsed: number): readonly string[] => {
    const { events } = site.engine.decide({
      kind: 'report-pressure',
      at: site.at,
      node: 'n' as NodeId,
      pressure: { memoryUsed },
      use: [...site.running.keys()].map((attempt: AttemptId) => ({
        attempt,
        memory: GIB as Bytes,
      })),
    });
    return events.flatMap((event) =>
      event.kind === 'eviction-ordered' ? [event.eviction.attempt] : [],
    );
  };
  assert.deepEqual(evicted(9_000), []);
  assert.deepEqual(evicted(9_001), ['3.job.0.1']);
});

test(
  'network_priority: tasks that use the proxy are in the first class of traffic',
  whereSeed,
  () => {
    const site = open();
    const trafficOf = (document: string): string => {
      const terms = site.spec(site.add(document)).steps[0]!.execution!.network!;
      assert.equal(terms.proxied, true);
      return defaultClasses[classOf(defaultClasses, terms)]!.name;
    };
    const proxied = 'network: {max_requests: 9}\n';
    assert.equal(trafficOf(documents.guaranteed + proxied), 'high_priority');
    assert.equal(trafficOf(documents.burstable + proxied), 'medium_priority');
    assert.equal(trafficOf(`${documents.guaranteed}network: {priority: low}\n`), 'low_priority');
  },
);

test('the classes are shown with their terms', whereSeed, () => {
  const { service_classes } = classList(open().engine.state, open().at);
  assert.deepEqual(service_classes.map(Object.values), [
    ['guaranteed', 1, null, 1000, 'high', null],
    ['burstable', 0.5, 2, 100, null, null],
    ['best-effort', 0, null, 0, null, 'memory > 90%'],
  ]);
});

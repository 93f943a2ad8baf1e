import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { withClasses } from '../../src/admission/class-terms.ts';
import { refusalSentence } from '../../src/api/views/sentences.ts';
import { timeMs } from '../../src/base/units.ts';
import { childSpec } from '../../src/engine/child-spec.ts';
import { takeSnapshot } from '../../src/engine/snapshot.ts';
import type { AttemptId, TenantId, WorkloadId } from '../../src/model/ids.ts';
import type { Command } from '../../src/model/messages.ts';
import type { WorkloadSpec } from '../../src/model/workload.ts';
import { DocumentSite, specOf } from '../builders/document-site.ts';
import { node } from '../builders/site.ts';
import { schedulingOf } from '../builders/site-text.ts';
import { GIB } from '../builders/workload.ts';

const MINUTE = 60_000;
const by = 'ada' as TenantId;
const siteText = `
scheduling:
  classes:
    gold: {priority: 50, preemptible: false, guaranteed_resources: {cpu: 2}}
    free: {priority: -5, preemptible: true, resource_multiplier: 0.25}
    plain: {priority: 7}
qos:
  classes:
    guaranteed: {resource_guarantee: 80%, preemption_priority: 30}
    burstable: {resource_guarantee: 50%, burst_limit: 150%, network_priority: low}
`;
const open = (text = siteText) => new DocumentSite(text, node('n', { cpu: 4000, memory: 8 * GIB }));
const doc = (more: string) =>
  `run: x\nresources: {cpu: {request: 1}, memory: {request: 1Gi}}\n${more}\n`;

const refused: Record<string, { document: string; want: string }> = {
  'a class that is like one that there is': {
    document: 'class: golt',
    want: 'there is no priority class golt; did you mean gold? there are gold, free, plain',
  },
  'a class of service that is misspelt': {
    document: 'resource_requirements: {class: burstible}',
    want: 'there is no priority class burstible; did you mean burstable? there are gold, free, plain',
  },
  'a priority above that of the class': {
    document: 'class: plain\npriority: 8',
    want: 'asks for priority 8, and its class plain has 7 at most',
  },
  'a step that will not be stopped, in a class that may be': {
    document: 'class: free\npreemption: {preemptible: false}',
    want: 'step job may not be stopped for others, and tasks of class free may',
  },
};
for (const [what, { document, want }] of Object.entries(refused)) {
  test(`refused: ${what}`, () => {
    assert.equal(refusalSentence(open().refusal(doc(document))!, timeMs(0)), want);
  });
}

test('a site without classes says so', () => {
  const refusal = open('scheduling: {}').refusal(doc('class: gold'))!;
  assert.equal(
    refusalSentence(refusal, timeMs(0)),
    'there is no priority class gold; the site has none',
  );
});

/** What a step becomes: its priority, whether it may be stopped, its share of a core and of its memory. */
const becomes: Record<string, [document: string, ...want: unknown[]]> = {
  neither: ['', 0, true, 5000, 5000],
  'a lower priority than its class': ['class: gold\npriority: 3', 3, false, 5000, 5000],
  'what the class does not say, the step does': [
    'class: plain\npreemption: {preemptible: false}',
    7,
    false,
    5000,
    5000,
  ],
  'a class that is never stopped, whatever the step says': [
    'class: gold\npreemption: {checkpoint_every: 10m}',
    50,
    false,
    5000,
    5000,
  ],
  'both kinds: the priority class says whether it may be stopped': [
    'class: free\nresource_requirements: {class: guaranteed}',
    -5,
    true,
    2000,
    8000,
  ],
  'both kinds, where the priority class is silent': [
    'class: guaranteed\nresource_requirements: {class: plain}',
    7,
    false,
    8000,
    8000,
  ],
};
for (const [what, [document, ...want]] of Object.entries(becomes)) {
  test(`submitted as: ${what}`, () => {
    const site = open();
    const { priority, steps } = site.spec(site.add(doc(document)));
    const { stops, execution } = steps[0]!;
    const { cpuShare, memoryGuarantee } = execution!.process!;
    assert.deepEqual([priority, stops!.preemptible, cpuShare, memoryGuarantee], want);
  });
}

test('a lease has no class of service, and without classes nothing is changed', () => {
  const spec = specOf(doc(''));
  assert.equal(withClasses(spec, {}, false), spec);
  const lease = { ...spec, kind: 'lease' } as WorkloadSpec;
  assert.equal(withClasses(lease, schedulingOf(siteText), false), lease);
});

test('submitted again, it is what it was', () => {
  const named = fc.constantFrom('gold', 'free', 'plain', 'guaranteed', 'burstable', 'best_effort');
  fc.assert(
    fc.property(named, named, fc.boolean(), fc.boolean(), (one, other, says, proxied) => {
      const text = [
        `class: ${one}`,
        `resource_requirements: {class: ${other}}`,
        says ? 'preemption: {preemptible: true}' : '',
        proxied ? 'network: {max_requests: 1}' : '',
      ].join('\n');
      const isQos = (name: string) => !['gold', 'free', 'plain'].includes(name);
      fc.pre(one === other || isQos(one) !== isQos(other));
      const site = schedulingOf(siteText);
      const first = withClasses(specOf(doc(text)), site, false);
      assert.ok(!('code' in first));
      assert.deepEqual(withClasses(first, site, true), first);
    }),
  );
});

test('an adjustment goes no higher than the class, and an update is of the class that it names', () => {
  const site = open();
  const send = (command: object) =>
    site.engine.decide({ at: site.at, workload: '1' as WorkloadId, ...command } as Command);
  site.start(doc('class: plain\nservice: {replicas: 1}'));
  const high = send({ kind: 'adjust', by, priority: 8 }).answer;
  assert.ok(high.kind === 'refused' && high.refusal.code === 'above-class');
  assert.equal(send({ kind: 'adjust', by, priority: 6 }).events.length, 1);
  const update = (more: string) => {
    const spec = specOf(doc(`${more}\nservice: {replicas: 1}`));
    return send({ kind: 'update', spec });
  };
  const [event] = update('class: free').events;
  assert.ok(event?.kind === 'service-updated');
  assert.equal(event.spec.steps[0]!.stops!.preemptible, true);
  const { answer } = update('class: golt');
  assert.ok(answer.kind === 'refused' && answer.refusal.code === 'no-such-class');
});

test('what a task submits is of its class, and of no higher priority than it', () => {
  const site = open();
  site.start(doc('class: gold\npriority: 20'));
  const parent = site.engine.state.attempt('1.job.0.1' as AttemptId)!.task;
  assert.deepEqual(childSpec(specOf(doc('class: free')), parent), {
    why: 'task 1.job.0 is not of class free itself',
  });
  const child = childSpec(specOf(doc('class: gold')), parent);
  assert.ok(!('why' in child));
  assert.equal(site.submitSpec(child), undefined);
  assert.equal(site.spec(2).priority, 20);
});

test('another site file changes only what is submitted after it', () => {
  const site = open();
  site.start(doc('class: gold'));
  const after = new DocumentSite(
    'scheduling: {classes: {gold: {priority: 1}}}',
    node('n', { cpu: 4000, memory: 8 * GIB }),
  );
  for (const event of site.journal) after.engine.apply(event);
  assert.equal(after.spec(1).priority, 50);
  const [priority] = [after.engine.state.workload('1' as WorkloadId)!.priority];
  assert.equal(priority, 50);
  assert.equal(after.submitSpec(specOf(doc('class: gold'))), undefined);
  assert.equal(after.spec(2).priority, 1);
});

test('a snapshot knows the classes', () => {
  const site = open();
  site.start(doc('class: gold'));
  site.start(doc('class: free\ncount: 9'));
  const before = takeSnapshot(site.engine.state);
  site.restart();
  assert.equal(takeSnapshot(site.engine.state), before);
  // Of the two cores that are kept for gold, one is left, and lent no more than before.
  assert.deepEqual(site.pass(), []);
  assert.deepEqual(site.start(doc('preemption: {preemptible: false}')), []);
});

test('where shares decide between queues, what is guaranteed to a class is not lent', () => {
  const site = open(`${siteText}queues: {default: , other: }\n`);
  assert.equal(site.start(doc('class: free\ncount: 9')).length, 2);
  assert.deepEqual(site.why(1), { code: 'reserved', by: 'class gold', node: 'n' });
  assert.equal(site.start(doc('class: gold\ncount: 2\nqueue: other')).length, 2);
});

test('a guarantee that is lent is taken back task by task, after their minimum run time', () => {
  const site = open();
  assert.equal(site.start(doc('class: free\ncount: 4')).length, 4);
  site.start(doc('class: gold'));
  assert.deepEqual(site.stopped, []);
  site.now += MINUTE;
  site.pass();
  assert.equal(site.stopped.length, 1);
  assert.deepEqual(site.settle(), ['2.job.0.1']);
  site.start(doc('class: gold'));
  assert.equal(site.stopped.length, 2);
  assert.deepEqual(site.settle(), ['3.job.0.1']);
});

test('whoever comes and goes, others that cannot be stopped for a class hold no more than the rest', () => {
  const kinds = {
    gold: 'class: gold',
    free: 'class: free',
    fixed: 'preemption: {preemptible: false}',
    high: 'priority: 60',
  };
  const names = Object.keys(kinds) as (keyof typeof kinds)[];
  const asked = fc.record({
    kind: fc.constantFrom(...names),
    count: fc.integer({ min: 1, max: 3 }),
    ends: fc.boolean(),
    waits: fc.constantFrom(0, 2 * MINUTE),
  });
  let taken = 0;
  fc.assert(
    fc.property(fc.array(asked, { minLength: 1, maxLength: 12 }), (script) => {
      const site = open();
      const kindOf = new Map<string, keyof typeof kinds>();
      const held = (of: readonly string[]): number =>
        [...site.running.keys()].filter((id) => of.includes(kindOf.get(id.split('.')[0]!)!)).length;
      const check = (): void => {
        assert.ok(held(['fixed', 'high']) <= 4 - Math.max(2, held(['gold'])));
      };
      for (const { kind, count, ends, waits } of script) {
        site.now += waits;
        if (ends) for (const id of site.running.keys()) site.end(id as AttemptId);
        kindOf.set(String(site.add(doc(`${kinds[kind]}\ncount: ${count}`))), kind);
        site.pass();
        check();
        taken += site.stopped.length;
        site.settle();
        check();
      }
      // Two of the class find room once what is lent has had its minimum run time.
      kindOf.set(String(site.add(doc('class: gold\ncount: 2'))), 'gold');
      for (let i = 0; i < 6; i++) {
        site.now += 2 * MINUTE;
        site.pass();
        site.settle();
      }
      assert.ok(held(['gold']) >= 2, `${held(['gold'])} of the class run`);
    }),
    { numRuns: 150 },
  );
  assert.ok(taken > 0);
});

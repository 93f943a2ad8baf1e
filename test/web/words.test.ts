import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EnforcedDocument, workloadSchema } from '../../src/api/contract/documents.ts';
import { enforcementSentence, workloadSentence } from '../../web/src/words.ts';
import { ScenarioSite } from '../api/scenario-site.ts';
import { failedWithOom, oneRunning } from '../api/scenarios.ts';
import { GIB } from '../api/toy-workload.ts';

const sentenceOf = (site: ScenarioSite, id = '1'): string =>
  workloadSentence(workloadSchema.parse(site.workload(id as never)), site.now);

function job(runMs: number, ends?: 'start-failed' | 'lost' | 'timed-out'): ScenarioSite {
  const site = new ScenarioSite({ cpuMilli: 2_000 });
  const step = { id: 'main', command: 'x', cpuMilli: 2_000, memoryBytes: GIB, runMs };
  site.add({
    name: 'j',
    steps: [{ ...step, ends: () => (ends === undefined ? undefined : { cause: ends }) }],
  });
  return site;
}

function waiting(): ScenarioSite {
  const site = job(600_000);
  site.add({
    name: 'k',
    steps: [{ id: 'main', command: 'x', cpuMilli: 1_000, memoryBytes: GIB, runMs: 1_000 }],
  });
  site.advance(30_000);
  return site;
}

function played(site: ScenarioSite, ms: number): ScenarioSite {
  site.advance(ms);
  return site;
}

const sentences: readonly (readonly [string, string, string])[] = [
  ['a job that runs', sentenceOf(played(job(60_000), 12_000)), 'Runs for 12s.'],
  ['a pipeline that runs', sentenceOf(oneRunning()), 'Runs for 1m 35s: train with 4 of 4 tasks.'],
  ['one that waits', sentenceOf(waiting(), '2'), 'Waits for 30s. Asks 1 CPUs; lab-3 has 0 free.'],
  ['one that is done', sentenceOf(played(job(8_000), 10_000)), 'Done in 8.0s.'],
  [
    'one that ran out of memory',
    sentenceOf(failedWithOom()),
    'Failed after 2m 06s. Killed for memory after 42s: it reached 9.0 GiB of the 9.0 GiB it may use. The kernel killed python (pid 5003) in its cgroup.',
  ],
  [
    'one that did not start',
    sentenceOf(played(job(1_000, 'start-failed'), 2_000)),
    'Failed after 1.0s. It did not start.',
  ],
  [
    'one that was lost',
    sentenceOf(played(job(1_000, 'lost'), 2_000)),
    'Failed after 1.0s. No record of its end was found.',
  ],
  [
    'one whose time was up',
    sentenceOf(played(job(1_000, 'timed-out'), 2_000)),
    'Failed after 1.0s. Stopped after 1.0s: its time was up.',
  ],
];
for (const [name, got, want] of sentences) {
  test(`in a sentence: ${name}`, () => assert.equal(got, want));
}

const held: readonly (readonly [Partial<EnforcedDocument>, string])[] = [
  [{}, 'Limits are held by cgroup v2: CPU by quota, memory and processes by the kernel.'],
  [
    { driver: 'unprivileged', cpu: 'none', memory: 'watchdog', pids: 'rlimit' },
    'Limits are held by an unprivileged process: memory by a watchdog, processes by rlimit; CPU not at all.',
  ],
  [
    { driver: 'unknown', cpu: 'none', memory: 'none', pids: 'none' },
    'No limits are held by an unknown driver.',
  ],
];
for (const [enforced, want] of held) {
  test(`enforcement: ${want}`, () => {
    const all: EnforcedDocument = {
      driver: 'cgroup-v2',
      cpu: 'quota',
      memory: 'kernel',
      pids: 'kernel',
      notes: [],
    };
    assert.equal(enforcementSentence({ ...all, ...enforced }), want);
  });
}

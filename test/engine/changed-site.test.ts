import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { recover } from '../../src/app/recover.ts';
import { timeMs } from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import { takeSnapshot } from '../../src/engine/snapshot.ts';
import type { SchedulingConfig } from '../../src/model/scheduling-config.ts';
import { makeScheduler } from '../../src/scheduling/make-scheduler.ts';
import { openJournal } from '../../src/store/io/journal.ts';
import { endedBy } from '../builders/engine-bench.ts';
import { node, Site } from '../builders/site.ts';
import { schedulingOf } from '../builders/site-text.ts';

const bounded = { timeout: 60_000 };
const HOUR = 3_600_000;

/** Sites that one and the same state folder may be opened with, one after the other. */
const sites: Record<string, string> = {
  'nothing said': 'scheduling: {}',
  'two queues': 'queues: {train: {weight: 3}, batch: {weight: 1, max_active: 1}}',
  'other queues, deeper': `
    scheduling: {policy: multifactor, half_life: 1h, placement: {fgd: 1, best-fit: 2}}
    queues: {all: {children: {serve: {guaranteed: {cpu: 4}}, train: {}}}, rest: {fifo: strict}}`,
  'teams in one queue': `
    scheduling: {policy: lottery, seed: 7}
    multi_tenancy:
      teams: {red: {weight: 0.7, members: [ada], dedicated_resources: {cpu: 2}}, blue: {weight: 0.3, members: [bob]}}`,
  'quotas that are used up': `
    queues: {train: {}, batch: {}}
    scheduling: {policy: stride}
    quotas:
      - {name: a, queue: batch, per: day, cpu_hours: 0}
      - {name: b, each: true, per: 2h, cpu_hours: 1}`,
  'the same quotas, otherwise': `
    queues: {train: {}, batch: {}}
    quotas:
      - {name: a, queue: batch, per: 3h, cpu_hours: 90}
      - {name: b, per: month, time_zone: Asia/Tokyo, cpu_hours: 800}`,
  'backfill, and no queues': 'scheduling: {backfill: easy, placement: fill-plan}',
  'conservative backfill': 'scheduling: {backfill: {kind: conservative, depth: 5}}',
  'preemption and reservations': `
    scheduling: {preemption: {min_run_time: 0s}, policy: drf}
    queues: {train: {guaranteed: {cpu: 6}}, default: {reclaim: always}}
    reservations: [{name: night, resources: {cpu: 2}, duration: "22:00-06:00", queues: [train]}]`,
};

function openSite(scheduling: SchedulingConfig): Engine {
  const options = { tasksMax: 10_000, endedMax: 5, scheduling };
  return new Engine(options, { scheduler: makeScheduler(scheduling) });
}

/** Work of two users in the queues that the site lets them into; some of it has run, runs and waits. */
function lived(scheduling: SchedulingConfig): Site {
  const site = new Site(scheduling, node('n', { cpu: 8_000, gpus: 2 }));
  for (const queue of ['default', 'train', 'batch', 'serve', 'rest']) {
    for (const tenant of ['ada', 'bob']) {
      site.submit({ queue, tenant, cpu: 2, count: 3, wallMs: HOUR / 4 });
      site.submit({ queue, tenant, cpu: 1, gpu: 0.5, count: 2, runMs: HOUR / 4 });
    }
  }
  site.pass();
  site.now += HOUR / 8;
  for (const attempt of [...site.running.keys()].slice(0, 2)) site.end(attempt);
  site.pass();
  return site;
}

/** Lets what runs end, again and again; whatever still waits then does so for ever. */
function runOut(engine: Engine, from: number): number {
  let now = from;
  for (let round = 0; round < 200; round++) {
    for (let e = engine.next(timeMs(now)); e !== undefined; e = engine.next(timeMs(now))) {
      engine.apply(e);
    }
    const running = [...engine.state.runningAttempts()];
    now += HOUR / 8;
    for (const { id } of running) {
      const end = endedBy('succeeded');
      const at = timeMs(now);
      const decision = engine.decide({ kind: 'report-ended', at, attempt: id, end });
      for (const event of decision.events) engine.apply(event);
    }
  }
  return [...engine.state.workloads()].filter(({ state }) => state === 'active').length;
}

const never = ['quotas that are used up'];
for (const [before, textBefore] of Object.entries(sites)) {
  test(`recovery under every other site after: ${before}`, bounded, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'berth-test-'));
    try {
      const site = lived(schedulingOf(textBefore));
      assert.ok(site.running.size > 0, 'something runs');
      const { length } = site.journal;
      for (const snapshotAt of [0, Math.floor(length / 2), length]) {
        const file = join(dir, `${snapshotAt}.db`);
        await write(file, site, textBefore, snapshotAt);
        for (const [after, textAfter] of Object.entries(sites)) {
          const what = `${before} → ${after}, snapshot at ${snapshotAt}`;
          const journal = openJournal({ file });
          const engine = openSite(schedulingOf(textAfter));
          recover(engine, journal);
          await journal.close();
          const running = [...engine.state.runningAttempts()].map(({ id }) => id);
          assert.deepEqual(running, [...site.running.keys()], what);
          const left = runOut(engine, site.now);
          if (!never.includes(after)) assert.equal(left, 0, `${what}: all runs in the end`);
          assert.ok(takeSnapshot(engine.state).length > 0, what);
        }
      }
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
}

/** The journal of what was lived, with a snapshot of the state after so many events. */
async function write(file: string, site: Site, text: string, snapshotAt: number): Promise<void> {
  const journal = openJournal({ file });
  const [first, rest] = [site.journal.slice(0, snapshotAt), site.journal.slice(snapshotAt)];
  if (first.length > 0) {
    await journal.append(first);
    const engine = openSite(schedulingOf(text));
    for (const event of first) engine.apply(event);
    await journal.writeSnapshot(journal.lastSequence, takeSnapshot(engine.state));
  }
  if (rest.length > 0) await journal.append(rest);
  await journal.close();
}

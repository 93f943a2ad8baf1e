import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { defaultScheduling } from '../../src/model/scheduling-config.ts';
import { Profile } from '../../src/scheduling/profile.ts';
import { type Ask, node, Site } from '../builders/site.ts';

const SECOND = 1000;
const kinds = ['easy', 'easy-shortest-first', 'conservative'] as const;
const site = (kind: (typeof kinds)[number], ...nodes: ReturnType<typeof node>[]) =>
  new Site(
    {
      ...defaultScheduling,
      scorers: [{ name: 'first-fit', weight: 1 }],
      backfill: { kind, depth: 1000 },
    },
    ...nodes,
  );

const job = fc.record({
  afterS: fc.integer({ min: 0, max: 20 }),
  cpu: fc.integer({ min: 1, max: 8 }),
  runS: fc.integer({ min: 1, max: 40 }),
});

/** Runs the jobs, each for exactly its estimate; calls back after every pass. */
function run(
  s: Site,
  jobs: readonly (typeof job extends fc.Arbitrary<infer J> ? J : never)[],
  seen: () => void,
) {
  const arrivals: (Ask & { at: number })[] = [];
  let at = 0;
  for (const { afterS, cpu, runS } of jobs) {
    at += afterS * SECOND;
    arrivals.push({ at, cpu, runMs: runS * SECOND });
  }
  const ends = new Map<string, number>();
  const startedAt = new Map<number, number>();
  while (arrivals.length > 0 || ends.size > 0) {
    s.now = Math.min(arrivals[0]?.at ?? Number.POSITIVE_INFINITY, ...ends.values());
    for (const [id, due] of ends) {
      if (due > s.now) continue;
      s.end(id as never);
      ends.delete(id);
    }
    while (arrivals[0]?.at === s.now) s.submit(arrivals.shift()!);
    for (const id of s.pass()) {
      ends.set(id, s.now + s.asked(id).runMs!);
      startedAt.set(Number.parseInt(id, 10), s.now);
    }
    seen();
  }
  return startedAt;
}

test('EASY: the head of the queue starts no later than it was promised when it became the head', () => {
  const jobs = fc.array(job, { minLength: 2, maxLength: 25 });
  for (const kind of ['easy', 'easy-shortest-first'] as const) {
    fc.assert(
      fc.property(jobs, (drawn) => {
        const s = site(kind, node('n', { cpu: 8000, memory: 2 ** 50 }));
        const promised = new Map<number, number>();
        const startedAt = run(s, drawn, () => {
          const waiting = [...s.engine.state.workloads()].filter(
            ({ steps, state }) => state === 'active' && steps[0]!.counts.waiting > 0,
          );
          const head = waiting[0];
          if (head === undefined || promised.has(head.number)) return;
          promised.set(head.number, shadow(s, head.steps[0]!.spec.request.cpu));
        });
        for (const [number, by] of promised) assert.ok(startedAt.get(number)! <= by, `${number}`);
        assert.equal(startedAt.size, drawn.length, 'all ran');
      }),
      { numRuns: 150 },
    );
  }
});

/** When enough of what runs has ended, counted from the running attempts alone. */
function shadow(s: Site, cpu: number): number {
  const running = [...s.engine.state.runningAttempts()]
    .map(({ placedAt, task, placement }) => ({
      at: placedAt + task.estimateMs!,
      cpu: placement.held.cpu,
    }))
    .sort((a, b) => a.at - b.at);
  let free = 8000 - running.reduce((sum, one) => sum + one.cpu, 0);
  for (const one of running) {
    free += one.cpu;
    if (free >= cpu) return one.at;
  }
  return Number.POSITIVE_INFINITY;
}

test('conservative: nobody starts later than without those that came after', () => {
  const jobs = fc.array(job, { minLength: 2, maxLength: 14 });
  fc.assert(
    fc.property(jobs, fc.nat(), (drawn, cut) => {
      const some = drawn.slice(0, 1 + (cut % drawn.length));
      const nodes = () => [
        node('n', { cpu: 8000, memory: 2 ** 50 }),
        node('m', { cpu: 8000, memory: 2 ** 50 }),
      ];
      const alone = run(site('conservative', ...nodes()), some, () => {});
      const all = run(site('conservative', ...nodes()), drawn, () => {});
      for (const [number, at] of alone) assert.ok(all.get(number)! <= at, `${number} was delayed`);
    }),
    { numRuns: 200 },
  );
});

test('conservative: a small job passes a large one only if it delays nobody', () => {
  const s = site('conservative', node('n', { cpu: 4000, memory: 2 ** 50 }));
  s.submit({ cpu: 3, runMs: 10 * SECOND });
  s.submit({ cpu: 4, runMs: 10 * SECOND });
  s.submit({ cpu: 1, runMs: 11 * SECOND });
  s.submit({ cpu: 1, runMs: 10 * SECOND });
  assert.deepEqual(s.pass(), ['1.s.0.1', '4.s.0.1']);
  const why = s.why(3);
  assert.equal(why?.code, 'insufficient');
});

test('who has room but would delay a promise is told which, and when', () => {
  for (const kind of ['easy', 'conservative'] as const) {
    const s = site(kind, node('n', { cpu: 4000, memory: 2 ** 50 }));
    s.submit({ cpu: 3, runMs: 10 * SECOND });
    s.submit({ cpu: 4, runMs: 10 * SECOND });
    s.submit({ cpu: 1, runMs: 11 * SECOND });
    s.pass();
    assert.deepEqual(
      s.why(3),
      { code: 'reserved-for', task: '2.s.0', node: 'n', startsAt: 10 * SECOND },
      kind,
    );
  }
});

test('a profile answers as a table of every instant does', () => {
  const span = fc.record({
    at: fc.nat(20),
    length: fc.integer({ min: 1, max: 15 }),
    amount: fc.integer({ min: 0, max: 4 }),
  });
  fc.assert(
    fc.property(
      fc.array(span, { maxLength: 8 }),
      fc.array(span, { maxLength: 8 }),
      (ends, asks) => {
        const profile = new Profile(0, [2]);
        const table = Array.from({ length: 400 }, () => 2);
        for (const { at, amount } of ends) {
          profile.release(at, [amount]);
          for (let t = at; t < table.length; t++) table[t]! += amount;
        }
        for (const { length, amount } of asks) {
          const got = profile.earliest([amount], length);
          let want = 0;
          while (want < 300 && !table.slice(want, want + length).every((free) => free >= amount))
            want++;
          assert.equal(got, want < 300 ? want : Number.MAX_SAFE_INTEGER);
          if (want === 300) continue;
          profile.take(got, length, [amount]);
          for (let t = want; t < want + length; t++) table[t]! -= amount;
        }
      },
    ),
    { numRuns: 300 },
  );
});
